//! The promises of [`decide`], by properties over small domains, so that coincidences are common.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::{prelude::*, sample::select};
use record::{Field, Point, PointKind, Side, Sides, Value};

use super::*;

fn scalars() -> impl Strategy<Value = Field> {
    select(vec![
        Field::Unknown,
        Field::Empty,
        Field::of("a"),
        Field::of("b"),
        Field::of("c"),
    ])
}

fn tags() -> impl Strategy<Value = Field> {
    proptest::collection::btree_set(select(vec!["a", "b", "c"]), 0..4)
        .prop_map(|tags| Field::of(Value::Set(tags.into_iter().map(str::to_owned).collect())))
}

fn points() -> impl Strategy<Value = Field> {
    (
        proptest::collection::btree_set(select(vec!["a", "b", "c"]), 0..4),
        0..4_usize,
    )
        .prop_map(|(values, main)| {
            let mut points: Vec<Point> = values
                .into_iter()
                .enumerate()
                .map(|(index, value)| Point {
                    kind: PointKind::Email,
                    value: value.to_owned(),
                    label: None,
                    main: index == main,
                })
                .collect();
            points.sort_by_key(|point| (!point.main, point.value.clone()));
            Field::of(Value::Points(points))
        })
}

type Case = (Option<Sides<Field>>, Sides<Field>);

fn cases() -> impl Strategy<Value = Case> {
    fn of<S: Strategy<Value = Field> + Clone + 'static>(field: S) -> impl Strategy<Value = Case> {
        let sides = (field.clone(), field).prop_map(|(left, right)| Sides::new(left, right));
        (proptest::option::weighted(0.8, sides.clone()), sides)
    }
    let mut mixed = vec![of(scalars().boxed()).boxed()];
    mixed.push(of(tags().boxed()).boxed());
    mixed.push(of(points().boxed()).boxed());
    mixed.push(of(prop_oneof![tags(), scalars(), points()].boxed()).boxed());
    proptest::strategy::Union::new(mixed)
}

fn rules() -> impl Strategy<Value = Rule> {
    let policies = || {
        select(vec![
            Policy::LeftOwns,
            Policy::RightOwns,
            Policy::Newest,
            Policy::PreferNonEmpty,
            Policy::Union,
            Policy::Merge,
            Policy::Ask,
        ])
    };
    (
        policies(),
        policies(),
        select(vec![Direction::Both, Direction::ToRight, Direction::ToLeft]),
        select(vec![
            Alignment::LeftWins,
            Alignment::RightWins,
            Alignment::PreferLeft,
            Alignment::PreferRight,
            Alignment::Newest,
            Alignment::Union,
            Alignment::Ask,
        ]),
        select(vec![
            TargetEdits::PutBack,
            TargetEdits::Keep,
            TargetEdits::Ask,
        ]),
    )
        .prop_map(|(policy, fallback, direction, align, target_edits)| Rule {
            policy,
            fallback,
            direction,
            align,
            target_edits,
        })
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let interval = || {
        proptest::option::of((proptest::option::of(0..4_i64), 4..8_i64).prop_map(
            |(after, until)| Interval {
                after: after.map(|s| Timestamp::from_second(s * 2).unwrap()),
                until: Timestamp::from_second(until).unwrap(),
            },
        ))
    };
    (interval(), interval()).prop_map(|(left, right)| Sides::new(left, right))
}

fn decided(case: &Case, rule: &Rule, evidence: &Evidence) -> Decision {
    decide(
        case.0.as_ref().map(Sides::as_ref),
        case.1.as_ref(),
        rule,
        evidence,
    )
}

/// The single things that a field says.
fn parts(field: &Field) -> BTreeSet<String> {
    match field.value() {
        Some(Value::Set(tags)) => tags.clone(),
        Some(Value::Points(points)) => points.iter().map(|point| point.value.clone()).collect(),
        Some(value) => BTreeSet::from([format!("{value:?}")]),
        None => BTreeSet::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Carrying a decision out and deciding again finds nothing to do.
    #[test]
    fn a_decision_settles_the_field(case in cases(), rule in rules(), evidence in evidence()) {
        let decision = decided(&case, &rule, &evidence);
        if let Some(settled) = decision.settled(case.1.as_ref()) {
            let again = (Some(settled.clone()), settled);
            prop_assert_eq!(decided(&again, &rule, &evidence), Decision::Nothing);
        }
    }

    /// What a side held is there afterwards, or the decision names it as lost.
    #[test]
    fn nothing_is_dropped_silently(case in cases(), rule in rules(), evidence in evidence()) {
        let decision = decided(&case, &rule, &evidence);
        let Some(settled) = decision.settled(case.1.as_ref()) else { return Ok(()) };
        for side in Side::BOTH {
            let lost = match &decision {
                Decision::Write { to, loser: Some(loser), .. } if *to == side => {
                    parts(&Field::Value(loser.clone()))
                }
                Decision::Merge { changes, .. } => changes
                    .get(side)
                    .as_ref()
                    .map(|change| parts(&change.removed))
                    .unwrap_or_default(),
                _ => BTreeSet::new(),
            };
            let after = parts(settled.get(side));
            for part in parts(case.1.get(side)) {
                prop_assert!(after.contains(&part) || lost.contains(&part), "{part} of {side} is gone");
            }
        }
    }

    /// Left and right are names, nothing else (a choice of the left main point aside, where there is
    /// no base to say who changed it; a base with an unknown side is none).
    #[test]
    fn left_and_right_are_alike(case in cases(), rule in rules(), evidence in evidence()) {
        let known = |base: &Sides<Field>| base.left.is_known() && base.right.is_known();
        let has_base = case.0.as_ref().is_some_and(known);
        let has_points = [&case.1.left, &case.1.right]
            .iter()
            .any(|field| matches!(field.value(), Some(Value::Points(_))));
        if has_points && !has_base && rule.direction == Direction::Both {
            return Ok(());
        }
        let decision = decided(&case, &rule, &evidence);
        let mirrored = (case.0.map(Sides::swapped), case.1.swapped());
        let other = decided(&mirrored, &rule.swapped(), &evidence.swapped());
        match (decision, other) {
            (Decision::Wait { .. }, Decision::Wait { .. })
            | (Decision::Kept { .. }, Decision::Kept { .. }) => {}
            (one, other) => prop_assert_eq!(one, other.swapped()),
        }
    }

    /// Merging per element, what a side added since its base stays on that side.
    #[test]
    fn what_was_added_stays(case in cases(), rule in rules(), evidence in evidence()) {
        let rule = Rule { policy: Policy::Merge, direction: Direction::Both, ..rule };
        let (Some(base), now) = &case else { return Ok(()) };
        let is_set = |field: &Field| {
            matches!(field.value(), Some(Value::Set(_) | Value::Points(_)) | None)
        };
        if ![&base.left, &base.right, &now.left, &now.right].into_iter().all(is_set) {
            return Ok(());
        }
        let decision = decided(&case, &rule, &evidence);
        if matches!(decision, Decision::Write { .. }) {
            return Ok(()); // points on one side and tags on the other are no sets of one kind
        }
        let Some(settled) = decision.settled(now.as_ref()) else { return Ok(()) };
        for side in Side::BOTH {
            if matches!(base.get(side), Field::Unknown) || matches!(base.get(side.other()), Field::Unknown) {
                continue;
            }
            let (before, after) = (parts(base.get(side)), parts(settled.get(side)));
            for added in parts(now.get(side)).difference(&before) {
                prop_assert!(after.contains(added), "{added} of {side} is gone: {decision:?}");
            }
        }
    }

    /// An unknown side is never read as empty, and never written to.
    #[test]
    fn unknown_decides_nothing(case in cases(), rule in rules(), evidence in evidence()) {
        if case.1.left.is_known() && case.1.right.is_known() {
            return Ok(());
        }
        let decision = decided(&case, &rule, &evidence);
        prop_assert!(matches!(decision, Decision::Nothing | Decision::Wait { .. }), "{decision:?}");
    }

    /// Nothing is written where the direction does not lead, and never an unknown value.
    #[test]
    fn the_direction_is_kept(case in cases(), rule in rules(), evidence in evidence()) {
        let decision = decided(&case, &rule, &evidence);
        for side in Side::BOTH {
            if let Some(value) = decision.write_to(side) {
                prop_assert!(rule.direction.writes(side));
                prop_assert!(value.is_known());
                prop_assert_ne!(value, case.1.get(side), "a write that changes nothing");
            }
        }
    }

    /// From a common base, two-way, without a question: both sides are equal afterwards.
    #[test]
    fn sides_that_agreed_agree_again(
        base in prop_oneof![scalars(), tags(), points()],
        now in prop_oneof![
            (scalars(), scalars()),
            (tags(), tags()),
            (points(), points())
        ],
        rule in rules(),
        evidence in evidence(),
    ) {
        let rule = Rule { direction: Direction::Both, ..rule };
        let case = (Some(Sides::new(base.clone(), base)), Sides::new(now.0, now.1));
        let decision = decided(&case, &rule, &evidence);
        if let Some(settled) = decision.settled(case.1.as_ref()) {
            prop_assert_eq!(parts(&settled.left), parts(&settled.right), "{:?}", decision);
        }
    }
}

fn set(tags: &[&str]) -> Field {
    Field::of(Value::Set(tags.iter().map(|t| (*t).to_owned()).collect()))
}

fn on(base: Option<(Field, Field)>, now: (Field, Field), rule: &Rule) -> Decision {
    let case = (
        base.map(|(left, right)| Sides::new(left, right)),
        Sides::new(now.0, now.1),
    );
    decided(&case, rule, &Evidence::default())
}

#[test]
fn one_change_goes_across_and_names_what_it_overwrites() {
    let decision = on(
        Some((Field::of("a"), Field::of("A"))),
        (Field::of("b"), Field::of("A")),
        &Rule::single(),
    );
    assert_eq!(
        decision,
        Decision::Write {
            to: Side::Right,
            value: Field::of("b"),
            loser: Some("A".into()),
            why: Why::OnlyChange
        }
    );
    // each side against its own base: a spelling of the system is no edit
    let base = Some((Field::of("a"), Field::of("A")));
    let now = (Field::of("a"), Field::of("A"));
    assert_eq!(on(base, now, &Rule::single()), Decision::Nothing);
}

#[test]
fn tags_of_both_are_merged_and_what_one_side_cannot_hold_stays_on_the_other() {
    let decision = on(
        Some((set(&["old", "left only"]), set(&["old"]))),
        (set(&["old", "left only", "new"]), set(&["other"])),
        &Rule::set(),
    );
    let Decision::Merge { changes, why } = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(why, Why::Merged);
    let left = changes.left.unwrap();
    assert_eq!(left.value, set(&["left only", "new", "other"]));
    assert_eq!(left.removed, set(&["old"]));
    assert_eq!(changes.right.unwrap().value, set(&["new", "other"]));
}

#[test]
fn an_edit_on_a_one_way_target_is_put_back_unless_the_source_has_nothing_to_say() {
    let rule = Rule {
        direction: Direction::ToRight,
        ..Rule::single()
    };
    let base = Some((Field::of("a"), Field::of("a")));
    assert!(matches!(
        on(base, (Field::of("a"), Field::of("x")), &rule),
        Decision::Write {
            to: Side::Right,
            why: Why::PutBack,
            ..
        }
    ));
    let never_agreed = Some((Field::Empty, Field::of("a")));
    assert_eq!(
        on(never_agreed, (Field::Empty, Field::of("x")), &rule),
        Decision::Kept { side: Side::Right }
    );
    assert_eq!(
        on(None, (Field::Empty, Field::of("x")), &rule),
        Decision::Kept { side: Side::Right }
    );
}

#[test]
fn a_conflict_without_proof_is_a_question() {
    let base = Some((Field::of("a"), Field::of("a")));
    assert_eq!(
        on(base, (Field::of("b"), Field::of("c")), &Rule::single()),
        Decision::Ask {
            reason: Reason::BothChanged
        }
    );
}

#[test]
fn what_is_unknown_is_waited_for_and_an_unknown_base_is_none() {
    let rule = Rule {
        align: Alignment::Ask,
        ..Rule::single()
    };
    let wait = Decision::Wait { side: Side::Right };
    let unknown_right = |left: &str| (Field::of(left), Field::Unknown);
    assert_eq!(on(None, unknown_right("a"), &rule), wait);
    let base = || Some((Field::of("a"), Field::of("a")));
    assert_eq!(on(base(), unknown_right("b"), &rule), wait);
    assert_eq!(on(base(), unknown_right("a"), &rule), Decision::Nothing);
    assert_eq!(
        on(
            Some((Field::of("a"), Field::Unknown)),
            (Field::of("b"), Field::of("a")),
            &rule
        ),
        Decision::Ask {
            reason: Reason::NotAligned
        }
    );
}
