//! Whether both sides agree: judged from what the two simulated systems hold, and where they do not,
//! whether a question, a blocked field or a declared loss says why.

use std::collections::{BTreeMap, BTreeSet};

use record::RecordId;
use sandbox::judge::{Both, Field, Judgement, Pair as JudgedPair};
use serde::Serialize;
use store::{Blocked, Review, ReviewState};
use sync::LinkRow;

/// The judgement of one sync, with what explains each difference.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    /// Differences that nothing explains.
    pub(super) unexplained: Vec<String>,
    /// Differences, with what explains them.
    pub(super) explained: Vec<(String, String)>,
    /// People that were made twice.
    pub(super) duplicates: Vec<String>,
    /// Writes of ours that changed nothing.
    pub(super) echo_writes: Both<usize>,
    /// Pairs compared, and fields in them.
    pub(super) compared: (usize, usize),
}

impl Verdict {
    /// Whether both sides agree, or something says why not.
    pub(super) fn agree(&self) -> bool {
        self.unexplained.is_empty() && self.duplicates.is_empty()
    }
}

/// What Tandem itself says about differences. It explains; it does not judge.
pub(super) struct Excuses {
    reviews: BTreeMap<RecordId, Vec<String>>,
    blocked: BTreeMap<(String, String), String>,
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
                .map(|row| {
                    (
                        (row.link.to_string(), row.mapping.clone()),
                        row.reason.clone(),
                    )
                })
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

    fn of_record(&self, id: &str) -> Option<String> {
        let id = RecordId::from(id);
        if let Some(reviews) = self.reviews.get(&id) {
            return Some(format!("asked: {}", reviews[0]));
        }
        self.left_alone
            .contains(&id)
            .then(|| "its counterpart was deleted; it is left alone".to_owned())
    }

    fn of_field(&self, pair: &JudgedPair, field: Field) -> Option<String> {
        let link = self
            .links
            .get(&(pair.highlevel.clone(), pair.onoffice.clone()))?;
        let mapping = mapping_of(field);
        if let Some(reason) = self.blocked.get(&(link.clone(), mapping.to_owned())) {
            return Some(format!("blocked: {reason}"));
        }
        let record = RecordId::from(pair.highlevel.as_str());
        self.reviews
            .get(&record)?
            .iter()
            .find(|summary| summary.starts_with(&format!("{mapping} ")))
            .map(|summary| format!("asked: {summary}"))
    }
}

/// The mapping of the shipped rules that carries what the judge compares.
fn mapping_of(field: Field) -> &'static str {
    match field {
        Field::FirstName => "first_name",
        Field::LastName => "last_name",
        Field::Email => "email",
        Field::Phone => "phone",
        Field::Street | Field::Postcode | Field::City => "address",
        Field::Country => "country",
        Field::Birthday => "date_of_birth",
        Field::Company => "company_name",
        Field::Tags => "tags",
        Field::Name => "name",
    }
}

/// Sorts what the judge found into what is explained and what is not.
pub(super) fn verdict(judgement: Judgement, excuses: &Excuses) -> Verdict {
    let mut verdict = Verdict {
        unexplained: Vec::new(),
        explained: Vec::new(),
        duplicates: judgement
            .duplicates
            .iter()
            .map(|twin| {
                format!(
                    "{} {} is the same person as {}",
                    twin.system.as_str(),
                    twin.id,
                    twin.of
                )
            })
            .collect(),
        echo_writes: judgement.echo_writes.clone(),
        compared: (judgement.pairs, judgement.compared),
    };
    let mut sort = |what: String, excuse: Option<String>| match excuse {
        Some(why) => verdict.explained.push((what, why)),
        None => verdict.unexplained.push(what),
    };
    for found in &judgement.disagreements {
        let what = format!(
            "{} of {} / {}: {:?} and {:?}",
            mapping_of(found.field),
            found.pair.highlevel,
            found.pair.onoffice,
            found.says.highlevel,
            found.says.onoffice
        );
        sort(what, excuses.of_field(&found.pair, found.field));
    }
    for broken in &judgement.broken_pairs {
        let what = format!(
            "the pair {} / {} is broken: {:?}",
            broken.pair.highlevel, broken.pair.onoffice, broken.why
        );
        let excuse = excuses
            .of_record(&broken.pair.highlevel)
            .or_else(|| excuses.of_record(&broken.pair.onoffice));
        sort(what, excuse);
    }
    for (system, ids) in [
        ("HighLevel", &judgement.without_counterpart.highlevel),
        ("onOffice", &judgement.without_counterpart.onoffice),
    ] {
        for id in ids {
            sort(
                format!("{system} {id} has no counterpart"),
                excuses.of_record(id),
            );
        }
    }
    for loss in &judgement.losses {
        verdict.explained.push((
            format!(
                "{} of {} / {}",
                mapping_of(loss.field),
                loss.pair.highlevel,
                loss.pair.onoffice
            ),
            "declared loss: HighLevel takes it only when a contact is made".to_owned(),
        ));
    }
    verdict
}
