//! The decision for a field that is a set: tags, or the phone numbers and e-mail addresses of a
//! person. Merged per element, by what each side added and removed against its own base.

use std::collections::BTreeMap;

use record::{Field, Point, PointKind, Side, Sides, Value};

use crate::{
    Alignment, Change, Decision, Direction, Evidence, Policy, Reason, Rule, TargetEdits, Why,
    newer, scalar,
};

/// An element; points have a kind, tags have none.
type Key = (Option<PointKind>, String);

/// The elements of one side; `true` for the main one of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Set(BTreeMap<Key, bool>);

/// A set field on both sides.
pub(crate) struct Elements {
    base: Option<Sides<Set>>,
    now: Sides<Set>,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Tags,
    Points,
}

/// What one side did since its base.
struct Delta {
    added: Vec<Key>,
    removed: Vec<Key>,
    /// The new main element of a kind, where it is another one than before.
    main: BTreeMap<Option<PointKind>, String>,
}

impl Elements {
    /// The field as a set, if every part of it is one.
    pub(crate) fn of(base: Option<Sides<&Field>>, now: Sides<&Field>) -> Option<Self> {
        let fields = [now.left, now.right]
            .into_iter()
            .chain(base.into_iter().flat_map(|base| [base.left, base.right]));
        let mut shape = None;
        for value in fields.filter_map(Field::value) {
            let this = match value {
                Value::Set(_) => Shape::Tags,
                Value::Points(_) => Shape::Points,
                _ => return None,
            };
            if *shape.get_or_insert(this) != this {
                return None;
            }
        }
        Some(Self {
            base: base.map(|base| Sides::new(Set::of(base.left), Set::of(base.right))),
            now: Sides::new(Set::of(now.left), Set::of(now.right)),
            shape: shape?,
        })
    }
}

/// Both sides are known, they differ, and at least one has changed or there is no base.
pub(crate) fn decide(
    elements: Elements,
    fields: Sides<&Field>,
    rule: &Rule,
    evidence: &Evidence,
) -> Decision {
    let now = &elements.now;
    let Some(base) = &elements.base else {
        return aligned(&elements, fields, rule, evidence);
    };
    let deltas = Sides::each(|side| Delta::between(base.get(side), now.get(side)));
    let changed = Side::BOTH
        .into_iter()
        .filter(|side| base.get(*side) != now.get(*side));
    let changed: Vec<Side> = changed.collect();
    if let Some(target) = rule.direction.target() {
        return one_way(&elements, &deltas, target, rule);
    }
    match changed[..] {
        [] => Decision::Nothing,
        [side] => {
            let to = side.other();
            let mut next = now.clone();
            deltas.get(side).apply(next.get_mut(to), deltas.get(to));
            elements.merge(next, Why::OnlyChange, side)
        }
        _ => [rule.policy, rule.fallback]
            .into_iter()
            .find_map(|policy| both_changed(&elements, &deltas, policy, fields, evidence, rule))
            .unwrap_or(Decision::Ask {
                reason: Reason::BothChanged,
            }),
    }
}

fn both_changed(
    elements: &Elements,
    deltas: &Sides<Delta>,
    policy: Policy,
    fields: Sides<&Field>,
    evidence: &Evidence,
    rule: &Rule,
) -> Option<Decision> {
    let mut next = elements.now.clone();
    if matches!(policy, Policy::Merge | Policy::Union) {
        for side in Side::BOTH {
            let (theirs, mine) = (deltas.get(side.other()), deltas.get(side));
            let set = next.get_mut(side);
            if policy == Policy::Merge {
                theirs.apply(set, mine);
            } else {
                theirs.add(set);
                let other = elements.now.get(side.other());
                set.restore(mine.removed.iter().filter(|key| other.0.contains_key(key)));
            }
        }
        resolve_mains(&mut next, deltas, fields, evidence, rule)?;
        return Some(elements.merge(next, Why::Merged, Side::Left));
    }
    let (owner, why) = scalar::by_policy(policy, fields, evidence)?;
    // what the other side did is undone, and what the owner did is done
    let target = next.get_mut(owner.other());
    *target = elements.base.as_ref()?.get(owner.other()).clone();
    deltas.get(owner).apply(target, &Delta::none());
    Some(elements.merge(next, why, owner))
}

/// Where both sides chose another main element, one choice wins, or nobody can tell.
fn resolve_mains(
    next: &mut Sides<Set>,
    deltas: &Sides<Delta>,
    fields: Sides<&Field>,
    evidence: &Evidence,
    rule: &Rule,
) -> Option<()> {
    for (kind, left) in &deltas.left.main {
        let Some(right) = deltas.right.main.get(kind) else {
            continue;
        };
        if left == right {
            continue;
        }
        let (winner, _why) = scalar::winner(fields, rule, evidence)?;
        let main = if winner == Side::Left { left } else { right };
        for side in Side::BOTH {
            next.get_mut(side).set_main(*kind, main);
        }
    }
    Some(())
}

fn one_way(elements: &Elements, deltas: &Sides<Delta>, target: Side, rule: &Rule) -> Decision {
    let source = target.other();
    let (theirs, mine) = (deltas.get(source), deltas.get(target));
    let held = elements.now.get(source);
    let missed: Vec<&Key> = mine
        .removed
        .iter()
        .filter(|key| held.0.contains_key(key))
        .collect();
    let mut next = elements.now.clone();
    let set = next.get_mut(target);
    theirs.apply(set, mine);
    let mut why = Why::OnlyChange;
    match rule.target_edits {
        TargetEdits::Ask if !missed.is_empty() => {
            return Decision::Ask {
                reason: Reason::TargetEdited,
            };
        }
        TargetEdits::Ask | TargetEdits::Keep => {}
        TargetEdits::PutBack => {
            if theirs.is_none() {
                why = Why::PutBack;
            }
            set.restore(missed.into_iter());
            for kind in mine.main.keys() {
                if let Some(main) = held.main(*kind) {
                    set.set_main(*kind, &main);
                }
            }
        }
    }
    elements.merge(next, why, target)
}

fn aligned(
    elements: &Elements,
    fields: Sides<&Field>,
    rule: &Rule,
    evidence: &Evidence,
) -> Decision {
    let fallback = || match rule.fallback {
        Policy::Union | Policy::Merge => Some(None),
        policy => scalar::by_policy(policy, fields, evidence).map(|(side, _)| Some(side)),
    };
    // `Some(None)`: everything of both
    let winner = match rule.align {
        Alignment::Union => Some(None),
        Alignment::Newest => newer(evidence).map(Some).or_else(fallback),
        _ => scalar::aligned(fields, rule, evidence).map(Some),
    };
    let Some(winner) = winner else {
        return Decision::Ask {
            reason: Reason::NotAligned,
        };
    };
    let mut next = elements.now.clone();
    for side in Side::BOTH {
        if !rule.direction.writes(side) {
            continue;
        }
        let theirs = elements.now.get(side.other());
        let set = next.get_mut(side);
        match winner {
            Some(winner) if winner == side => {}
            Some(_) => *set = theirs.clone(),
            None => {
                set.restore(theirs.0.keys());
                // where both have a main element: that of the source, else of the left
                let theirs_first = side == Side::Right || rule.direction != Direction::Both;
                for kind in theirs.kinds() {
                    if let Some(main) = theirs.main(kind)
                        && (theirs_first || set.main(kind).is_none())
                    {
                        set.set_main(kind, &main);
                    }
                }
            }
        }
    }
    let kept = winner.or(rule.direction.target()).unwrap_or(Side::Left);
    elements.merge(next, Why::Aligned, kept)
}

impl Elements {
    /// The decision that makes the sides what `next` says; where that is what they are, `kept` is
    /// the side that keeps something of its own.
    fn merge(&self, next: Sides<Set>, why: Why, kept: Side) -> Decision {
        let changes = Sides::each(|side| {
            let (now, next) = (self.now.get(side), next.get(side));
            (now != next).then(|| Change {
                value: next.field(self.shape),
                added: next.without(now).field(self.shape),
                removed: now.without(next).field(self.shape),
            })
        });
        if changes.left.is_none() && changes.right.is_none() {
            Decision::Kept { side: kept }
        } else {
            Decision::Merge { changes, why }
        }
    }
}

impl Set {
    fn of(field: &Field) -> Self {
        Self(match field.value() {
            Some(Value::Set(tags)) => tags
                .iter()
                .map(|tag| ((None, tag.clone()), false))
                .collect(),
            Some(Value::Points(points)) => points
                .iter()
                .map(|point| ((Some(point.kind), point.value.clone()), point.main))
                .collect(),
            _ => BTreeMap::new(),
        })
    }

    /// Back to the canonical form of a meaning: points by kind, main ones first, then by value.
    fn field(&self, shape: Shape) -> Field {
        Field::of(match shape {
            Shape::Tags => Value::Set(self.0.keys().map(|(_, tag)| tag.clone()).collect()),
            Shape::Points => {
                let mut points: Vec<Point> = self
                    .0
                    .iter()
                    .filter_map(|((kind, value), main)| {
                        Some(Point {
                            kind: (*kind)?,
                            value: value.clone(),
                            label: None,
                            main: *main,
                        })
                    })
                    .collect();
                points
                    .sort_by(|a, b| (a.kind, !a.main, &a.value).cmp(&(b.kind, !b.main, &b.value)));
                Value::Points(points)
            }
        })
    }

    fn without(&self, other: &Self) -> Self {
        let elements = self.0.iter().filter(|(key, _)| !other.0.contains_key(*key));
        Self(elements.map(|(key, main)| (key.clone(), *main)).collect())
    }

    fn restore<'a>(&mut self, keys: impl Iterator<Item = &'a Key>) {
        for key in keys {
            self.0.entry(key.clone()).or_insert(false);
        }
    }

    fn kinds(&self) -> impl Iterator<Item = Option<PointKind>> {
        let mut kinds: Vec<_> = self.0.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds.into_iter()
    }

    fn main(&self, kind: Option<PointKind>) -> Option<String> {
        self.0
            .iter()
            .find(|((of, _), main)| **main && *of == kind)
            .map(|((_, value), _)| value.clone())
    }

    fn set_main(&mut self, kind: Option<PointKind>, value: &str) {
        if !self.0.contains_key(&(kind, value.to_owned())) {
            return;
        }
        for ((of, element), main) in &mut self.0 {
            if *of == kind {
                *main = element == value;
            }
        }
    }
}

impl Delta {
    fn none() -> Self {
        Self {
            added: Vec::new(),
            removed: Vec::new(),
            main: BTreeMap::new(),
        }
    }

    fn between(base: &Set, now: &Set) -> Self {
        Self {
            added: now.without(base).0.into_keys().collect(),
            removed: base.without(now).0.into_keys().collect(),
            main: now
                .kinds()
                .filter_map(|kind| {
                    let main = now.main(kind)?;
                    (base.main(kind).as_ref() != Some(&main)).then_some((kind, main))
                })
                .collect(),
        }
    }

    fn is_none(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.main.is_empty()
    }

    fn add(&self, set: &mut Set) {
        set.restore(self.added.iter());
        for (kind, main) in &self.main {
            set.set_main(*kind, main);
        }
    }

    /// Does to `set` what this side did; what `mine` added stays.
    fn apply(&self, set: &mut Set, mine: &Delta) {
        for key in &self.removed {
            if !mine.added.contains(key) {
                set.0.remove(key);
            }
        }
        self.add(set);
    }
}
