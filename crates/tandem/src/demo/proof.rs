//! What a scene of the demo claims, and whether the simulated systems saw it: their state, their log of edits, their counts of
//! requests and of faults. Nothing here asks Tandem.

use std::collections::BTreeMap;

use sandbox::{
    Control, Edit, System, SystemCounts,
    judge::{Belonging, Held},
};
use serde::Serialize;

/// What belongs to people in the demo, as its config says.
pub(super) const BELONGINGS: [Belonging; 4] = [
    Belonging::Tasks,
    Belonging::Notes("Notiz"),
    Belonging::Appointments,
    Belonging::Opportunities,
];

/// What the simulated systems hold and have seen when all is over.
pub(super) struct Sight {
    people: BTreeMap<System, Vec<Held>>,
    pub(super) businesses: Vec<Held>,
    belongings: BTreeMap<(System, Belonging), Vec<(String, String)>>,
    pub(super) edits: Vec<Edit>,
    pub(super) counts: BTreeMap<System, SystemCounts>,
    faults: BTreeMap<u64, u64>,
}

impl Sight {
    /// Looks at everything once.
    pub(super) fn of(control: &Control) -> Self {
        let systems = [System::HighLevel, System::OnOffice, System::OfficeRnd];
        let standing = control.core().faults.all();
        Self {
            people: systems
                .into_iter()
                .map(|system| (system, control.held(system)))
                .collect(),
            businesses: control.companies(System::HighLevel),
            belongings: BELONGINGS
                .into_iter()
                .flat_map(|what| systems.map(|system| (system, what)))
                .map(|(system, what)| ((system, what), control.belongings(system, what)))
                .collect(),
            edits: control.core().edits.since(0),
            counts: control.core().counts.all(),
            faults: standing.iter().map(|each| (each.id, each.struck)).collect(),
        }
    }

    /// Those who are there, archived ones included.
    pub(super) fn living(&self, system: System) -> impl Iterator<Item = &Held> {
        let people = self.people.get(&system).into_iter().flatten();
        people.filter(|held| !held.gone)
    }

    /// A person by id, gone or not.
    pub(super) fn person(&self, system: System, id: &str) -> Option<&Held> {
        let people = self.people.get(&system)?;
        people.iter().find(|held| held.id == id)
    }

    /// How many of what belongs to a person are called so, or say so.
    pub(super) fn belonging(
        &self,
        what: Belonging,
        system: System,
        person: &str,
        said: &str,
    ) -> usize {
        let all = self.belongings.get(&(system, what)).into_iter().flatten();
        all.filter(|(of, own)| of == person && own == said).count()
    }

    /// How often a fault struck.
    pub(super) fn struck(&self, fault: u64) -> u64 {
        self.faults.get(&fault).copied().unwrap_or(0)
    }

    /// Requests that a system answered with a status.
    pub(super) fn answered(&self, system: System, method: &str, status: u16) -> u64 {
        let counts = self.counts.get(&system);
        let routes = counts.into_iter().flat_map(|counts| &counts.routes);
        routes
            .filter(|route| route.status == status && (method == "*" || route.method == method))
            .map(|route| route.count)
            .sum()
    }
}

type Look = Box<dyn Fn(&Sight) -> bool + Send + Sync>;

/// One thing that is played, with what must be seen afterwards.
pub(super) struct Scene {
    /// For programs; it stays.
    pub(super) name: &'static str,
    /// For people.
    pub(super) title: String,
    left_out: Option<String>,
    claims: Vec<(String, Look)>,
}

impl Scene {
    pub(super) fn new(name: &'static str, title: &str) -> Self {
        Self {
            name,
            title: title.to_owned(),
            left_out: None,
            claims: Vec::new(),
        }
    }

    /// It is not played.
    pub(super) fn leave_out(&mut self, why: String) {
        self.claims.clear();
        self.left_out = Some(why);
    }

    pub(super) fn claim(
        &mut self,
        what: impl Into<String>,
        look: impl Fn(&Sight) -> bool + Send + Sync + 'static,
    ) {
        self.claims.push((what.into(), Box::new(look)));
    }

    /// Whether all that it claims was seen.
    pub(super) fn proven(&self, sight: &Sight) -> Proven {
        let (seen, missing): (Vec<_>, Vec<_>) =
            self.claims.iter().partition(|(_, look)| look(sight));
        Proven {
            name: self.name,
            title: self.title.clone(),
            seen: seen.len(),
            missing: missing.into_iter().map(|(what, _)| what.clone()).collect(),
            left_out: self.left_out.clone(),
        }
    }
}

/// What came of a scene.
#[derive(Debug, Serialize)]
pub(super) struct Proven {
    pub(super) name: &'static str,
    pub(super) title: String,
    /// Claims that the systems bear out.
    pub(super) seen: usize,
    /// Claims that they do not.
    pub(super) missing: Vec<String>,
    /// Why it was not played, if it was not.
    pub(super) left_out: Option<String>,
}

impl Proven {
    /// Whether nothing that it claims is missing.
    pub(super) fn holds(&self) -> bool {
        self.missing.is_empty() && (self.seen > 0 || self.left_out.is_some())
    }
}
