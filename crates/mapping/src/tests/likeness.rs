//! Whether two records that belong to one record are one.

use jiff::{SignedDuration, Timestamp};
use record::{Choice, Entity, Field, Fields, Kind, Schema, Sides, Value};

use super::{fields, rules, settings, spec};
use crate::{CompiledEntity, Likeness, Mode};

fn compiled(
    left: Vec<record::FieldSpec>,
    right: Vec<record::FieldSpec>,
    yaml: &str,
) -> CompiledEntity {
    let entity = Entity::Task;
    let schema = |fields| Schema { entity, fields };
    CompiledEntity::compile(
        &rules(yaml),
        &schema(left),
        &schema(right),
        &settings(Mode::TwoWay),
    )
    .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A task: a title, a text, and a moment on the left that is one on the right.
fn task() -> CompiledEntity {
    compiled(
        vec![
            spec("title", Kind::Text),
            spec("body", Kind::LongText),
            spec("due", Kind::Instant),
        ],
        vec![
            spec("Betreff", Kind::Text),
            spec("Aufgabe", Kind::LongText),
            spec("Termin", Kind::Instant),
        ],
        "
fields:
  - {left: title, right: Betreff}
  - {left: body, right: Aufgabe}
  - {left: due, right: Termin}
",
    )
}

fn at(hour: &str) -> Field {
    let moment: Timestamp = format!("2026-03-01T{hour}:00Z").parse().unwrap();
    Field::of(Value::Instant(moment))
}

fn left(title: &str, body: &str, due: Field) -> Fields {
    fields(&[
        ("title", Field::of(title)),
        ("body", Field::of(body)),
        ("due", due),
    ])
}

fn right(title: &str, body: &str, due: Field) -> Fields {
    fields(&[
        ("Betreff", Field::of(title)),
        ("Aufgabe", Field::of(body)),
        ("Termin", due),
    ])
}

const NEVER: Sides<Option<Timestamp>> = Sides {
    left: None,
    right: None,
};

fn is_same(likeness: Likeness) -> bool {
    matches!(likeness, Likeness::Same(_))
}

fn is_near(likeness: Likeness) -> bool {
    matches!(likeness, Likeness::Near(_))
}

#[test]
fn the_same_title_at_the_same_time_is_one_and_what_comes_near_is_a_question() {
    let task = task();
    let judge = |left: &Fields, right: &Fields| task.likeness(Sides::new(left, right), NEVER);
    let here = left("Rückruf: Frau Müller", "wegen der Wohnung", at("10:00"));
    assert!(is_same(judge(
        &here,
        &right("RUECKRUF Frau Mueller", "", at("10:00"))
    )));
    assert!(is_near(judge(
        &here,
        &right("Rückruf Frau Müller", "", at("11:00"))
    )));
    assert!(is_near(judge(
        &here,
        &right("Rückruf Frau Müller", "", Field::Empty)
    )));
    let text = "wegen des Hauses";
    assert!(is_near(judge(
        &here,
        &right("Rückruf Frau Müller", text, at("10:00"))
    )));
    assert!(is_near(judge(
        &here,
        &right("Rückruf Frau Müler", "", at("10:00"))
    )));
    let other = right("Exposé schicken", "", at("10:00"));
    assert_eq!(judge(&here, &other), Likeness::Other);
    let other = right("Rückruf Frau Müler", "", at("11:00"));
    assert_eq!(judge(&here, &other), Likeness::Other);
    let timeless = left("Rückruf", "", Field::Empty);
    assert!(is_same(judge(
        &timeless,
        &right("rückruf", "", Field::Empty)
    )));
    let nothing = left("", "", at("10:00"));
    assert_eq!(
        judge(&nothing, &right("", "", at("10:00"))),
        Likeness::Other
    );
}

#[test]
fn who_has_neither_time_nor_stage_is_one_on_one_day() {
    let note = compiled(
        vec![spec("body", Kind::LongText)],
        vec![spec("Bemerkung", Kind::LongText)],
        "fields: [{left: body, right: Bemerkung}]",
    );
    let one = fields(&[("body", Field::of("mag Altbau"))]);
    let other = fields(&[("Bemerkung", Field::of("Mag Altbau."))]);
    let day: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
    let later = |hours| day.checked_add(SignedDuration::from_hours(hours)).unwrap();
    let judge = |right| note.likeness(Sides::new(&one, &other), Sides::new(Some(day), right));
    assert!(is_same(judge(Some(later(5)))));
    assert!(is_near(judge(Some(later(48)))));
    assert!(is_near(judge(None)));
}

#[test]
fn without_a_time_the_stage_tells() {
    let mut stage = spec("stage", Kind::Choice);
    let mut status = spec("status", Kind::Choice);
    for key in ["open", "won"] {
        let choice = Choice {
            key: key.to_owned(),
            label: key.to_owned(),
        };
        stage.choices.push(choice.clone());
        status.choices.push(choice);
    }
    let deal = compiled(
        vec![spec("name", Kind::Text), stage],
        vec![spec("title", Kind::Text), status],
        "
fields:
  - {left: name, right: title}
  - {left: stage, right: status, values: {open: open, won: won}}
",
    );
    let here = fields(&[("name", Field::of("Villa")), ("stage", Field::of("open"))]);
    let there =
        |status: &str| fields(&[("title", Field::of("Villa")), ("status", Field::of(status))]);
    assert!(is_same(
        deal.likeness(Sides::new(&here, &there("open")), NEVER)
    ));
    assert!(is_near(
        deal.likeness(Sides::new(&here, &there("won")), NEVER)
    ));
}
