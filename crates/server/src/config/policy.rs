//! The policy of one field, written into the text of a config: nothing else of it changes.

use mapping::Policy;

use super::{
    Document,
    yaml::{self, Content},
};

/// The text with another policy, and the line that changed.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
    /// What stands in this line, and in those after it that are new.
    pub(crate) lines: Vec<String>,
}

/// Gives one mapping of a sync this policy. `None` where the mapping does not stand in the text: its sync comes from a
/// template, or is another one now.
pub(crate) fn with_policy(
    text: &str,
    document: &Document,
    (sync, entity, mapping): (&str, record::Entity, &str),
    policy: Policy,
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
    let word = serde_json::to_value(policy).ok()?;
    let word = word.as_str()?;
    let mut changed = text.to_owned();
    let (at, new_lines) = match item.entry("policy") {
        Some(entry) => {
            changed.replace_range(entry.value.span.clone(), word);
            (entry.key_span.start, 0)
        }
        None => {
            let first = entries.first()?.key_span.start;
            let line_start = text[..first].rfind('\n').map_or(0, |at| at + 1);
            // the key before which it goes stands in braces, or on a line of its own
            if text[line_start..first].contains('{') {
                changed.insert_str(first, &format!("policy: {word}, "));
                (first, 0)
            } else {
                let indent = " ".repeat(text[line_start..first].chars().count());
                changed.insert_str(first, &format!("policy: {word}\n{indent}"));
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
            let changed =
                with_policy(text, &document, ("people", entity, &id), Policy::LeftOwns).unwrap();
            assert_eq!((changed.line, changed.lines[0].as_str()), (line, shown));
            let mut before = yaml::parse(text).unwrap().json();
            let after = yaml::parse(&changed.text).unwrap().json();
            before["syncs"]["people"]["entities"]["contact"]["fields"][at]["policy"] =
                "left_owns".into();
            assert_eq!(after, before);
        }
        let unknown = ("people", entity, "nobody");
        assert!(with_policy(text, &document, unknown, Policy::LeftOwns).is_none());
        let elsewhere = ("others", entity, "one");
        assert!(with_policy(text, &document, elsewhere, Policy::LeftOwns).is_none());
    }
}
