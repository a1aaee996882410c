//! The examination: every pair of every sync, then each system as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::held::Held;
use super::history::History;
use super::terms::{End, Entity, Scope, Terms};
use super::{Duplicate, Field, Truth, sameness};
use crate::system::System;

/// One sync as the judge is asked about it.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which systems, and what they are to agree in.
    pub terms: Terms,
    /// Ids of the left and of the right that are said to be one person or company.
    pub pairs: Vec<(String, String)>,
}

/// What the judge found in all systems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// In the order of the questions.
    pub syncs: Vec<Agreement>,
    /// Records that a client of the API made although the person was there.
    pub duplicates: Vec<Duplicate>,
    /// Updates by a client of the API that changed no value.
    pub echo_writes: BTreeMap<System, usize>,
}

impl Findings {
    /// Whether every sync agrees, and nothing was doubled.
    #[must_use]
    pub fn agree(&self) -> bool {
        self.duplicates.is_empty() && self.syncs.iter().all(Agreement::agrees)
    }
}

/// How the two systems of one sync stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Of which records.
    pub entity: Entity,
    /// The one.
    pub left: System,
    /// The other.
    pub right: System,
    /// Pairs whose records both live.
    pub pairs: usize,
    /// Values looked at in them.
    pub compared: usize,
    /// Values of which the sides say different things.
    pub disagreements: Vec<Difference>,
    /// Values that differ only by what one system cannot hold or take.
    pub losses: Vec<Difference>,
    /// Pairs of which a record is gone, or that share a record with another pair.
    pub broken: Vec<Broken>,
    /// Living records without a pair that need one.
    pub without_counterpart: Sides<Vec<String>>,
}

impl Agreement {
    pub(super) fn between(terms: &Terms) -> Self {
        Self {
            entity: terms.entity,
            left: terms.left,
            right: terms.right,
            pairs: 0,
            compared: 0,
            disagreements: Vec::new(),
            losses: Vec::new(),
            broken: Vec::new(),
            without_counterpart: Sides::default(),
        }
    }

    /// Whether every pair agrees and nothing is without a counterpart.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.disagreements.is_empty()
            && self.broken.is_empty()
            && self.without_counterpart.left.is_empty()
            && self.without_counterpart.right.is_empty()
    }
}

/// One thing for each side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Sides<T> {
    pub left: T,
    pub right: T,
}

/// One value on which a pair does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The left's record.
    pub left: String,
    /// The right's record.
    pub right: String,
    /// Which value.
    pub what: What,
    /// What each side says.
    pub says: Sides<String>,
    /// Why nobody is to blame, where it is a loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
}

/// Why values differ without anybody's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// One end takes the field only when a record is made, and the other end had the last word since.
    CreateOnly,
    /// A system keeps the beginning of a long text.
    Cut,
    /// Whoever asked said that this field may differ.
    Declared,
}

/// A value that is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum What {
    /// A mapped field.
    Field(Field),
    /// A value that is carried, by its name; `company` is the link to a company.
    Carried(String),
}

/// A pair that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The left's record.
    pub left: String,
    /// The right's record.
    pub right: String,
    /// Why.
    pub why: Why,
}

/// Why a pair cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The left's record is deleted, merged away or was never there.
    LeftGone,
    /// The right's record is deleted, merged away or was never there.
    RightGone,
    /// An earlier pair has one of its records.
    Shared,
}

/// A record of a system.
type Known<'a> = (System, &'a str);

/// Examines what the systems hold. Echo writes are not counted here, they leave no trace in a state.
#[must_use]
pub fn examine(
    held: &BTreeMap<(System, Entity), Vec<Held>>,
    questions: &[Question],
    truth: Option<&Truth>,
    history: &History,
) -> Findings {
    let mut links: HashMap<Known<'_>, Vec<Known<'_>>> = HashMap::new();
    let beyond = Beyond::new(questions, history);
    let none: &[Held] = &[];
    let of = |question: &Question, system: System| {
        let held = held.get(&(system, question.terms.entity));
        held.map_or(none, Vec::as_slice)
    };
    let mut twins: HashMap<(System, System), Twins<'_>> = HashMap::new();
    let (companies, people): (Vec<_>, Vec<_>) = questions
        .iter()
        .enumerate()
        .partition(|(_, question)| question.terms.entity == Entity::Companies);
    let mut syncs: Vec<(usize, Agreement)> = Vec::new();
    // companies first: what people belong to is judged by which of them are pairs
    for (place, question) in companies.into_iter().chain(people) {
        let (left, right) = (question.terms.left, question.terms.right);
        let (lefts, rights) = (of(question, left), of(question, right));
        let mut agreement = Agreement::between(&question.terms);
        let known = twins.get(&(left, right));
        let hold = judge_pairs(question, lefts, rights, known, &beyond, &mut agreement);
        if question.terms.entity == Entity::Companies {
            let of_both = twins.entry((left, right)).or_default();
            of_both.extend(hold.iter().copied());
        }
        for (one, other) in hold {
            links.entry((left, one)).or_default().push((right, other));
            links.entry((right, other)).or_default().push((left, one));
        }
        syncs.push((place, agreement));
    }
    syncs.sort_by_key(|(place, _)| *place);
    let mut found = Vec::new();
    for ((system, entity), records) in held {
        let home = questions
            .iter()
            .find(|question| [question.terms.left, question.terms.right].contains(system))
            .map_or("", |question| question.terms.home.as_str());
        let person = |id: &str| match entity {
            Entity::People => truth.and_then(|truth| person(truth, &links, (*system, id))),
            Entity::Companies => None,
        };
        let mut twice = duplicates((*system, *entity), records, home, person);
        if *entity == Entity::Companies {
            // two companies of one name that both have a counterpart are two on the other side as well
            let paired = |id: &str| links.contains_key(&(*system, id));
            twice.retain(|each| !(paired(&each.id) && paired(&each.of)));
        }
        found.append(&mut twice);
    }
    Findings {
        syncs: syncs.into_iter().map(|(_, agreement)| agreement).collect(),
        duplicates: found,
        echo_writes: BTreeMap::new(),
    }
}

/// Companies that are pairs, both ways round.
#[derive(Default)]
struct Twins<'q> {
    right_of: HashMap<&'q str, &'q str>,
    rights: HashSet<&'q str>,
}

impl<'q> Extend<(&'q str, &'q str)> for Twins<'q> {
    fn extend<I: IntoIterator<Item = (&'q str, &'q str)>>(&mut self, pairs: I) {
        for (left, right) in pairs {
            self.right_of.insert(left, right);
            self.rights.insert(right);
        }
    }
}

/// Whether two people belong to companies that are a pair. A company without a counterpart counts as none: that it has none is said
/// where companies are judged. Where nobody asked about companies, all that shows is whether there is one.
fn same_company(left: &Held, right: &Held, twins: Option<&Twins<'_>>) -> bool {
    match twins {
        Some(twins) => {
            twins.right_of.get(left.company_id.as_str())
                == twins.rights.get(right.company_id.as_str())
        }
        None => left.company_id.is_empty() == right.company_id.is_empty(),
    }
}

/// Judges the pairs of a sync, and answers those that hold.
fn judge_pairs<'q>(
    question: &'q Question,
    left: &[Held],
    right: &[Held],
    twins: Option<&Twins<'_>>,
    beyond: &Beyond<'_>,
    agreement: &mut Agreement,
) -> Vec<(&'q str, &'q str)> {
    let by_id = |held: &[Held]| -> HashMap<String, usize> {
        let living = held.iter().enumerate().filter(|(_, each)| !each.gone);
        living
            .map(|(place, each)| (each.id.clone(), place))
            .collect()
    };
    let (lefts, rights) = (by_id(left), by_id(right));
    let mut paired: Sides<BTreeSet<&str>> = Sides::default();
    let mut hold = Vec::new();
    for (one, other) in &question.pairs {
        let places = match (lefts.get(one), rights.get(other)) {
            (None, _) => Err(Why::LeftGone),
            (_, None) => Err(Why::RightGone),
            (Some(one), Some(other)) => Ok((*one, *other)),
        };
        let fresh = [paired.left.insert(one), paired.right.insert(other)];
        let places = match places {
            Ok(places) if fresh == [true, true] => Ok(places),
            Ok(_) => Err(Why::Shared),
            Err(why) => Err(why),
        };
        match places {
            Ok((left_place, right_place)) => {
                hold.push((one.as_str(), other.as_str()));
                agreement.pairs += 1;
                judge_pair(
                    &left[left_place],
                    &right[right_place],
                    &question.terms,
                    twins,
                    beyond,
                    agreement,
                );
            }
            Err(why) => agreement.broken.push(Broken {
                left: one.clone(),
                right: other.clone(),
                why,
            }),
        }
    }
    let alone = |held: &[Held], scope: &Scope, paired: &BTreeSet<&str>| -> Vec<String> {
        held.iter()
            .filter(|each| question.terms.needs_counterpart(scope, each))
            .filter(|each| !paired.contains(each.id.as_str()))
            .map(|each| each.id.clone())
            .collect()
    };
    agreement.without_counterpart = Sides {
        left: alone(left, &question.terms.left_needs, &paired.left),
        right: alone(right, &question.terms.right_needs, &paired.right),
    };
    hold
}

fn judge_pair(
    left: &Held,
    right: &Held,
    terms: &Terms,
    twins: Option<&Twins<'_>>,
    beyond: &Beyond<'_>,
    agreement: &mut Agreement,
) {
    let difference = |what: What, one: String, other: String, loss| Difference {
        left: left.id.clone(),
        right: right.id.clone(),
        what,
        says: Sides {
            left: one,
            right: other,
        },
        loss,
    };
    for field in &terms.fields {
        agreement.compared += 1;
        let loss = match sameness::compare(*field, left, right, terms) {
            sameness::Same::Yes => continue,
            sameness::Same::Cut => Some(Loss::Cut),
            sameness::Same::Declared => Some(Loss::Declared),
            sameness::Same::No => beyond
                .cannot_cross(*field, left, right, terms)
                .then_some(Loss::CreateOnly),
        };
        let list = match loss {
            Some(_) => &mut agreement.losses,
            None => &mut agreement.disagreements,
        };
        list.push(difference(
            What::Field(*field),
            left.shown(*field),
            right.shown(*field),
            loss,
        ));
    }
    if terms.company_links {
        agreement.compared += 1;
        if !same_company(left, right, twins) {
            agreement.disagreements.push(difference(
                What::Carried("company".to_owned()),
                left.company_id.clone(),
                right.company_id.clone(),
                None,
            ));
        }
    }
    for carried in &terms.carried {
        agreement.compared += 1;
        let (one, other) = (carried.left.read(left), carried.right.read(right));
        if one != other {
            agreement.disagreements.push(difference(
                What::Carried(carried.name.clone()),
                one.to_owned(),
                other.to_owned(),
                None,
            ));
        }
    }
}

/// What is known beyond the state of two records: who edited what, and which records of other syncs belong to them.
struct Beyond<'q> {
    history: &'q History,
    of: HashMap<Known<'q>, Vec<Known<'q>>>,
}

impl<'q> Beyond<'q> {
    fn new(questions: &'q [Question], history: &'q History) -> Self {
        let mut of: HashMap<Known<'q>, Vec<Known<'q>>> = HashMap::new();
        for Question { terms, pairs } in questions {
            for (left, right) in pairs {
                let (left, right) = ((terms.left, left.as_str()), (terms.right, right.as_str()));
                of.entry(left).or_default().push(right);
                of.entry(right).or_default().push(left);
            }
        }
        Self { history, of }
    }

    /// Whether what differs is what one end could not take: it takes the field only when a record is made, and people at the other
    /// end, or behind it in another sync, had the last word since. Where nobody said anything since both records are there, the value
    /// of the left counts if it has one.
    fn cannot_cross(&self, field: Field, left: &Held, right: &Held, terms: &Terms) -> bool {
        let Some(end) = terms.create_only.get(&field) else {
            return false;
        };
        let (closed, open) = match end {
            End::Left => ((terms.left, left), (terms.right, right)),
            End::Right => ((terms.right, right), (terms.left, left)),
        };
        let history = self.history;
        let both = [closed, open].map(|(system, held)| history.made(system, &held.id));
        let both = both[0].max(both[1]);
        let behind = self.of.get(&(open.0, open.1.id.as_str()));
        let said_beyond = behind
            .into_iter()
            .flatten()
            .filter(|(system, _)| *system != closed.0)
            .map(|(system, id)| history.said(*system, id, field));
        let said = history
            .said(open.0, &open.1.id, field)
            .max(said_beyond.max().unwrap_or(0));
        let changed = history.changed(closed.0, &closed.1.id, field);
        if said > both || changed > both {
            return said > changed;
        }
        // a record that a client made was made with what the other end had, unless it may have been made for one of a third system
        let behind = self.of.get(&(closed.0, closed.1.id.as_str()));
        let from_elsewhere = behind
            .into_iter()
            .flatten()
            .any(|(system, _)| *system != open.0);
        let left_counts = !left.shown(field).is_empty();
        (!closed.1.by_client || from_elsewhere) && (left_counts == (*end == End::Right))
    }
}

/// The person that a record is: by the truth, or by that of a record that is linked to it, over as many syncs as it takes.
fn person(
    truth: &Truth,
    links: &HashMap<Known<'_>, Vec<Known<'_>>>,
    record: Known<'_>,
) -> Option<u32> {
    let mut seen = HashSet::from([record]);
    let mut next = vec![record];
    while let Some((system, id)) = next.pop() {
        if let Some(person) = truth.person(system, id) {
            return Some(person);
        }
        for other in links.get(&(system, id)).into_iter().flatten() {
            if seen.insert(*other) {
                next.push(*other);
            }
        }
    }
    None
}

/// Records that a client made for people who lived there already: by the truth, or where it says nothing by the same name with
/// the same e-mail address or number.
fn duplicates(
    (system, entity): (System, Entity),
    held: &[Held],
    home: &str,
    person: impl Fn(&str) -> Option<u32>,
) -> Vec<Duplicate> {
    let mut by_person: HashMap<u32, Vec<&Held>> = HashMap::new();
    let mut by_key: HashMap<String, Vec<&Held>> = HashMap::new();
    let mut found = Vec::new();
    let living = || held.iter().filter(|each| !each.gone);
    // those that were there first, then those that the client made, in the order of the system
    let in_order = living()
        .filter(|each| !each.by_client)
        .chain(living().filter(|each| each.by_client));
    for record in in_order {
        let keys = sameness::keys(entity, record, home);
        let who = person(&record.id);
        let shares_key = |other: &&&Held| {
            let others = sameness::keys(entity, other, home);
            keys.iter().any(|key| others.contains(key))
        };
        if record.by_client {
            let twins: Vec<&Held> = match who {
                Some(who) => by_person.get(&who).cloned().unwrap_or_default(),
                None => keys
                    .iter()
                    .flat_map(|key| by_key.get(key).into_iter().flatten().copied())
                    .filter(|other| sameness::same_name(record, other))
                    .collect(),
            };
            if let Some(twin) = twins.iter().find(shares_key).or_else(|| twins.first()) {
                found.push(Duplicate {
                    system,
                    id: record.id.clone(),
                    of: twin.id.clone(),
                    findable: shares_key(&twin),
                });
            }
        }
        if let Some(who) = who {
            by_person.entry(who).or_default().push(record);
        }
        for key in keys {
            by_key.entry(key).or_default().push(record);
        }
    }
    found
}
