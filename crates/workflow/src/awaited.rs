//! What makes an event the one that a run waits for. Pure.
//!
//! What the condition says of what was known before is worked out when the run begins to wait, and stored: whoever
//! finds an event needs nothing else of the run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    model::{Condition, SyncEvent},
    values::{ValueError, fill, paths},
};

/// What makes an event the one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Awaited {
    /// Only such an event of a sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncEvent>,
    /// Only one for which this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// What was known before, by the names that the condition has for it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fixed: Map<String, Json>,
}

impl Awaited {
    /// The condition with what is known of it now.
    ///
    /// # Errors
    /// Where a tag has no value.
    pub(crate) fn of(condition: Option<&Condition>, known: &Json) -> Result<Self, ValueError> {
        let mut fixed = Map::new();
        let condition = condition
            .map(|condition| settle(condition, known, &mut fixed))
            .transpose()?;
        Ok(Self {
            sync: None,
            condition,
            fixed,
        })
    }

    /// Whether an event is the one.
    ///
    /// # Errors
    /// Where a formula cannot be worked out for it.
    pub(crate) fn holds(&self, event: &Json) -> Result<bool, ValueError> {
        match &self.condition {
            None => Ok(true),
            Some(condition) => condition.holds(&json!({"event": event, "vars": self.fixed})),
        }
    }
}

/// Whether a value is of the event; `None` if it is of both the event and something else.
pub(crate) fn is_of_event(value: &Json) -> Option<bool> {
    let paths = paths(value);
    let is = |path: &crate::values::Path| path.name(0) == Some("event");
    let of_event = paths
        .iter()
        .flat_map(|(_, path)| path)
        .filter(|path| is(path));
    match of_event.count() {
        0 => Some(false),
        count if count == paths.len() => Some(true),
        _ => None,
    }
}

fn settle(
    condition: &Condition,
    known: &Json,
    fixed: &mut Map<String, Json>,
) -> Result<Condition, ValueError> {
    let mut keep = |value: &Json| {
        if value.is_null() || is_of_event(value) == Some(true) {
            return Ok(value.clone());
        }
        // a tag for it, and not its text: what it says is no tag, whatever it looks like
        let name = format!("w{}", fixed.len());
        let tag = json!(format!("{{{{ vars.{name} }}}}"));
        fixed.insert(name, fill(value, known)?);
        Ok(tag)
    };
    let (value, to) = (keep(&condition.value)?, keep(&condition.to)?);
    let mut parts = |parts: &Option<Vec<Condition>>| {
        parts
            .as_ref()
            .map(|parts| {
                parts
                    .iter()
                    .map(|part| settle(part, known, fixed))
                    .collect::<Result<Vec<_>, _>>()
            })
            .transpose()
    };
    let (all, any) = (parts(&condition.all)?, parts(&condition.any)?);
    Ok(Condition {
        all,
        any,
        not: match &condition.not {
            Some(not) => Some(Box::new(settle(not, known, fixed)?)),
            None => None,
        },
        value,
        is: condition.is,
        to,
        r#as: condition.r#as,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_before_is_fixed_and_never_read_as_a_tag() {
        let condition: Condition = serde_json::from_value(json!({"all": [
            {"value": "{{ event.contact }}", "is": "equals", "to": "{{ trigger.id }}"},
            {"not": {"value": "{{ event.text }}", "is": "contains", "to": "{{ trigger.word }}"}},
        ]}))
        .unwrap();
        let known = json!({"trigger": {"id": "c1", "word": "{{ event.text }}"}});
        let awaited = Awaited::of(Some(&condition), &known).unwrap();
        let holds = |contact: &str, text: &str| {
            let event = json!({"contact": contact, "text": text});
            awaited.holds(&event).unwrap()
        };
        assert!(holds("c1", "hello"));
        assert!(!holds("c2", "hello"));
        assert!(!holds("c1", "so {{ event.text }} it is"));
        assert_eq!(is_of_event(&json!("{{ event.a }} {{ trigger.b }}")), None);
    }
}
