//! What is different between two versions of a workflow, place by place.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::model::Workflow;

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where: steps go by their ids, not by their places.
    pub place: String,
    /// What stood there; `null`: nothing.
    pub before: Json,
    /// What stands there now; `null`: nothing.
    pub after: Json,
}

/// What is different, in the order of places.
///
/// # Errors
/// When one of them cannot be written down, which a workflow that was read can.
pub fn diff(before: &Workflow, after: &Workflow) -> Result<Vec<Difference>, serde_json::Error> {
    let mut found = Vec::new();
    let (before, after) = (serde_json::to_value(before)?, serde_json::to_value(after)?);
    compare("", &by_id(&before), &by_id(&after), &mut found);
    Ok(found)
}

/// Lists of steps as objects by id, each with the id of the step before it, so that a moved step shows.
fn by_id(value: &Json) -> Json {
    match value {
        Json::Array(items)
            if !items.is_empty() && items.iter().all(|item| item["id"].is_string()) =>
        {
            let mut steps = Map::new();
            let mut before = Json::Null;
            for item in items {
                let mut step = by_id(item);
                let id = item["id"].as_str().unwrap_or_default().to_owned();
                step["after"] = std::mem::replace(&mut before, Json::String(id.clone()));
                steps.insert(id, step);
            }
            Json::Object(steps)
        }
        Json::Array(items) => items.iter().map(by_id).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), by_id(member)))
            .collect(),
        other => other.clone(),
    }
}

fn compare(place: &str, before: &Json, after: &Json, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    if let (Json::Object(one), Json::Object(other)) = (before, after) {
        let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let dot = if place.is_empty() { "" } else { "." };
            let inside = format!("{place}{dot}{name}");
            let nothing = Json::Null;
            compare(
                &inside,
                one.get(name).unwrap_or(&nothing),
                other.get(name).unwrap_or(&nothing),
                found,
            );
        }
        return;
    }
    found.push(Difference {
        place: place.to_owned(),
        before: before.clone(),
        after: after.clone(),
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_are_told_apart_by_their_ids() {
        let workflow = |steps: Json| -> Workflow {
            let text =
                json!({"version": 1, "name": "a", "trigger": {"manual": {}}, "steps": steps});
            serde_json::from_value(text).unwrap()
        };
        let before = workflow(json!([{"id": "a", "map": {"x": 1}}, {"id": "b", "map": {"y": 1}}]));
        let after = workflow(
            json!([{"id": "new", "map": {}}, {"id": "a", "map": {"x": 2}},
            {"id": "b", "map": {"y": 1}}]),
        );
        let found = diff(&before, &after).unwrap();
        let places: Vec<&str> = found.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(places, ["steps.a.after", "steps.a.map.x", "steps.new"]);
        assert_eq!((&found[1].before, &found[1].after), (&json!(1), &json!(2)));
    }
}
