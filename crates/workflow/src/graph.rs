//! The graph of a workflow's steps: which comes after which.

use std::collections::{BTreeSet, HashMap};

use crate::model::{END, OnError, Step, Workflow};

/// A workflow with its steps by id and the way from each to the next.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The workflow.
    pub workflow: Workflow,
    placed: HashMap<String, Placed>,
    /// The steps from which a way leads to each.
    leading: HashMap<String, Vec<String>>,
}

#[derive(Debug, Clone)]
struct Placed {
    step: Step,
    /// The next in its list.
    following: Option<String>,
    /// The step whose list it stands in.
    within: Option<String>,
    /// The list that it stands in.
    list: String,
    /// Where in the workflow, as a person would say: `steps[2].for_each.steps[0]`.
    place: String,
}

impl Graph {
    /// The graph of a workflow. Where two steps have one id, the later one counts.
    #[must_use]
    pub fn new(workflow: Workflow) -> Self {
        let mut placed = HashMap::new();
        place(&workflow.steps, None, "steps", &mut placed);
        let mut graph = Self {
            workflow,
            placed,
            leading: HashMap::new(),
        };
        let mut leading: HashMap<String, Vec<String>> = HashMap::new();
        for id in graph.placed.keys() {
            for next in graph.successors(id) {
                leading.entry(next.to_owned()).or_default().push(id.clone());
            }
        }
        graph.leading = leading;
        graph
    }

    /// The first step.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.workflow.steps.first().map(|step| step.id.as_str())
    }

    /// The step of this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.placed.get(id).map(|placed| &placed.step)
    }

    /// The step in whose list this one stands.
    #[must_use]
    pub fn within(&self, id: &str) -> Option<&str> {
        self.placed.get(id)?.within.as_deref()
    }

    /// Whether two steps stand in one list.
    #[must_use]
    pub fn stand_together(&self, one: &str, other: &str) -> bool {
        let list = |id: &str| self.placed.get(id).map(|placed| &placed.list);
        list(one) == list(other)
    }

    /// Whether a step is done for an element of a list.
    #[must_use]
    pub fn has_item(&self, id: &str) -> bool {
        std::iter::successors(self.within(id), |above| self.within(above))
            .any(|above| self.step(above).is_some_and(|step| step.for_each.is_some()))
    }

    /// Where a step stands in the workflow.
    #[must_use]
    pub fn place(&self, id: &str) -> &str {
        self.placed
            .get(id)
            .map_or("steps", |placed| placed.place.as_str())
    }

    /// The step after this one, where nothing else is said; none at the end of its list.
    #[must_use]
    pub fn after(&self, id: &str) -> Option<&str> {
        let placed = self.placed.get(id)?;
        match &placed.step.next {
            Some(next) => target(next),
            None => placed.following.as_deref(),
        }
    }

    /// All steps that can come right after this one.
    #[must_use]
    pub fn successors(&self, id: &str) -> Vec<&str> {
        let Some(placed) = self.placed.get(id) else {
            return Vec::new();
        };
        let step = &placed.step;
        let mut next: Vec<&str> = Vec::new();
        let mut falls_through = step.stop.is_none();
        if let Some(branch) = &step.branch {
            next.extend(branch.cases.iter().filter_map(|case| target(&case.go)));
            if let Some(otherwise) = &branch.otherwise {
                next.extend(target(otherwise));
                falls_through = false;
            }
        }
        if let Some(refused) = step
            .approval
            .as_ref()
            .and_then(|approval| approval.refused.as_deref())
        {
            next.extend(target(refused));
        }
        if let Some(late) = step.wait.as_ref().and_then(|wait| wait.late.as_deref()) {
            next.extend(target(late));
        }
        if let Some(OnError::Go(go)) = &step.on_error {
            next.extend(target(go));
        }
        if falls_through {
            next.extend(self.after(id));
        }
        next
    }

    /// Every step that may have been done before this one: those on a way to it, and on a way to the step in whose
    /// list it stands. It looks at each way once.
    #[must_use]
    pub fn before(&self, id: &str) -> BTreeSet<&str> {
        let mut before: BTreeSet<&str> = BTreeSet::new();
        let mut list_of = Some(id);
        while let Some(at) = list_of {
            let within = self.within(at);
            let mut todo = vec![at];
            while let Some(step) = todo.pop() {
                for other in self.leading.get(step).into_iter().flatten() {
                    // a way that leads into another list is told of elsewhere, and is none
                    if other != at && self.within(other) == within && before.insert(other) {
                        todo.push(other);
                    }
                }
            }
            list_of = within;
        }
        before
    }
}

/// A target as a step; none for the end.
fn target(go: &str) -> Option<&str> {
    (go != END).then_some(go)
}

fn place(steps: &[Step], within: Option<&str>, list: &str, placed: &mut HashMap<String, Placed>) {
    for (at, step) in steps.iter().enumerate() {
        let place_of = format!("{list}[{at}]");
        placed.insert(
            step.id.clone(),
            Placed {
                following: steps.get(at + 1).map(|next| next.id.clone()),
                within: within.map(str::to_owned),
                list: list.to_owned(),
                place: place_of.clone(),
                step: step.clone(),
            },
        );
        for (inner, steps) in step.lists() {
            let list = format!("{place_of}.{inner}");
            place(steps, Some(&step.id), &list, placed);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn graph(steps: &Value) -> Graph {
        let workflow =
            json!({"version": 1, "name": "w", "trigger": {"manual": {}}, "steps": steps});
        Graph::new(serde_json::from_value(workflow).unwrap())
    }

    /// What `before` says, found by asking again and again until nothing new comes up.
    fn asked(graph: &Graph, id: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut list_of = Some(id);
        while let Some(at) = list_of {
            let mut reach = BTreeSet::from([at.to_owned()]);
            loop {
                let more: Vec<&String> = graph
                    .placed
                    .keys()
                    .filter(|other| !reach.contains(*other))
                    .filter(|other| graph.within(other) == graph.within(at))
                    .filter(|other| graph.successors(other).iter().any(|to| reach.contains(*to)))
                    .collect();
                if more.is_empty() {
                    break;
                }
                reach.extend(more.into_iter().cloned());
            }
            reach.remove(at);
            found.extend(reach);
            list_of = graph.within(at);
        }
        found
    }

    #[test]
    fn what_came_before_is_what_ways_lead_from() {
        let graph = graph(&json!([
            {"id": "a", "map": {"x": 1}},
            {"id": "b", "branch": {"cases": [{"when": {"value": "{{ trigger.x }}", "is": "filled"}, "go": "e"}], "otherwise": "d"}},
            {"id": "c", "map": {"x": 1}},
            {"id": "d", "for_each": {"items": "{{ trigger.x }}", "steps": [
                {"id": "d1", "map": {"x": 1}, "on_error": {"go": "d3"}},
                {"id": "d2", "for_each": {"items": "{{ item.x }}", "steps": [{"id": "d2a", "map": {"x": 1}}]}},
                {"id": "d3", "map": {"x": 1}},
            ]}},
            {"id": "e", "map": {"x": 1}, "next": "c"},
            {"id": "f", "stop": {}},
        ]));
        for id in graph.placed.keys() {
            let before: BTreeSet<String> =
                graph.before(id).into_iter().map(str::to_owned).collect();
            assert_eq!(before, asked(&graph, id), "before {id}");
        }
        assert_eq!(
            graph.before("d2a"),
            BTreeSet::from(["a", "b", "c", "d1", "e"])
        );
    }

    #[test]
    fn thousands_of_steps_are_gone_through_at_once() {
        const STEPS: usize = 20_000;
        let steps: Vec<Value> = (0..STEPS)
            .map(|at| json!({"id": format!("s{at}"), "map": {"x": 1}}))
            .collect();
        let graph = graph(&json!(steps));
        // going through all steps for each one found would take hours
        let last = format!("s{}", STEPS - 1);
        assert_eq!(graph.before(&last).len(), STEPS - 1);
    }
}
