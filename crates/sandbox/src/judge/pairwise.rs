//! HighLevel and onOffice, judged by the mapping that ships: the oldest question, in words of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::examine::{Agreement, Difference, Findings, Question, What, Why, examine};
use super::held::Held;
use super::history::History;
use super::terms::{End, Entity, Scope, Tags, Terms};
use super::{Duplicate, Field, Truth};
use crate::system::System;

/// A HighLevel contact and an onOffice address that are said to be one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pair {
    /// The contact's id.
    pub highlevel: String,
    /// The address's id.
    pub onoffice: String,
}

/// What is compared, and how strictly.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The fields that are mapped.
    pub fields: BTreeSet<Field>,
    /// HighLevel tag and onOffice contact category that mean the same; nothing else is compared.
    pub tags: Vec<(String, String)>,
    /// Whether HighLevel takes a company only when a contact is made: what onOffice's side says later is then a declared loss.
    pub company_is_create_only: bool,
    /// The country of numbers that name none, as alpha-2 code, where the record names none either.
    pub home: String,
    /// Whether archived addresses need a counterpart.
    pub archived_need_counterpart: bool,
}

impl Default for Rules {
    /// The contact mapping that ships.
    fn default() -> Self {
        let same = |tag: &str| (tag.to_owned(), tag.to_owned());
        Self {
            fields: Field::SHIPPED.into_iter().collect(),
            tags: [
                "Interessent Kauf",
                "Interessent Miete",
                "Eigentümer",
                "Kunde",
                "Tippgeber",
            ]
            .into_iter()
            .map(same)
            .collect(),
            company_is_create_only: true,
            home: "DE".to_owned(),
            archived_need_counterpart: false,
        }
    }
}

/// What the judge found. Nothing in the lists means that both sides agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Pairs whose records both live.
    pub pairs: usize,
    /// Fields looked at in them.
    pub compared: usize,
    /// Fields of which the sides say different things.
    pub disagreements: Vec<Disagreement>,
    /// Fields that differ only by what one system cannot hold.
    pub losses: Vec<Disagreement>,
    /// Pairs of which a record is gone, or that share a record with another pair.
    pub broken_pairs: Vec<BrokenPair>,
    /// Living records without a pair.
    pub without_counterpart: Both<Vec<String>>,
    /// Records that a client of the API made although the person was there.
    pub duplicates: Vec<Duplicate>,
    /// Updates by a client of the API that changed no value.
    pub echo_writes: Both<usize>,
}

impl Judgement {
    /// Whether every pair agrees, nothing is without counterpart, and nothing was doubled.
    #[must_use]
    pub fn agree(&self) -> bool {
        self.disagreements.is_empty()
            && self.broken_pairs.is_empty()
            && self.without_counterpart.highlevel.is_empty()
            && self.without_counterpart.onoffice.is_empty()
            && self.duplicates.is_empty()
    }
}

/// One thing for each system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Both<T> {
    /// HighLevel's.
    pub highlevel: T,
    /// onOffice's.
    pub onoffice: T,
}

/// One field on which a pair does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// Whose.
    pub pair: Pair,
    /// Which.
    pub field: Field,
    /// What each side says.
    pub says: Both<String>,
}

/// A pair that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenPair {
    /// Which.
    pub pair: Pair,
    /// Why.
    pub why: Break,
}

/// Why a pair cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// The HighLevel contact is deleted, merged away or was never there.
    HighlevelGone,
    /// The onOffice address is deleted, merged away or was never there.
    OnofficeGone,
    /// An earlier pair has one of its records.
    Shared,
}

impl Rules {
    /// The same, as terms between any two systems.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let mut create_only = BTreeMap::new();
        if self.company_is_create_only {
            create_only.insert(Field::Company, End::Left);
        }
        Terms {
            entity: Entity::People,
            left: System::HighLevel,
            right: System::OnOffice,
            fields: self.fields.clone(),
            tags: Tags::Pairs(self.tags.clone()),
            losses: BTreeSet::new(),
            create_only,
            company_links: false,
            carried: Vec::new(),
            home: self.home.clone(),
            archived_need_counterpart: self.archived_need_counterpart,
            left_needs: Scope::Everybody,
            right_needs: Scope::Everybody,
        }
    }
}

/// Compares what both sides hold. Echo writes are not counted here, they leave no trace in a state; nobody is known to have edited
/// anything, so what differs differed when the pair was linked.
#[must_use]
pub fn compare(
    left: &[Held],
    right: &[Held],
    pairs: &[Pair],
    rules: &Rules,
    truth: Option<&Truth>,
) -> Judgement {
    let question = Question {
        terms: rules.terms(),
        pairs: pairs
            .iter()
            .map(|pair| (pair.highlevel.clone(), pair.onoffice.clone()))
            .collect(),
    };
    let held = BTreeMap::from([
        ((System::HighLevel, Entity::People), left.to_vec()),
        ((System::OnOffice, Entity::People), right.to_vec()),
    ]);
    Judgement::from(examine(&held, &[question], truth, &History::default()))
}

impl From<Findings> for Judgement {
    fn from(findings: Findings) -> Self {
        let agreement = findings
            .syncs
            .into_iter()
            .next()
            .unwrap_or_else(|| Agreement::between(&Rules::default().terms()));
        let pair = |left: String, right: String| Pair {
            highlevel: left,
            onoffice: right,
        };
        let list = |differences: Vec<Difference>| {
            differences
                .into_iter()
                .filter_map(|each| match each.what {
                    What::Field(field) => Some(Disagreement {
                        pair: pair(each.left, each.right),
                        field,
                        says: Both {
                            highlevel: each.says.left,
                            onoffice: each.says.right,
                        },
                    }),
                    What::Carried(_) => None,
                })
                .collect()
        };
        Self {
            pairs: agreement.pairs,
            compared: agreement.compared,
            disagreements: list(agreement.disagreements),
            losses: list(agreement.losses),
            broken_pairs: agreement
                .broken
                .into_iter()
                .map(|each| BrokenPair {
                    pair: pair(each.left, each.right),
                    why: match each.why {
                        Why::LeftGone => Break::HighlevelGone,
                        Why::RightGone => Break::OnofficeGone,
                        Why::Shared => Break::Shared,
                    },
                })
                .collect(),
            without_counterpart: Both {
                highlevel: agreement.without_counterpart.left,
                onoffice: agreement.without_counterpart.right,
            },
            duplicates: findings.duplicates,
            echo_writes: Both {
                highlevel: findings
                    .echo_writes
                    .get(&System::HighLevel)
                    .copied()
                    .unwrap_or(0),
                onoffice: findings
                    .echo_writes
                    .get(&System::OnOffice)
                    .copied()
                    .unwrap_or(0),
            },
        }
    }
}
