//! Whether both sides of a sync agree: judged from what the simulated systems hold, and where they do not,
//! whether a question, a blocked field or a declared loss says why.

use std::collections::{BTreeMap, BTreeSet};

use record::{Entity, RecordId};
use sandbox::{
    System,
    judge::{Agreement, Difference, Field, Loss, What},
};
use serde::Serialize;
use store::{Blocked, Review, ReviewState};
use sync::LinkRow;

/// The judgement of one sync, with what explains each difference.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verdict {
    /// Differences that nothing explains.
    pub(super) unexplained: Vec<String>,
    /// Differences, with what explains them.
    pub(super) explained: Vec<(String, Excuse)>,
    /// Pairs compared, and fields in them.
    pub(super) compared: (usize, usize),
    /// How many of the pairs are companies.
    pub(super) companies: usize,
}

impl Verdict {
    /// How many differences each reason explains.
    pub(super) fn excused(&self) -> BTreeMap<Excuse, usize> {
        let count = |excuse| {
            let same = self.explained.iter().filter(|(_, own)| *own == excuse);
            (excuse, same.count())
        };
        Excuse::ALL.into_iter().map(count).collect()
    }

    /// The judgement of one kind of record of the sync comes to the others.
    pub(super) fn add(&mut self, entity: Entity, other: Self) {
        self.unexplained.extend(other.unexplained);
        self.explained.extend(other.explained);
        self.compared.0 += other.compared.0;
        self.compared.1 += other.compared.1;
        if entity == Entity::Company {
            self.companies += other.compared.0;
        }
    }
}

/// Why a difference is no disagreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Excuse {
    /// An open question to a person is about it.
    Asked,
    /// A system refused the value, and a row says so.
    Blocked,
    /// Its counterpart was deleted, and it is left alone.
    LeftAlone,
    /// One end takes the field only when a record is made, and people said otherwise later at the other end.
    CreateOnly,
    /// A system keeps the beginning of a long text.
    Cut,
}

impl Excuse {
    const ALL: [Self; 5] = [
        Self::Asked,
        Self::Blocked,
        Self::LeftAlone,
        Self::CreateOnly,
        Self::Cut,
    ];

    /// For people.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Asked => "a question waits for a person",
            Self::Blocked => "a system refused the value",
            Self::LeftAlone => "its counterpart was deleted, it is left alone",
            Self::CreateOnly => {
                "declared loss: one side takes the field only when a record is made, and the other changed it later"
            }
            Self::Cut => "declared loss: a system keeps the beginning of a long text",
        }
    }
}

/// What Tandem itself says about differences. It explains; it does not judge.
pub(super) struct Excuses {
    reviews: BTreeMap<RecordId, Vec<String>>,
    blocked: BTreeSet<(String, String)>,
    links: BTreeMap<(String, String), String>,
    left_alone: BTreeSet<RecordId>,
}

impl Excuses {
    pub(super) fn new(
        links: &[LinkRow],
        reviews: &[Review],
        blocked: &[Blocked],
        left_alone: BTreeSet<RecordId>,
    ) -> Self {
        let mut by_record: BTreeMap<RecordId, Vec<String>> = BTreeMap::new();
        for review in reviews {
            if !matches!(review.state, ReviewState::Open | ReviewState::Postponed) {
                continue;
            }
            let mut records: BTreeSet<RecordId> = review
                .left
                .iter()
                .chain(review.right.iter())
                .cloned()
                .collect();
            if let Some(record) = review.details["record"].as_str() {
                records.insert(record.into());
            }
            for record in records {
                by_record
                    .entry(record)
                    .or_default()
                    .push(review.summary.clone());
            }
        }
        Self {
            reviews: by_record,
            blocked: blocked
                .iter()
                .map(|row| (row.link.to_string(), row.mapping.clone()))
                .collect(),
            links: links
                .iter()
                .map(|link| {
                    (
                        (
                            link.left.as_str().to_owned(),
                            link.right.as_str().to_owned(),
                        ),
                        link.id.clone(),
                    )
                })
                .collect(),
            left_alone,
        }
    }

    fn of_record(&self, id: &str) -> Option<Excuse> {
        let id = RecordId::from(id);
        if self.reviews.contains_key(&id) {
            return Some(Excuse::Asked);
        }
        self.left_alone.contains(&id).then_some(Excuse::LeftAlone)
    }

    /// Of what the judge says of one or two records of people: it begins with their ids.
    fn of_belonging(&self, said: &str) -> Option<Excuse> {
        let ids: Vec<&str> = said.split(' ').take(3).collect();
        let asked = self.reviews.keys().any(|record| {
            let own = record.as_str().rsplit(':').next().unwrap_or_default();
            ids.contains(&own)
        });
        asked.then_some(Excuse::Asked)
    }

    fn of_field(&self, found: &Difference) -> Option<Excuse> {
        let link = self.links.get(&(found.left.clone(), found.right.clone()))?;
        let mapping = mapping_of(&found.what);
        if self.blocked.contains(&(link.clone(), mapping.to_owned())) {
            return Some(Excuse::Blocked);
        }
        let record = RecordId::from(found.left.as_str());
        self.reviews
            .get(&record)?
            .iter()
            .any(|summary| summary.starts_with(&format!("{mapping} ")))
            .then_some(Excuse::Asked)
    }
}

/// What the judge said of one kind of what belongs to people.
pub(super) struct Belongings {
    /// Linked pairs.
    pub(super) pairs: usize,
    /// What is wrong, in words.
    pub(super) wrong: Vec<String>,
}

/// What a judge of belongings compares of each pair: whose it is, what it says, whether it is over, and when it is.
const OF_EACH: usize = 5;

/// Sorts what is wrong with what belongs to people into what is explained and what is not.
pub(super) fn of_belongings(judged: Belongings, excuses: &Excuses) -> Verdict {
    let mut verdict = Verdict {
        compared: (judged.pairs, judged.pairs * OF_EACH),
        ..Verdict::default()
    };
    for wrong in judged.wrong {
        match excuses.of_belonging(&wrong) {
            Some(why) => verdict.explained.push((wrong, why)),
            None => verdict.unexplained.push(wrong),
        }
    }
    verdict
}

/// The mapping of the shipped rules that carries what the judge compares.
pub(super) fn mapping_of(what: &What) -> &str {
    match what {
        What::Field(field) => match field {
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::Email => "email",
            Field::Phone => "phone",
            Field::Street | Field::Postcode | Field::City => "address",
            Field::Country => "country",
            Field::Birthday => "date_of_birth",
            Field::Company => "company_name",
            Field::Website => "website",
            Field::Description => "description",
            Field::Newsletter => "newsletter",
            Field::Tags => "tags",
            Field::Name => "name",
        },
        What::Carried(name) => name,
    }
}

/// What people call a system.
pub(super) fn title(system: System) -> &'static str {
    match system {
        System::HighLevel => "HighLevel",
        System::OnOffice => "onOffice",
        System::OfficeRnd => "OfficeRnD",
    }
}

/// Sorts what the judge found into what is explained and what is not.
pub(super) fn verdict(found: &Agreement, excuses: &Excuses) -> Verdict {
    let mut verdict = Verdict {
        compared: (found.pairs, found.compared),
        ..Verdict::default()
    };
    let mut sort = |what: String, excuse: Option<Excuse>| match excuse {
        Some(why) => verdict.explained.push((what, why)),
        None => verdict.unexplained.push(what),
    };
    for difference in &found.disagreements {
        let what = format!(
            "{} of {} / {}: {:?} and {:?}",
            mapping_of(&difference.what),
            difference.left,
            difference.right,
            difference.says.left,
            difference.says.right
        );
        sort(what, excuses.of_field(difference));
    }
    for broken in &found.broken {
        let what = format!(
            "the pair {} / {} is broken: {:?}",
            broken.left, broken.right, broken.why
        );
        let excuse = excuses
            .of_record(&broken.left)
            .or_else(|| excuses.of_record(&broken.right));
        sort(what, excuse);
    }
    for (system, ids) in [
        (found.left, &found.without_counterpart.left),
        (found.right, &found.without_counterpart.right),
    ] {
        for id in ids {
            sort(
                format!("{} {id} has no counterpart", title(system)),
                excuses.of_record(id),
            );
        }
    }
    for loss in &found.losses {
        let what = format!(
            "{} of {} / {}",
            mapping_of(&loss.what),
            loss.left,
            loss.right
        );
        let excuse = match loss.loss {
            Some(Loss::Cut) => Some(Excuse::Cut),
            // Whoever runs Tandem has to be told of it.
            Some(Loss::CreateOnly) => excuses.of_field(loss).map(|_| Excuse::CreateOnly),
            _ => Some(Excuse::CreateOnly),
        };
        sort(what, excuse);
    }
    verdict
}
