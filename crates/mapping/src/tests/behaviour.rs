//! What mappings do, by example.

use matching::{KeyKind, Verdict, compare};
use merge::{Decision, Evidence, Why};
use record::{Side, Sides};
use rust_decimal::Decimal;

use super::*;
use crate::LossKind;

fn put(entity: &CompiledEntity, id: &str, side: Side, from: &Fields, current: &Fields) -> Fields {
    let mapping = entity.mapping(id).unwrap();
    mapping.put(side, &mapping.read(side.other(), from), current)
}

#[test]
fn a_good_split_of_a_name_is_not_spoiled() {
    let entity = compile(
        "{create: {left: false}, fields: [{name: name, left: [firstName, lastName], right: Anzeigename}]}",
    );
    let current = fields(&[
        ("firstName", Field::of("Anna Maria")),
        ("lastName", Field::of("von der Heide")),
    ]);
    let full = |name: &str| fields(&[("Anzeigename", Field::of(name))]);
    let write = |name: &str| put(&entity, "name", Side::Left, &full(name), &current);
    assert!(write("Anna Maria von der Heide").is_empty());
    assert!(write("von der Heide, Anna Maria").is_empty());
    assert_eq!(
        write("Anne Marie von der Heide"),
        fields(&[("firstName", Field::of("Anne Marie"))])
    );
    assert_eq!(
        write("Anna Maria Berg"),
        fields(&[("lastName", Field::of("Berg"))])
    );
    assert_eq!(
        write("Eva van Dyk"),
        fields(&[
            ("firstName", Field::of("Eva")),
            ("lastName", Field::of("van Dyk"))
        ])
    );
    // what no rule could tell is told by what is there
    let current = fields(&[
        ("firstName", Field::of("Eva")),
        ("lastName", Field::of("Berg Klein")),
    ]);
    let write = |name: &str| put(&entity, "name", Side::Left, &full(name), &current);
    assert_eq!(
        write("Ida Berg Klein"),
        fields(&[("firstName", Field::of("Ida"))])
    );
    assert_eq!(
        write("Eva Gold Stein"),
        fields(&[("lastName", Field::of("Gold Stein"))])
    );
    let current = fields(&[
        ("firstName", Field::of("Eva")),
        ("lastName", Field::of("berg")),
    ]);
    assert_eq!(
        put(
            &entity,
            "name",
            Side::Left,
            &full("Evamaria Lindberg"),
            &current
        ),
        fields(&[
            ("firstName", Field::of("Evamaria")),
            ("lastName", Field::of("Lindberg"))
        ])
    );
    let current = fields(&[
        ("firstName", Field::of("Anna Maria")),
        ("lastName", Field::of("von der Heide")),
    ]);
    assert_eq!(
        put(&entity, "name", Side::Right, &current, &full("x")),
        full("Anna Maria von der Heide")
    );
}

#[test]
fn an_address_is_one_thing_and_only_what_differs_is_written() {
    let entity = compile(ALL);
    let left = fields(&[
        ("address1", Field::of("Ring 5")),
        ("postalCode", Field::of("8010")),
        ("city", Field::of("Graz")),
        ("country", Field::of("AT")),
    ]);
    let right = fields(&[
        ("Strasse", Field::of("Ring 5")),
        ("Plz", Field::of("8010")),
        ("Ort", Field::of("Graz ")),
        ("Land", Field::of("DEU")),
    ]);
    assert_eq!(
        put(&entity, "address", Side::Right, &left, &right),
        fields(&[("Land", Field::of("AUT"))])
    );
    let mut partly = left.clone();
    partly.set("city", Field::Unknown);
    assert_eq!(
        entity.mapping("address").unwrap().read(Side::Left, &partly),
        Field::Unknown
    );
}

#[test]
fn the_main_point_changes_and_the_others_stay() {
    let entity = compile(ALL);
    let old = point(PointKind::Phone, "0241/24561", Some("business"), true);
    let fax = point(PointKind::Fax, "0241 99", None, true);
    let second = point(PointKind::Mobile, "0151 28168313", Some("private"), false);
    let mail = point(PointKind::Email, "a@b.de", None, true);
    let current = fields(&[(
        "Kontakt",
        points(&[old.clone(), fax.clone(), second.clone(), mail.clone()]),
    )]);
    let phone = |number: &str| fields(&[("phone", Field::of(number))]);
    let write = |number: &str| put(&entity, "phone", Side::Right, &phone(number), &current);
    assert!(write("+49 241 24561").is_empty());
    assert_eq!(
        write("0241 5555555").get("Kontakt"),
        &points(&[
            point(PointKind::Phone, "+492415555555", Some("business"), true),
            fax.clone(),
            second.clone(),
            mail.clone()
        ])
    );
    // a number that is there already becomes the main one, and nothing is lost
    assert_eq!(
        write("+4915128168313").get("Kontakt"),
        &points(&[
            Point {
                main: false,
                ..old.clone()
            },
            fax.clone(),
            Point {
                main: true,
                ..second.clone()
            },
            mail.clone()
        ])
    );
    assert_eq!(
        write("").get("Kontakt"),
        &points(&[
            fax,
            Point {
                main: true,
                ..second
            },
            mail
        ])
    );
    // both main points of one list in one change
    let (email, phone) = (
        entity.mapping("email").unwrap(),
        entity.mapping("phone").unwrap(),
    );
    let (new_email, new_phone) = (Field::of("c@d.de"), Field::of("+492415555555"));
    let change = entity.put_all(
        Side::Right,
        [(email, &new_email), (phone, &new_phone)],
        &current,
        &Fields::new(),
    );
    let after = changed(&current, change);
    assert_eq!(email.read(Side::Right, &after), new_email);
    assert_eq!(phone.read(Side::Right, &after), new_phone);
}

#[test]
fn a_web_address_goes_across_as_it_is_spelled() {
    let entity = compile(ALL);
    let website = entity.mapping("website").unwrap();
    let of = |name: &str, text: &str| fields(&[(name, Field::of(text))]);
    let source = of("website", " http://Haus.example/a ");
    let new = website.read(Side::Left, &source);
    let put = |current: &Fields| website.put_as_spelled(Side::Right, &new, current, &source);
    assert_eq!(
        put(&of("Webseite", "https://alt.example")),
        of("Webseite", "http://Haus.example/a")
    );
    // what means the same stays as it is
    assert_eq!(put(&of("Webseite", "haus.example/a/")), Fields::new());
    // a value from elsewhere is written as it is meant
    let put = website.put_as_spelled(Side::Right, &new, &Fields::new(), &Fields::new());
    assert_eq!(put, of("Webseite", "haus.example/a"));
}

#[test]
fn a_phone_is_read_in_the_country_that_the_record_names() {
    let entity = compile(ALL);
    let phone = entity.mapping("phone").unwrap();
    let number = points(&[point(PointKind::Phone, "01/5886091", None, true)]);
    let right = fields(&[("Kontakt", number), ("Land", Field::of("AUT"))]);
    assert_eq!(phone.read(Side::Right, &right), Field::of("+4315886091"));
    let needed: Vec<&str> = phone
        .fields(Side::Right)
        .iter()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(needed, ["Kontakt", "Land"]);
}

#[test]
fn tags_travel_by_the_vocabulary_and_what_is_outside_stays() {
    let entity = compile(ALL);
    let mapping = entity.mapping("tags").unwrap();
    let left = fields(&[("tags", tags(&["käufer", "newsletter", "imported"]))]);
    let right = fields(&[("Art", tags(&["2"]))]);
    assert_eq!(mapping.read(Side::Left, &left), tags(&["1"]));
    assert_eq!(
        put(&entity, "tags", Side::Right, &left, &right),
        fields(&[("Art", tags(&["1"]))])
    );
    assert_eq!(
        put(&entity, "tags", Side::Left, &right, &left),
        fields(&[("tags", tags(&["Mieter", "newsletter", "imported"]))])
    );
    let base = Sides::new(&left, &right);
    let now = fields(&[("tags", tags(&["newsletter"]))]);
    let decision = mapping.decide(Some(base), Sides::new(&now, &right), &Evidence::default());
    assert_eq!(decision, Decision::Kept { side: Side::Left });
}

#[test]
fn a_value_map_understands_several_and_writes_the_first() {
    let entity = compile(ALL);
    let mapping = entity.mapping("salutation").unwrap();
    let right = |key: &str| fields(&[("Anrede", Field::of(key))]);
    let left = |word: &str| fields(&[("salutation", Field::of(word))]);
    assert_eq!(mapping.read(Side::Right, &right("x")), Field::of("Mr"));
    assert!(put(&entity, "salutation", Side::Right, &left("mr"), &right("x")).is_empty());
    assert_eq!(
        put(&entity, "salutation", Side::Right, &left("Mr"), &right("f")),
        right("h")
    );
    assert_eq!(mapping.read(Side::Left, &left("Dr")), Field::Unknown);
    assert!(mapping.unreadable(Side::Left, &left("Dr")).is_some());
    // a word that passes must not be taken for one of a pair
    let passing = compile(
        "{create: {left: false}, fields: [{left: rooms, right: Geschlecht, values: {Mr: Herr}, unmatched: pass}]}",
    );
    let read =
        |side, name, word| passing.mappings()[0].read(side, &fields(&[(name, Field::of(word))]));
    assert_eq!(read(Side::Right, "Geschlecht", "Dr"), Field::of("Dr"));
    assert_eq!(read(Side::Right, "Geschlecht", "Mr"), Field::Unknown);
    assert_eq!(read(Side::Left, "rooms", "Herr"), Field::Unknown);
    let opt_out = entity.mapping("opt_out").unwrap();
    let wants = fields(&[("Newsletter", Field::of("1"))]);
    assert_eq!(
        opt_out.put(
            Side::Left,
            &opt_out.read(Side::Right, &wants),
            &fields(&[("optOut", Field::Empty)])
        ),
        fields(&[("optOut", Field::Value(Value::Boolean(true)))])
    );
}

#[test]
fn what_a_side_cannot_hold_is_said_before() {
    let entity = compile(ALL);
    let loss = |id: &str, side, value: Field| {
        entity
            .mapping(id)
            .unwrap()
            .lossy(side, &value)
            .map(|loss| (loss.kind, loss.partial))
    };
    let long = "x".repeat(21);
    assert_eq!(
        loss("notes", Side::Right, Field::of(long.as_str())),
        Some((LossKind::TooLong(20), true))
    );
    assert_eq!(loss("notes", Side::Right, Field::of("kurz")), None);
    assert_eq!(
        loss("website", Side::Right, Field::Empty),
        Some((LossKind::NotClearable, false))
    );
    assert_eq!(
        loss("rooms", Side::Right, Field::of("viele")),
        Some((LossKind::NotOfItsKind, false))
    );
    assert_eq!(
        loss("address", Side::Right, Field::of("a\nb\nc\nAtlantis")),
        Some((LossKind::NotOfItsKind, false))
    );
    assert_eq!(
        loss("status", Side::Right, Field::of("weg")),
        Some((LossKind::NotAChoice, false))
    );
    // what cannot be written is no "nothing to do"
    let status = entity.mapping("status").unwrap();
    let active = fields(&[("Status", Field::of("aktiv"))]);
    assert!(
        !status
            .put(Side::Right, &Field::of("weg"), &active)
            .is_empty()
    );
    assert_eq!(
        loss("tags", Side::Right, tags(&["1", "vip"])),
        Some((LossKind::NotAChoice, true))
    );
}

#[test]
fn a_value_that_was_cut_is_accepted_and_never_flows_back() {
    let entity = compile(ALL);
    let notes = entity.mapping("notes").unwrap();
    let left = fields(&[("notes", Field::of("Zwanzig Zeichen und mehr"))]);
    let right = fields(&[("Bemerkung", Field::of("Zwanzig Zeichen und"))]);
    let sent = notes.read(Side::Left, &left);
    assert!(notes.accepted(Side::Right, &sent, &notes.read(Side::Right, &right)));
    let decision = notes.decide(None, Sides::new(&left, &right), &Evidence::default());
    assert_eq!(decision, Decision::Agree);
    let edited = fields(&[("Bemerkung", Field::of("anders"))]);
    let decision = notes.decide(
        Some(Sides::new(&left, &right)),
        Sides::new(&left, &edited),
        &Evidence::default(),
    );
    assert!(matches!(
        decision,
        Decision::Write {
            to: Side::Left,
            why: Why::OnlyChange,
            ..
        }
    ));
}

#[test]
fn a_field_that_only_a_create_can_write_is_not_written_after() {
    let entity = compile(ALL);
    let gender = entity.mapping("gender").unwrap();
    assert!(gender.create_only(Side::Left) && !gender.writable(Side::Left));
    let base = Sides::new(
        fields(&[("gender", Field::Empty)]),
        fields(&[("Geschlecht", Field::Empty)]),
    );
    let right = fields(&[("Geschlecht", Field::of("w"))]);
    let decision = gender.decide(
        Some(base.as_ref()),
        Sides::new(&base.left, &right),
        &Evidence::default(),
    );
    assert_eq!(decision, Decision::Kept { side: Side::Left });
    assert_eq!(
        entity.draft(Side::Left, &right).fields.get("gender"),
        &Field::of("w")
    );
}

#[test]
fn a_draft_has_defaults_the_import_tag_and_both_main_points() {
    let entity = compile(ALL);
    let left = fields(&[
        ("firstName", Field::of("Anna")),
        ("lastName", Field::of("Berg")),
        ("email", Field::of("A@b.de")),
        ("phone", Field::of("0151 28168313")),
        ("country", Field::Empty),
        ("notes", Field::of("a < b")),
        ("rooms", Field::of("3,5")),
    ]);
    let draft = entity.draft(Side::Right, &left);
    assert_eq!(
        draft.fields,
        fields(&[
            ("Vorname", Field::of("Anna")),
            ("Name", Field::of("Berg")),
            ("Anzeigename", Field::of("Anna Berg")),
            ("Newsletter", Field::of("0")),
            ("Bemerkung", Field::of("a &lt; b")),
            ("Zimmer", Field::Value(Value::Number(Decimal::new(35, 1)))),
            (
                "Kontakt",
                points(&[
                    point(PointKind::Email, "a@b.de", None, true),
                    point(PointKind::Mobile, "+4915128168313", None, true),
                ])
            ),
        ])
    );
    let right = fields(&[("Name", Field::of("Berg")), ("Art", tags(&["1"]))]);
    let draft = entity.draft(Side::Left, &right);
    assert_eq!(draft.fields.get("tags"), &tags(&["Käufer", "imported"]));
}

#[test]
fn a_default_stands_for_nothing_and_does_not_travel() {
    let entity = compile(ALL);
    let mapping = entity.mapping("opt_out").unwrap();
    let nothing = fields(&[("optOut", Field::Empty)]);
    let default = fields(&[("Newsletter", Field::of("0"))]);
    assert_eq!(
        mapping.decide(None, Sides::new(&nothing, &default), &Evidence::default()),
        Decision::Agree
    );
    let set = fields(&[("Newsletter", Field::of("1"))]);
    assert_eq!(mapping.put(Side::Right, &Field::Empty, &set), default);
}

#[test]
fn people_are_recognised_through_the_mappings() {
    let entity = compile(ALL);
    let left = entity.person(
        Side::Left,
        &fields(&[
            ("firstName", Field::of("Jürgen")),
            ("lastName", Field::of("Groß")),
            ("email", Field::of("J.Gross@x.de")),
            ("postalCode", Field::of("52074")),
            ("birthDate", Field::of("1983-07-09")),
            (
                "morePhones",
                points(&[point(PointKind::Mobile, "0151 28168313", None, false)]),
            ),
        ]),
    );
    let right = entity.person(
        Side::Right,
        &fields(&[
            ("Vorname", Field::of("Juergen")),
            ("Name", Field::of("GROSS")),
            (
                "Kontakt",
                points(&[
                    point(PointKind::Email, "other@x.de", None, true),
                    point(PointKind::Email, "j.gross@X.de", None, false),
                    point(PointKind::Mobile, "+4915128168313", None, true),
                ]),
            ),
            ("Geburtsdatum", Field::of("9.7.1983")),
            ("Plz", Field::of("52074")),
        ]),
    );
    let verdict = compare(&left, &right, entity.match_rules());
    assert!(
        matches!(
            verdict,
            Verdict::Same {
                by: KeyKind::Email,
                ..
            }
        ),
        "{verdict:?}"
    );
    let shared: Vec<KeyKind> = left
        .keys()
        .into_iter()
        .filter(|key| right.keys().contains(key))
        .map(|key| key.kind)
        .collect();
    assert_eq!(
        shared,
        [
            KeyKind::Email,
            KeyKind::Phone,
            KeyKind::NameBirthday,
            KeyKind::NamePostcode,
            KeyKind::NameAlone
        ]
    );
}

#[test]
fn scope_is_undecided_only_while_it_matters() {
    let entity = compile(
        "
create: {left: false}
fields: [{left: city, right: Ort}]
scope:
  left: [{field: tags, contains: [Office, VIP]}, {field: status, is_not: archived}, {field: email, exists: true}]
",
    );
    let record = |tag: &str, status: Field, email: Field| {
        fields(&[("tags", tags(&[tag])), ("status", status), ("email", email)])
    };
    let email = || Field::of("a@b.de");
    let includes = |fields: Fields| entity.in_scope(Side::Left, &fields);
    assert_eq!(includes(record("vip", Field::Empty, email())), Some(true));
    assert_eq!(
        includes(record("vip", Field::of("Archived "), email())),
        Some(false)
    );
    assert_eq!(
        includes(record("vip", Field::Empty, Field::Empty)),
        Some(false)
    );
    assert_eq!(includes(record("vip", Field::Unknown, email())), None);
    assert_eq!(
        includes(record("other", Field::Unknown, email())),
        Some(false)
    );
    assert_eq!(entity.in_scope(Side::Right, &Fields::new()), Some(true));
}

#[test]
fn a_formula_without_a_result_decides_nothing_and_says_why() {
    let entity = compile(
        "{create: {left: false}, fields: [{right: Zimmer, formula_to_right: 'number(rooms) * 2'}]}",
    );
    let mapping = entity.mapping("zimmer").unwrap();
    let rooms = |rooms: &str| fields(&[("rooms", Field::of(rooms))]);
    assert_eq!(
        mapping.read(Side::Left, &rooms("3,5")),
        Field::Value(Value::Number(Decimal::from(7)))
    );
    assert_eq!(mapping.read(Side::Left, &rooms("viele")), Field::Unknown);
    assert_eq!(
        mapping.unreadable(Side::Left, &rooms("viele")).unwrap(),
        "the formula has no result: this is no number"
    );
    assert!(
        mapping
            .put(Side::Left, &Field::of("x"), &rooms("3"))
            .is_empty()
    );
}
