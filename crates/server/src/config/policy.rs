//! A rule of one field, written into the text of a config: nothing else of it changes.

use mapping::{OnLoss, Policy};

use super::{
    Document,
    yaml::{self, Content},
};

/// What an answer says about a field for good.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FieldRule {
    /// Which side counts.
    Policy(Policy),
    /// What becomes of values that a side cannot hold whole.
    Lossy(OnLoss),
}

impl FieldRule {
    /// Its key and word in a config.
    fn written(self) -> Option<(&'static str, String)> {
        let (key, word) = match self {
            Self::Policy(policy) => ("policy", serde_json::to_value(policy)),
            Self::Lossy(on_loss) => ("lossy", serde_json::to_value(on_loss)),
        };
        Some((key, word.ok()?.as_str()?.to_owned()))
    }
}

/// The text with another rule, and the line that changed.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
    /// What stands in this line, and in those after it that are new.
    pub(crate) lines: Vec<String>,
}

/// Gives one mapping of a sync this rule. `None` where the mapping does not stand in the text: its sync comes from a
/// template, or is another one now.
pub(crate) fn with_rule(
    text: &str,
    document: &Document,
    (sync, entity, mapping): (&str, record::Entity, &str),
    rule: FieldRule,
) -> Option<Changed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rules = document.syncs.get(sync)?.entities.get(&entity)?;
    let place = rules
        .fields
        .iter()
        .position(|rules| rules.id() == mapping)?;
    let root = yaml::parse(text).ok()?;
    let mut node = &root;
    for key in ["syncs", sync, "entities", entity.as_str(), "fields"] {
        node = &node.entry(key)?.value;
    }
    let Content::List(items) = &node.content else {
        return None;
    };
    let item = items.get(place)?;
    let Content::Map(entries) = &item.content else {
        return None;
    };
    let (key, word) = rule.written()?;
    let mut changed = text.to_owned();
    let (at, new_lines) = match item.entry(key) {
        Some(entry) => {
            changed.replace_range(entry.value.span.clone(), &word);
            (entry.key_span.start, 0)
        }
        None => {
            let first = entries.first()?.key_span.start;
            let line_start = text[..first].rfind('\n').map_or(0, |at| at + 1);
            // the key before which it goes stands in braces, or on a line of its own
            if text[line_start..first].contains('{') {
                changed.insert_str(first, &format!("{key}: {word}, "));
                (first, 0)
            } else {
                let indent = " ".repeat(text[line_start..first].chars().count());
                changed.insert_str(first, &format!("{key}: {word}\n{indent}"));
                (first, 1)
            }
        }
    };
    let line = text[..at].matches('\n').count() + 1;
    let lines = changed
        .lines()
        .skip(line - 1)
        .take(1 + new_lines)
        .map(str::to_owned)
        .collect();
    Some(Changed {
        text: changed,
        line,
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: FieldRule = FieldRule::Policy(Policy::LeftOwns);

    /// Whatever way a mapping is written, only its policy changes.
    #[test]
    fn one_policy_changes_and_nothing_else() {
        let text = "version: 1\nsyncs:\n  people:\n    left: a\n    right: b\n    entities:\n      contact:\n        fields:\n          \
                    - {left: one, right: uno}   # first\n          - left: two\n            right: due\n          \
                    - {left: three, right: tre, policy: ask}\n";
        let document: Document = serde_json::from_value(yaml::parse(text).unwrap().json()).unwrap();
        let entity = record::Entity::Contact;
        let fields = &document.syncs["people"].entities[&entity].fields;
        for (at, (line, shown)) in [
            (
                9,
                "          - {policy: left_owns, left: one, right: uno}   # first",
            ),
            (10, "          - policy: left_owns"),
            (
                12,
                "          - {left: three, right: tre, policy: left_owns}",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let id = fields[at].id();
            let changed = with_rule(text, &document, ("people", entity, &id), LEFT).unwrap();
            assert_eq!((changed.line, changed.lines[0].as_str()), (line, shown));
            let mut before = yaml::parse(text).unwrap().json();
            let after = yaml::parse(&changed.text).unwrap().json();
            before["syncs"]["people"]["entities"]["contact"]["fields"][at]["policy"] =
                "left_owns".into();
            assert_eq!(after, before);
        }
        let id = fields[1].id();
        let shorten = FieldRule::Lossy(OnLoss::Shorten);
        let changed = with_rule(text, &document, ("people", entity, &id), shorten).unwrap();
        assert_eq!(changed.lines[0], "          - lossy: shorten");
        let unknown = ("people", entity, "nobody");
        assert!(with_rule(text, &document, unknown, LEFT).is_none());
        let elsewhere = ("others", entity, "one");
        assert!(with_rule(text, &document, elsewhere, LEFT).is_none());
    }
}
