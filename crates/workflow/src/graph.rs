//! The graph of a workflow's steps: which comes after which.

use std::collections::{BTreeSet, HashMap};

use crate::model::{END, OnError, Step, Workflow};

/// A workflow with its steps by id and the way from each to the next.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The workflow.
    pub workflow: Workflow,
    placed: HashMap<String, Placed>,
}

#[derive(Debug, Clone)]
struct Placed {
    step: Step,
    /// The next in its list.
    following: Option<String>,
    /// The step whose list it stands in.
    within: Option<String>,
    /// Where in the workflow, as a person would say: `steps[2].for_each.steps[0]`.
    place: String,
}

impl Graph {
    /// The graph of a workflow. Where two steps have one id, the later one counts.
    #[must_use]
    pub fn new(workflow: Workflow) -> Self {
        let mut placed = HashMap::new();
        place(&workflow.steps, None, "steps", &mut placed);
        Self { workflow, placed }
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
        if let Some(OnError::Go(go)) = &step.on_error {
            next.extend(target(go));
        }
        if falls_through {
            next.extend(self.after(id));
        }
        next
    }

    /// Every step that may have been done before this one: those on a way to it, and on a way to the step in whose
    /// list it stands.
    #[must_use]
    pub fn before(&self, id: &str) -> BTreeSet<&str> {
        let mut before = BTreeSet::new();
        let mut list_of = Some(id);
        while let Some(at) = list_of {
            let mut grown = true;
            let mut reach: BTreeSet<&str> = BTreeSet::from([at]);
            while grown {
                grown = false;
                for (other, placed) in &self.placed {
                    if reach.contains(other.as_str()) || placed.within.as_deref() != self.within(at)
                    {
                        continue;
                    }
                    if self
                        .successors(other)
                        .iter()
                        .any(|next| reach.contains(next))
                    {
                        reach.insert(other);
                        before.insert(other.as_str());
                        grown = true;
                    }
                }
            }
            list_of = self.within(at);
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
                place: place_of.clone(),
                step: step.clone(),
            },
        );
        if let Some(for_each) = &step.for_each {
            let list = format!("{place_of}.for_each.steps");
            place(&for_each.steps, Some(&step.id), &list, placed);
        }
    }
}
