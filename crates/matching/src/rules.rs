//! What a person may say about matching.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::KeyKind;

/// How records that belong together are found when they are not linked yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchRules {
    /// The keys that may link two records by themselves, the most trusted first. Records that share
    /// only other keys become a question.
    #[schemars(example = trusted())]
    pub keys: Vec<KeyKind>,
    /// Compare the names too: people who live together share phones and mailboxes. Switch off only
    /// where every record has an e-mail address of its own.
    #[schemars(example = true)]
    pub name_check: bool,
}

fn trusted() -> Vec<KeyKind> {
    vec![KeyKind::External, KeyKind::Email, KeyKind::Phone]
}

impl Default for MatchRules {
    fn default() -> Self {
        Self {
            keys: trusted(),
            name_check: true,
        }
    }
}

impl MatchRules {
    /// Whether a key of this kind may link by itself.
    pub fn trusts(&self, kind: KeyKind) -> bool {
        self.keys.contains(&kind)
    }
}
