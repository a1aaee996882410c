//! What a person may write, and what is said when it is wrong.

use record::Side;

use super::*;
use crate::{MappingRules, SyncRules};

fn problems(yaml: &str) -> Vec<String> {
    problems_in(yaml, Mode::TwoWay)
}

fn problems_in(yaml: &str, mode: Mode) -> Vec<String> {
    match try_compile(yaml, mode) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::to_string).collect(),
    }
}

/// The problems of one mapping beside one that is right.
fn of(mapping: &str) -> Vec<String> {
    problems(&format!(
        "fields: [{{left: lastName, right: Name}}, {mapping}]"
    ))
}

#[test]
fn a_short_form_is_enough_and_everything_can_be_said() {
    let sync: SyncRules = serde_yaml_ng::from_str(
        "
left: marketing
right: office
mode: one-way-left-to-right
entities:
  contact:
    fields:
      - {left: firstName, right: Vorname}
      - left: [address1, city]
        right: [Strasse, Ort]
        policy: ask
        values: {true: [1, 2], b: c}
        default_right: 5
    match: {keys: [email, phone, name_birthday]}
    create: {left: false}
    deletes: {right: archive}
    scope: {left: [{field: tags, contains: office}], on_leave: suspend}
    limits: {deletes: {share: 0.1, number: 5}}
    import_tag: {right: {field: Art, tag: Käufer}}
",
    )
    .unwrap();
    let contact = &sync.entities[&Entity::Contact];
    assert_eq!(contact.fields[0].left, Some("firstName".into()));
    assert_eq!(contact.fields[1].values["true"].0, ["1", "2"]);
    assert!(contact.create.right && !contact.create.left);
    assert_eq!(contact.limits.deletes.number, 5);
    assert_eq!(contact.limits.overwrites.number, 500);
    let again = serde_yaml_ng::to_string(&sync).unwrap();
    assert_eq!(serde_yaml_ng::from_str::<SyncRules>(&again).unwrap(), sync);
}

#[test]
fn unknown_words_are_refused_where_they_stand() {
    for (yaml, said) in [
        ("{left: a, rihgt: b}", "unknown field `rihgt`"),
        (
            "{left: a, right: b, lens: emial}",
            "unknown variant `emial`",
        ),
        ("{left: {a: b}, right: b}", "a word or a list of words"),
    ] {
        let error = serde_yaml_ng::from_str::<MappingRules>(yaml)
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn the_schema_of_the_rules_explains_every_field() {
    let schema = serde_json::to_value(schemars::schema_for!(SyncRules)).unwrap();
    let defs = schema["$defs"].as_object().unwrap();
    for (name, rules) in defs {
        let Some(properties) = rules["properties"].as_object() else {
            continue;
        };
        for (property, said) in properties {
            assert!(
                said["description"].is_string(),
                "{name}.{property} is not explained"
            );
        }
    }
    for name in ["MappingRules", "EntityRules", "MatchRules", "Condition"] {
        assert!(defs.contains_key(name), "{name}");
    }
}

#[test]
fn everything_wrong_is_told_at_once_with_its_place_and_a_way_out() {
    let found = problems(
        "
fields:
  - {left: fristName, right: Vorname}
  - {left: updated, right: Aenderung}
  - {left: notes, right: Art}
  - {left: city, right: Ort}
  - {left: nickname, right: Ort}
scope:
  right: [{field: Staus, is: aktiv}]
limits: {deletes: {share: 20, number: 5}}
",
    );
    assert_eq!(
        found,
        [
            "entities.contact.fields[0].left: there is no field `fristName` (hint: did you mean `firstName`?)",
            "entities.contact.fields[1].left: `updated` can only be read (hint: say `direction: to_right` to only read it)",
            "entities.contact.fields[1].right: `Aenderung` can only be read (hint: say `direction: to_left` to only read it)",
            "entities.contact.fields[2]: several values do not fit into a field for one (hint: a formula such as `join(tags, \", \")` can make one of them, one way)",
            "entities.contact.fields[4].right: `Ort` is already written by the mapping `city` (hint: let one of them travel the other way only, or remove it)",
            "entities.contact.limits.deletes.share: a share lies between 0 and 1 (0.2 is one in five)",
            "entities.contact.scope.right[0].field: there is no field `Staus` (hint: did you mean `Status`?)",
        ]
    );
}

#[test]
fn each_mistake_in_a_mapping_has_its_own_words() {
    for (mapping, said) in [
        ("{left: email}", "there is no field for the right side"),
        (
            "{left: email, right: Plz, lens: main_phone}",
            "does not fit",
        ),
        (
            "{left: morePhones, right: Plz, direction: to_right}",
            "say `lens: main_email` or `lens: main_phone`",
        ),
        (
            "{left: birthDate, right: GeaendertAnderswo}",
            "a date on the left does not fit a point in time on the right",
        ),
        (
            "{left: [firstName, city], right: [Vorname, Ort, Plz]}",
            "2 fields on the left do not fit 3 on the right",
        ),
        (
            "{left: status, right: Anrede, values: {aktiv: hh}}",
            "`Anrede` has no value `hh`",
        ),
        (
            "{left: status, right: Anrede, values: {a: h, b: h}}",
            "`h` already stands for `a`",
        ),
        (
            "{left: city, right: Ort, values: {a: b}, lens: text}",
            "only a choice or a list of values has a value map",
        ),
        (
            "{left: city, right: Ort, policy: merge}",
            "only lists of values can be merged",
        ),
        (
            "{left: city, right: Ort, align: union}",
            "only lists of values can be united",
        ),
        (
            "{left: city, right: Ort, fallback: newest}",
            "the fallback has to be able to decide",
        ),
        (
            "{left: city, right: Ort, target_edits: keep}",
            "no side is only written to",
        ),
        (
            "{left: city, right: Ort, direction: to_right, policy: right_owns}",
            "cannot own the field",
        ),
        (
            "{left: city, right: Ort, direction: to_right, default_left: x}",
            "nothing is written to the left side",
        ),
        (
            "{left: rooms, right: Zimmer, default_right: viele}",
            "`Zimmer` cannot hold this",
        ),
        (
            "{right: Ort, formula_to_right: 'uper(city)'}",
            "there is no function `uper` (at character 1) (hint: did you mean `upper`?)",
        ),
        (
            "{right: Ort, formula_to_right: 'upper(Ort)'}",
            "there is no field `Ort`",
        ),
        (
            "{left: city, right: Ort, formula_to_right: 'city', formula_to_left: 'Ort'}",
            "a formula goes one way",
        ),
        (
            "{left: city, right: Ort, formula_to_right: 'city', direction: both}",
            "a formula goes one way only",
        ),
        (
            "{right: Aenderung, formula_to_right: 'city'}",
            "`Aenderung` can only be read",
        ),
        (
            "{right: Ort, lens: formula, left: city}",
            "there is no formula",
        ),
        (
            "{name: last_name, left: city, right: Ort}",
            "there already is a mapping named `last_name`",
        ),
        (
            "{left: nickname, right: Name}",
            "`Name` is already written by the mapping `last_name`",
        ),
    ] {
        let found = of(mapping);
        assert!(
            found.iter().any(|problem| problem.contains(said)),
            "{mapping}: {found:#?}"
        );
    }
    let users = |rules: &str| {
        let mut left = left();
        left.fields.push(spec("owner", Kind::User));
        let mut right = right();
        right.fields.push(spec("Betreuer", Kind::User));
        CompiledEntity::compile(&super::rules(rules), &left, &right, &settings(Mode::TwoWay))
    };
    let base = "create: {left: false}\nfields: [{left: owner, right: Betreuer";
    assert!(users(&format!("{base}}}]")).is_ok());
    assert!(users(&format!("{base}, values: {{u1: eva}}}}]")).is_ok());
}

#[test]
fn a_create_needs_what_the_side_needs() {
    let city = "fields: [{left: city, right: Ort}]";
    assert_eq!(
        problems(city),
        [
            "entities.contact.create.left: a record without `lastName` is refused there, and no mapping \
          writes it (hint: map it, or set `create: {left: false}`)"
        ]
    );
    assert!(problems(&format!("{city}\ncreate: {{left: false}}")).is_empty());
    assert!(problems_in(city, Mode::OneWayLeftToRight).is_empty());
}

#[test]
fn the_mode_bounds_the_direction() {
    let to_left = "fields: [{left: city, right: Ort, direction: to_left}]";
    assert!(
        problems_in(to_left, Mode::OneWayLeftToRight)[0].contains("writes to the other side only")
    );
    let both = "fields: [{left: city, right: Ort}]";
    let one_way = try_compile(both, Mode::OneWayLeftToRight).unwrap();
    let city = one_way.mapping("city").unwrap();
    assert!(city.writable(Side::Right) && !city.writable(Side::Left));
    assert!(!one_way.creates(Side::Left));
    // the left side is only read, so that it may be a field that can only be read
    let read_only = "fields: [{left: updated, right: GeaendertAnderswo}]";
    assert!(problems_in(read_only, Mode::OneWayLeftToRight).is_empty());
    assert_eq!(problems_in(read_only, Mode::Preview).len(), 1);
}

#[test]
fn a_field_that_was_lost_pauses_its_mapping_only() {
    let mut without = right();
    without.fields.retain(|field| field.name.as_str() != "Ort");
    let rules = rules("fields: [{left: lastName, right: Name}, {left: city, right: Ort}]");
    let (entity, problems) =
        CompiledEntity::compile_what_fits(&rules, &left(), &without, &settings(Mode::TwoWay));
    assert_eq!(problems.len(), 1);
    let ids: Vec<&str> = entity
        .mappings()
        .iter()
        .map(|mapping| mapping.id())
        .collect();
    assert_eq!(ids, ["last_name"]);
}

#[test]
fn a_revision_changes_with_what_a_base_depends_on_and_with_nothing_else() {
    let revision = |mapping: &str| {
        let yaml = format!("create: {{left: false}}\nfields: [{mapping}]");
        compile(&yaml).mappings()[0].revision().to_owned()
    };
    let plain = revision("{left: salutation, right: Anrede, values: {Mr: h}}");
    assert_eq!(
        plain,
        revision(
            "{name: x, left: salutation, right: Anrede, values: {Mr: h}, policy: ask, default_right: f}"
        )
    );
    assert_ne!(
        plain,
        revision("{left: salutation, right: Anrede, values: {Mr: f}}")
    );
    assert_ne!(
        plain,
        revision("{left: salutation, right: Anrede, values: {Mr: h}, direction: to_right}")
    );
    assert_ne!(
        plain,
        revision("{left: nickname, right: Anrede, values: {Mr: h}}")
    );
    // stored for years: it must not change by itself
    assert_eq!(revision("{left: city, right: Ort}"), "1d10037c95ba5840");
}
