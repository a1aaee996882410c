//! What people have agreed to is never widened by a machine.

use merge::{Decision, Evidence, Reason, Why};
use record::{Side, Sides};

use super::*;

fn refusing(words: &[&str], mut spec: FieldSpec) -> FieldSpec {
    spec.capability.refusals = words.iter().map(|word| (*word).to_owned()).collect();
    spec
}

fn consent(yaml: &str) -> CompiledEntity {
    let (mut left, mut right) = (left(), right());
    left.fields.push(refusing(
        &["never", "no"],
        choices(
            &[("never", "Never"), ("no", "No"), ("yes", "Yes")],
            spec("mails", Kind::Choice),
        ),
    ));
    right.fields.push(refusing(
        &["2", "0"],
        choices(
            &[("0", "nein"), ("1", "ja"), ("2", "Absage"), ("4", "k. A.")],
            spec("Post", Kind::Choice),
        ),
    ));
    right.fields.push(spec("Eigenes", Kind::Text));
    CompiledEntity::compile(&rules(yaml), &left, &right, &settings(Mode::TwoWay))
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

const NEWSLETTER: &str = "{create: {left: false}, fields: [{name: mails, left: mails, right: Post, \
    values: {never: 2, no: 0, yes: [4, 1]}, default_right: 4}]}";

fn decide(entity: &CompiledEntity, base: Option<[&str; 2]>, now: [&str; 2]) -> Decision {
    let mapping = entity.mapping("mails").unwrap();
    let fields = |values: [&str; 2]| {
        Sides::each(|side| {
            let value = values[usize::from(side == Side::Right)];
            let field = match value {
                "" => Field::Empty,
                value => Field::of(value),
            };
            mapping
                .fields(side)
                .iter()
                .map(|name| (name.clone(), field.clone()))
                .collect::<Fields>()
        })
    };
    let base = base.map(fields);
    let now = fields(now);
    mapping.decide(
        base.as_ref().map(Sides::as_ref),
        now.as_ref(),
        &Evidence::default(),
    )
}

fn writes(to: Side, value: &str, loser: Option<&str>, why: Why) -> Decision {
    Decision::Write {
        to,
        value: Field::of(value),
        loser: loser.map(Value::from),
        why,
    }
}

#[test]
fn the_stricter_side_counts_where_nobody_decided() {
    let entity = consent(NEWSLETTER);
    // at the first link
    let stricter = |now| decide(&entity, None, now);
    assert_eq!(
        stricter(["yes", "0"]),
        writes(Side::Left, "no", Some("yes"), Why::Stricter)
    );
    assert_eq!(
        stricter(["no", "1"]),
        writes(Side::Right, "no", Some("yes"), Why::Stricter)
    );
    assert_eq!(
        stricter(["never", "0"]),
        writes(Side::Right, "never", Some("no"), Why::Stricter)
    );
    assert_eq!(
        stricter(["", "2"]),
        writes(Side::Left, "never", None, Why::Stricter)
    );
    // that nothing is refused is no consent at the other end, and the same as its default
    assert_eq!(stricter(["yes", ""]), Decision::Kept { side: Side::Left });
    assert_eq!(stricter(["", "4"]), Decision::Agree);
    // both edited
    assert_eq!(
        decide(&entity, Some(["no", "0"]), ["never", "1"]),
        writes(Side::Right, "never", Some("yes"), Why::Stricter)
    );
    // one edited: a person said so
    assert_eq!(
        decide(&entity, Some(["no", "0"]), ["no", "1"]),
        writes(Side::Left, "yes", Some("no"), Why::OnlyChange)
    );
    // what lets mails through writes no consent where a new record is made
    let draft = entity.draft(Side::Right, &fields(&[("mails", Field::of("yes"))]));
    assert_eq!(draft.fields.get("Post"), &Field::of("4"));
    let draft = entity.draft(Side::Right, &fields(&[("mails", Field::of("no"))]));
    assert_eq!(draft.fields.get("Post"), &Field::of("0"));
}

#[test]
fn a_refusal_on_a_field_that_is_only_written_stays() {
    let one_way = NEWSLETTER.replace(", default_right: 4", ", direction: to_left");
    let entity = consent(&one_way);
    assert_eq!(
        decide(&entity, Some(["yes", "4"]), ["no", "4"]),
        Decision::Kept { side: Side::Left }
    );
    assert_eq!(
        decide(&entity, Some(["yes", "4"]), ["yes", "0"]),
        writes(Side::Left, "no", Some("yes"), Why::OnlyChange)
    );
}

#[test]
fn a_field_of_ones_own_is_read_by_the_words_of_the_other_side() {
    let entity = consent(
        "{create: {left: false}, fields: [{name: mails, left: mails, right: Eigenes, \
         values: {no: nein, yes: ja}}]}",
    );
    assert_eq!(
        decide(&entity, None, ["yes", "nein"]),
        writes(Side::Left, "no", Some("yes"), Why::Stricter)
    );
    // a refusal that stands in no pair is one all the same, and is not weakened
    assert_eq!(
        decide(&entity, None, ["never", "ja"]),
        writes(Side::Right, "no", Some("yes"), Why::Stricter)
    );
    assert_eq!(decide(&entity, None, ["never", "nein"]), Decision::Agree);
    let draft = entity.draft(Side::Right, &fields(&[("mails", Field::of("yes"))]));
    assert!(draft.fields.is_empty());
    // who rules on conflicts has the last word
    let ruled = consent(
        "{create: {left: false}, fields: [{name: mails, left: mails, right: Eigenes, policy: ask, align: ask, \
         values: {never: nie, no: nein, yes: ja}}]}",
    );
    assert_eq!(
        decide(&ruled, None, ["yes", "nein"]),
        Decision::Ask {
            reason: Reason::NotAligned
        }
    );
}
