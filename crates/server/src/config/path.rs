//! Paths into a config: what serde tells of them, how people write them, and what was left out on the
//! way.

use serde_json::Value as Json;
use serde_path_to_error::Segment;

use super::yaml::{Content, Node, Step};

/// `None`: a key that serde does not tell, because it is a word of ours and no free text.
pub(in crate::config) fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// The path with the keys that serde does not tell, found by looking where the rest of it leads on.
pub(in crate::config) fn known_steps(value: &Json, path: &[Option<Step>]) -> Option<Vec<Step>> {
    let Some((first, rest)) = path.split_first() else {
        return Some(Vec::new());
    };
    let through = |step: Step, next: &Json| {
        let mut steps = known_steps(next, rest)?;
        steps.insert(0, step);
        Some(steps)
    };
    match (first, value) {
        (Some(step @ Step::Key(key)), Json::Object(map)) => match map.get(key) {
            Some(next) => through(step.clone(), next),
            None => rest.is_empty().then(|| vec![step.clone()]),
        },
        (Some(step @ Step::Index(index)), Json::Array(items)) => {
            through(step.clone(), items.get(*index)?)
        }
        (None, Json::Object(map)) => map
            .iter()
            .find_map(|(key, next)| through(Step::Key(key.clone()), next))
            // not a key at all, but the name of a variant
            .or_else(|| known_steps(value, rest)),
        (None, _) => known_steps(value, rest),
        _ => None,
    }
}

/// A path as people write it: `syncs.people.mappings[2].left`.
pub(in crate::config) fn spell(path: &[Step]) -> String {
    let mut spelt = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !spelt.is_empty() {
                    spelt.push('.');
                }
                spelt.push_str(key);
            }
            Step::Index(index) => spelt.push_str(&format!("[{index}]")),
        }
    }
    spelt
}

/// The steps of a path as people write it. Keys may hold dots themselves: at each step the longest
/// key that is there is taken.
pub(in crate::config) fn steps(root: &Node, place: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut node = Some(root);
    let mut rest = place;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[')
            && let Some((index, after)) = after.split_once(']')
            && let Ok(index) = index.parse()
        {
            node = match node.map(|node| &node.content) {
                Some(Content::List(items)) => items.get(index),
                _ => None,
            };
            steps.push(Step::Index(index));
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let there = match node.map(|node| &node.content) {
            Some(Content::Map(entries)) => entries
                .iter()
                .filter(|entry| {
                    rest.strip_prefix(entry.key.as_str()).is_some_and(|after| {
                        after.is_empty() || after.starts_with('.') || after.starts_with('[')
                    })
                })
                .max_by_key(|entry| entry.key.len()),
            _ => None,
        };
        let (key, next) = match there {
            Some(entry) => (entry.key.as_str(), Some(&entry.value)),
            None => (rest.split(['.', '[']).next().unwrap_or(rest), None),
        };
        steps.push(Step::Key(key.to_owned()));
        node = next;
        rest = &rest[key.len()..];
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    steps
}

/// What was left out while reading one part, in that order.
#[derive(Debug, Default)]
pub(in crate::config) struct LeftOut {
    pub(in crate::config) paths: Vec<Vec<Step>>,
}

impl LeftOut {
    /// Where a path stands in the text: elements that were left out of a list before it count again.
    pub(in crate::config) fn written(&self, path: &[Step]) -> Vec<Step> {
        let mut written = path.to_vec();
        for gone in self.paths.iter().rev() {
            let Some((Step::Index(gone), list)) = gone.split_last() else {
                continue;
            };
            if written.len() > list.len()
                && written.starts_with(list)
                && let Step::Index(index) = &mut written[list.len()]
                && *index >= *gone
            {
                *index += 1;
            }
        }
        written
    }

    /// Whether something missing here was only just left out: no news.
    pub(in crate::config) fn explains(&self, path: &[Step]) -> bool {
        self.paths
            .last()
            .is_some_and(|gone| gone.len() > path.len() && gone.starts_with(path))
    }
}

pub(in crate::config) fn remove(value: &mut Json, path: &[Step]) -> bool {
    let Some((last, around)) = path.split_last() else {
        return false;
    };
    let mut at = value;
    for step in around {
        let next = match step {
            Step::Key(key) => at.get_mut(key),
            Step::Index(index) => at.get_mut(index),
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    match (last, at) {
        (Step::Key(key), Json::Object(map)) => map.remove(key).is_some(),
        (Step::Index(index), Json::Array(items)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}
