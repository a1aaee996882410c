//! What goes wrong on purpose: rules that spoil requests or webhook deliveries.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::system::System;

/// Which requests or deliveries are spoiled, how often, and how. All conditions that are given must hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The vendor.
    pub system: System,
    /// The HTTP method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path or the route's template (`/contacts/{contactId}`); `*` stands for any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// For vendors with one URL: the action and resource in the body, such as `modify address`; `*` as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// For webhook faults: the event, such as `ContactUpdate`; `*` as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Only the nth match, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Each nth match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// With this probability, drawn from the sandbox's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// At most so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What happens then.
    pub fault: Fault,
}

/// One way to fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The request has no effect and is answered with a status and a body.
    Status {
        /// The HTTP status.
        status: u16,
        /// A JSON body; a plain error object if left out.
        #[serde(default)]
        body: Option<serde_json::Value>,
        /// Headers to send along.
        #[serde(default)]
        headers: std::collections::BTreeMap<String, String>,
    },
    /// The request is held back before it is worked on.
    Delay {
        /// How long, in milliseconds of real time.
        ms: u64,
    },
    /// The request is worked on, and the answer is held back.
    DelayAnswer {
        /// How long, in milliseconds of real time.
        ms: u64,
    },
    /// The connection is dropped; nothing happened.
    DropBefore,
    /// The effect happens and the connection is dropped instead of the answer.
    DropAfter,
    /// 200 with a page that is no JSON; nothing happened.
    NonJson,
    /// 200 with a body of spaces in a JSON string; nothing happened.
    HugeBody {
        /// How many bytes.
        bytes: usize,
    },
    /// For vendors that answer each action of a batch by itself: this action fails with the vendor's code.
    ActionError {
        /// The vendor's error code.
        code: i64,
        /// The vendor's text.
        message: String,
    },
    /// Webhook: never sent.
    Lost,
    /// Webhook: sent twice with one id.
    Doubled,
    /// Webhook: sent later.
    Delayed {
        /// How much later, in milliseconds of the sandbox's clock.
        ms: i64,
    },
    /// Webhook: sent after the one that follows it, or after five seconds if none does.
    Reordered,
}

impl Fault {
    /// What it is called in [`Faults::coverage`]: its kind, and of a status also which.
    #[must_use]
    pub fn label(&self) -> String {
        let kind = match self {
            Self::Status { status, .. } => return format!("status {status}"),
            Self::Delay { .. } => "delay",
            Self::DelayAnswer { .. } => "delay answer",
            Self::DropBefore => "drop before",
            Self::DropAfter => "drop after",
            Self::NonJson => "no JSON",
            Self::HugeBody { .. } => "huge body",
            Self::ActionError { .. } => "action error",
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Delayed { .. } => "delayed",
            Self::Reordered => "reordered",
        };
        kind.to_owned()
    }

    fn target(&self) -> Target {
        match self {
            Self::Lost | Self::Doubled | Self::Delayed { .. } | Self::Reordered => Target::Webhook,
            Self::ActionError { .. } => Target::Action,
            _ => Target::Request,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Request,
    Action,
    Webhook,
}

/// A rule with its number and what it did so far.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Given by [`Faults::add`].
    pub id: u64,
    /// The rule.
    pub rule: Rule,
    /// How often its conditions held.
    pub matched: u64,
    /// How often it struck.
    pub struck: u64,
}

/// All rules of one sandbox.
#[derive(Debug, Default)]
pub struct Faults {
    standing: Mutex<Vec<Standing>>,
    next: std::sync::atomic::AtomicU64,
    coverage: Mutex<BTreeMap<(System, String), BTreeMap<String, u64>>>,
}

/// A request as the rules see it.
pub(crate) struct Seen<'a> {
    pub(crate) system: System,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) route: &'a str,
    pub(crate) actions: &'a [String],
}

impl Faults {
    /// Adds a rule and returns its number.
    pub fn add(&self, rule: Rule) -> u64 {
        let id = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        self.lock().push(Standing {
            id,
            rule,
            matched: 0,
            struck: 0,
        });
        id
    }

    /// Takes a rule away; false if there is none of that number.
    pub fn remove(&self, id: u64) -> bool {
        let mut standing = self.lock();
        let before = standing.len();
        standing.retain(|entry| entry.id != id);
        standing.len() < before
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// All rules, in the order they were added.
    #[must_use]
    pub fn all(&self) -> Vec<Standing> {
        self.lock().clone()
    }

    /// The faults that strike a request, in the order of their rules.
    pub(crate) fn strike_request(&self, seen: &Seen<'_>, random: &Random) -> Vec<Fault> {
        let struck = self.strike(Target::Request, random, |rule| {
            rule.system == seen.system
                && rule
                    .method
                    .as_deref()
                    .is_none_or(|method| method.eq_ignore_ascii_case(seen.method))
                && rule
                    .path
                    .as_deref()
                    .is_none_or(|path| glob(path, seen.path) || path == seen.route)
                && rule
                    .action
                    .as_deref()
                    .is_none_or(|wanted| seen.actions.iter().any(|action| glob(wanted, action)))
        });
        let mut kinds: Vec<&String> = seen.actions.iter().collect();
        kinds.sort();
        kinds.dedup();
        if kinds.is_empty() {
            self.note(
                seen.system,
                &format!("{} {}", seen.method, seen.route),
                &struck,
            );
        }
        for kind in kinds {
            self.note(seen.system, kind, &struck);
        }
        struck
    }

    /// What faults struck so far, by the system and the operation: the method and the route's template, or the action and
    /// resource, or the event of a webhook. Operations that no fault struck are there too. Outlives [`Faults::clear`].
    #[must_use]
    pub fn coverage(&self) -> BTreeMap<(System, String), BTreeMap<String, u64>> {
        self.coverage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Begins [`Faults::coverage`] anew.
    pub fn forget_coverage(&self) {
        self.coverage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn note(&self, system: System, operation: &str, struck: &[Fault]) {
        let mut coverage = self.coverage.lock().unwrap_or_else(PoisonError::into_inner);
        let faults = coverage.entry((system, operation.to_owned())).or_default();
        for fault in struck {
            *faults.entry(fault.label()).or_default() += 1;
        }
    }

    /// The code and text with which one action of a batch fails, if a rule strikes it. `action` is written as in
    /// [`Rule::action`].
    pub(crate) fn strike_action(
        &self,
        system: System,
        action: &str,
        random: &Random,
    ) -> Option<(i64, String)> {
        let struck = self.strike(Target::Action, random, |rule| {
            rule.system == system
                && rule
                    .action
                    .as_deref()
                    .is_none_or(|wanted| glob(wanted, action))
        });
        self.note(system, action, &struck);
        struck.into_iter().find_map(|fault| match fault {
            Fault::ActionError { code, message } => Some((code, message)),
            _ => None,
        })
    }

    /// The faults that strike a webhook delivery.
    pub(crate) fn strike_webhook(
        &self,
        system: System,
        event: &str,
        random: &Random,
    ) -> Vec<Fault> {
        let struck = self.strike(Target::Webhook, random, |rule| {
            rule.system == system
                && rule
                    .event
                    .as_deref()
                    .is_none_or(|wanted| glob(wanted, event))
        });
        self.note(system, event, &struck);
        struck
    }

    fn strike(
        &self,
        target: Target,
        random: &Random,
        matches: impl Fn(&Rule) -> bool,
    ) -> Vec<Fault> {
        let mut struck = Vec::new();
        for entry in self.lock().iter_mut() {
            if entry.rule.fault.target() != target || !matches(&entry.rule) {
                continue;
            }
            entry.matched += 1;
            let rule = &entry.rule;
            let strikes = rule.nth.is_none_or(|nth| entry.matched == nth)
                && rule
                    .every
                    .is_none_or(|every| every > 0 && entry.matched.is_multiple_of(every))
                && rule.count.is_none_or(|count| entry.struck < count)
                && rule.rate.is_none_or(|rate| random.chance(rate));
            if strikes {
                entry.struck += 1;
                struck.push(rule.fault.clone());
            }
        }
        struck
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
        rest = after;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(fault: Fault) -> Rule {
        Rule {
            system: System::HighLevel,
            method: None,
            path: Some("/contacts/*".to_owned()),
            action: None,
            event: None,
            nth: None,
            every: None,
            rate: None,
            count: None,
            fault,
        }
    }

    fn struck(faults: &Faults, path: &str) -> usize {
        let seen = Seen {
            system: System::HighLevel,
            method: "GET",
            path,
            route: "",
            actions: &[],
        };
        faults.strike_request(&seen, &Random::new(1)).len()
    }

    #[test]
    fn what_struck_is_counted_by_operation() {
        let faults = Faults::default();
        faults.add(Rule {
            nth: Some(1),
            ..rule(Fault::DropBefore)
        });
        struck(&faults, "/contacts/1");
        struck(&faults, "/contacts/2");
        faults.clear();
        let coverage = faults.coverage();
        let of_reads = &coverage[&(System::HighLevel, "GET ".to_owned())];
        assert_eq!(of_reads, &BTreeMap::from([("drop before".to_owned(), 1)]));
    }

    #[test]
    fn nth_and_count_bound_a_rule() {
        let faults = Faults::default();
        faults.add(Rule {
            nth: Some(2),
            ..rule(Fault::DropBefore)
        });
        let hits: Vec<_> = (0..4).map(|_| struck(&faults, "/contacts/1")).collect();
        assert_eq!(hits, [0, 1, 0, 0]);
        faults.clear();
        faults.add(Rule {
            every: Some(2),
            count: Some(1),
            ..rule(Fault::DropAfter)
        });
        let hits: Vec<_> = (0..5).map(|_| struck(&faults, "/contacts/1")).collect();
        assert_eq!(hits, [0, 1, 0, 0, 0]);
        assert_eq!(struck(&faults, "/users/"), 0);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(glob("/contacts/*/tags", "/contacts/abc/tags"));
        assert!(!glob("/contacts/*/tags", "/contacts/abc"));
        assert!(glob("*", ""));
        assert!(!glob("read", "read address"));
    }
}
