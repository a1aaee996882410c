//! The laws of the lenses, for every mapping of a complete configuration and a few more.

use std::sync::OnceLock;

use jiff::{Timestamp, civil};
use proptest::{collection, prelude::*, sample::select};
use record::{Kind, Side, Sides};
use rust_decimal::Decimal;

use super::*;
use crate::CompiledMapping;

/// Mappings that no complete configuration would have beside those of [`ALL`].
const OTHERS: &str = "
fields:
  - {name: full, left: [firstName, lastName], right: Anzeigename}
  - {name: pair, left: [nickname, city], right: [Vorname, Name], lens: name}
  - {name: open_tags, left: tags, right: Art, unmatched: pass, direction: to_left}
  - {name: points, left: morePhones, right: Kontakt, direction: to_right}
  - {name: line, left: notes, right: Ort}
  - {name: plain_choice, left: status, right: Strasse}
  - {name: passing, left: rooms, right: Geschlecht, values: {Anna: von der Heide}, unmatched: pass}
  - {name: land, left: address1, right: Land, lens: country}
create: {left: false, right: false}
";

fn entities() -> &'static [CompiledEntity] {
    static ENTITIES: OnceLock<Vec<CompiledEntity>> = OnceLock::new();
    ENTITIES.get_or_init(|| vec![compile(ALL), compile(OTHERS)])
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "Anna",
            "Anna Maria",
            "von der Heide",
            "Anna von der Heide",
            "Heide, Anna",
            "anna",
            "A, B, C",
            ",",
            "Käufer",
            "mieter",
            "1",
            "2",
            "imported",
            "vip",
            "VIP",
            "Mr",
            "mrs",
            "h",
            "f",
            "x",
            "true",
            "0",
            "aktiv",
            "Archiv",
            "DE",
            "Deutschland",
            "AUT",
            "Österreich",
            "Atlantis",
            "0241 24561",
            "+49 241 24561",
            "+4924124561",
            "0151/28168313",
            "k. A.",
            "a@b.de",
            "A@B.de ",
            "c@d.de",
            "3,5",
            "3.50",
            "1983-07-09",
            "9.7.1983",
            "0000-00-00",
            "Eine lange Straße 17 im Hinterhaus",
            "https://www.x.de/",
            "www.x.de",
            "<b>a</b> & c",
            "Zeile 1\nZeile 2",
            "  ",
            "Doppelt  leer",
            "Mu\u{308}ller",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,14}",
        "[A-Za-zäöü,. \n-]{0,24}",
    ]
}

fn raw(kind: Kind) -> BoxedStrategy<Field> {
    let value = match kind {
        Kind::Set => collection::btree_set(texts(), 0..4)
            .prop_map(|set| Value::Set(set.into_iter().filter(|t| !t.trim().is_empty()).collect()))
            .boxed(),
        Kind::Points => collection::vec(
            (
                select(vec![
                    PointKind::Phone,
                    PointKind::Mobile,
                    PointKind::Fax,
                    PointKind::Email,
                ]),
                texts(),
                any::<bool>(),
            ),
            0..4,
        )
        .prop_map(|list| {
            Value::Points(
                list.into_iter()
                    .map(|(kind, value, main)| point(kind, &value, Some("private"), main))
                    .collect(),
            )
        })
        .boxed(),
        Kind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Kind::Number => (-1000..1000_i64, 0..3_u32)
            .prop_map(|(n, scale)| Value::Number(Decimal::new(n, scale)))
            .boxed(),
        Kind::Date => (1900..2030_i16, 1..13_i8)
            .prop_map(|(year, month)| Value::Date(civil::date(year, month, 9)))
            .boxed(),
        Kind::Instant => (0..2_000_000_000_i64)
            .prop_map(|s| Value::Instant(Timestamp::from_second(s).unwrap()))
            .boxed(),
        _ => texts().prop_map(Value::Text).boxed(),
    };
    prop_oneof![
        1 => Just(Field::Unknown),
        3 => Just(Field::Empty),
        16 => value.prop_map(Field::of),
    ]
    .boxed()
}

/// A record of one side, every field filled at random.
fn record_of(schema: &Schema) -> BoxedStrategy<Fields> {
    let mut all: BoxedStrategy<Fields> = Just(Fields::new()).boxed();
    for spec in schema.fields.clone() {
        let kind = spec.kind;
        // choices hold one of their keys
        let field = if spec.choices.is_empty() || kind == Kind::Set {
            raw(kind)
        } else {
            let keys: Vec<String> = spec
                .choices
                .iter()
                .map(|choice| choice.key.clone())
                .collect();
            prop_oneof![1 => Just(Field::Empty), 4 => select(keys).prop_map(Field::of)].boxed()
        };
        all = (all, field)
            .prop_map(move |(mut fields, field)| {
                fields.set(spec.name.clone(), field);
                fields
            })
            .boxed();
    }
    all
}

fn records() -> impl Strategy<Value = Sides<Fields>> {
    (record_of(&left()), record_of(&right())).prop_map(|(left, right)| Sides::new(left, right))
}

fn lawful(
    mapping: &CompiledMapping,
    side: Side,
    records: &Sides<Fields>,
) -> Result<(), TestCaseError> {
    let id = mapping.id();
    let current = records.get(side);
    let held = mapping.read(side, current);
    let nothing = mapping.put(side, &held, current);
    prop_assert!(
        nothing.is_empty(),
        "{id}: putting what was read writes {nothing:?}"
    );
    if mapping.written(side).is_empty() {
        return Ok(());
    }
    let new = mapping.read(side.other(), records.get(side.other()));
    let change = mapping.put(side, &new, current);
    for (name, _) in change.iter() {
        prop_assert!(mapping.written(side).contains(name), "{id} writes {name}");
    }
    if !new.is_known() {
        prop_assert!(
            change.is_empty(),
            "{id} writes {change:?} for something unknown"
        );
        return Ok(());
    }
    // a side that is unknown, or cannot hold it, is no side to write to
    if !held.is_known() || mapping.lossy(side, &new).is_some_and(|loss| !loss.partial) {
        return Ok(());
    }
    let after = changed(current, change);
    let read = mapping.read(side, &after);
    let next_in_line =
        new == Field::Empty && matches!(mapping.lens, crate::lens::Lens::MainPoint(_));
    prop_assert!(
        mapping.accepted(side, &new, &read) || next_in_line,
        "{id}: {new:?} put on {current:?} is read as {read:?}"
    );
    if !next_in_line {
        let again = mapping.put(side, &new, &after);
        let settled = changed(&after, again);
        prop_assert_eq!(
            &settled,
            &after,
            "{}: putting twice is not putting once",
            id
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_lens_keeps_the_laws(records in records()) {
        for entity in entities() {
            for mapping in entity.mappings() {
                for side in Side::BOTH {
                    lawful(mapping, side, &records)?;
                }
            }
        }
    }

    #[test]
    fn what_a_lens_does_not_see_stays(records in records()) {
        let entity = &entities()[0];
        let (from, current) = (&records.left, &records.right);
        for id in ["email", "phone"] {
            let mapping = entity.mapping(id).unwrap();
            let change = mapping.put(Side::Right, &mapping.read(Side::Left, from), current);
            if change.is_empty() {
                continue;
            }
            let list = |fields: &Fields| match fields.get("Kontakt").value() {
                Some(Value::Points(points)) => points.clone(),
                _ => Vec::new(),
            };
            let (before, after) = (list(current), list(&changed(current, change)));
            let lost = before
                .iter()
                .filter(|point| !after.iter().any(|other| other.value == point.value))
                .count();
            prop_assert!(lost <= 1, "{id} loses {lost} points: {before:?} → {after:?}");
            let wrong = if id == "email" { PointKind::Phone } else { PointKind::Email };
            let others = |points: &[Point]| -> Vec<Point> {
                points.iter().filter(|point| point.kind == wrong).cloned().collect()
            };
            prop_assert_eq!(others(&before), others(&after));
        }
        let mapping = entity.mapping("tags").unwrap();
        let change = mapping.put(Side::Left, &mapping.read(Side::Right, current), from);
        if let Some(before) = from.get("tags").value().and_then(Value::as_set) {
            let after = changed(from, change);
            let after = after.get("tags").value().and_then(Value::as_set).cloned().unwrap_or_default();
            for tag in before {
                let travels = ["käufer", "mieter", "eigentümer", "1", "2", "3"]
                    .contains(&record::text::line(tag).to_lowercase().as_str());
                prop_assert!(travels || after.contains(tag), "{tag} is gone");
            }
        }
    }

    #[test]
    fn a_draft_means_what_it_was_made_from(records in records()) {
        let entity = &entities()[0];
        for side in Side::BOTH {
            let from = records.get(side.other());
            let draft = entity.draft(side, from);
            let schema = if side == Side::Left { left() } else { right() };
            let empty: Fields = schema
                .fields
                .iter()
                .map(|spec| (spec.name.clone(), Field::Empty))
                .collect();
            let made = changed(&empty, draft.fields.clone());
            for mapping in entity.mappings().iter().filter(|mapping| mapping.drafts(side)) {
                let wanted = mapping.read(side.other(), from);
                let blocked = draft
                    .losses
                    .iter()
                    .any(|(id, loss)| id == mapping.id() && !loss.partial);
                if wanted.value().is_some() && !blocked {
                    let read = mapping.read(side, &made);
                    prop_assert!(
                        mapping.accepted(side, &wanted, &read),
                        "{}: {:?} became {:?}", mapping.id(), wanted, read
                    );
                }
            }
        }
    }
}
