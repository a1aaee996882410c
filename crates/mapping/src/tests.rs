//! Tests over two invented systems: one in English that keeps tags in lower case, and one in German
//! with closed lists, lists of contact points, and cut-off texts.

mod behaviour;

mod countries;

mod consent;

mod likeness;

mod config;

mod laws;

mod references;

use record::{
    Access, Capability, Choice, Country, CountryForm, Entity, Field, FieldName, FieldSpec, Fields,
    Kind, Point, PointKind, Rewrite, Schema, Value,
};

use crate::{CompiledEntity, EntityRules, Mode, Problem, Settings};

fn spec(name: &str, kind: Kind) -> FieldSpec {
    FieldSpec {
        name: name.into(),
        label: name.to_owned(),
        kind,
        capability: Capability::of(Access::ReadWrite),
        choices: Vec::new(),
        custom: false,
    }
}

fn access(access: Access, spec: FieldSpec) -> FieldSpec {
    FieldSpec {
        capability: Capability {
            access,
            ..spec.capability
        },
        ..spec
    }
}

fn rewriting(rewrite: Rewrite, max_length: Option<usize>, spec: FieldSpec) -> FieldSpec {
    FieldSpec {
        capability: Capability {
            rewrites: vec![rewrite],
            max_length,
            ..spec.capability
        },
        ..spec
    }
}

fn choices(keys: &[(&str, &str)], spec: FieldSpec) -> FieldSpec {
    let choice = |(key, label): &(&str, &str)| Choice {
        key: (*key).to_owned(),
        label: (*label).to_owned(),
    };
    FieldSpec {
        choices: keys.iter().map(choice).collect(),
        ..spec
    }
}

fn left() -> Schema {
    let mut required = spec("lastName", Kind::Text);
    required.capability.required = true;
    Schema {
        entity: Entity::Contact,
        fields: vec![
            spec("firstName", Kind::Text),
            required,
            spec("nickname", Kind::Text),
            rewriting(Rewrite::Lowercase, None, spec("email", Kind::Email)),
            rewriting(Rewrite::Phone, None, spec("phone", Kind::Phone)),
            access(Access::ReadOnly, spec("morePhones", Kind::Points)),
            spec("address1", Kind::Text),
            spec("postalCode", Kind::Text),
            spec("city", Kind::Text),
            spec("country", Kind::Country(CountryForm::Alpha2)),
            spec("birthDate", Kind::Date),
            rewriting(Rewrite::Lowercase, None, spec("tags", Kind::Set)),
            spec("salutation", Kind::Text),
            spec("optOut", Kind::Boolean),
            spec("notes", Kind::LongText),
            spec("website", Kind::Url),
            spec("rooms", Kind::Text),
            spec("status", Kind::Choice),
            access(Access::CreateOnly, spec("gender", Kind::Text)),
            access(Access::ReadOnly, spec("updated", Kind::Instant)),
        ],
    }
}

fn right() -> Schema {
    let mut not_clearable = spec("Webseite", Kind::Url);
    not_clearable.capability.clearable = false;
    Schema {
        entity: Entity::Contact,
        fields: vec![
            spec("Vorname", Kind::Text),
            spec("Name", Kind::Text),
            spec("Anzeigename", Kind::Text),
            spec("Kontakt", Kind::Points),
            rewriting(Rewrite::Truncate, Some(12), spec("Strasse", Kind::Text)),
            spec("Plz", Kind::Text),
            spec("Ort", Kind::Text),
            spec("Land", Kind::Country(CountryForm::Alpha3)),
            spec("Geburtsdatum", Kind::Date),
            choices(
                &[("1", "Käufer"), ("2", "Mieter"), ("3", "Eigentümer")],
                spec("Art", Kind::Set),
            ),
            choices(
                &[("h", "Herr"), ("f", "Frau"), ("x", "Firma")],
                spec("Anrede", Kind::Choice),
            ),
            choices(
                &[("0", "ja"), ("1", "nein")],
                spec("Newsletter", Kind::Choice),
            ),
            rewriting(Rewrite::Truncate, Some(20), spec("Bemerkung", Kind::Html)),
            not_clearable,
            spec("Zimmer", Kind::Number),
            choices(
                &[("aktiv", "Aktiv"), ("archiv", "Archiv")],
                spec("Status", Kind::Choice),
            ),
            spec("Geschlecht", Kind::Text),
            access(Access::ReadOnly, spec("Aenderung", Kind::Instant)),
            spec("GeaendertAnderswo", Kind::Instant),
        ],
    }
}

fn settings(mode: Mode) -> Settings {
    Settings {
        mode,
        left_country: Country::GERMANY,
        right_country: Country::GERMANY,
        entities: vec![Entity::Company, Entity::Contact],
    }
}

fn rules(yaml: &str) -> EntityRules {
    serde_yaml_ng::from_str(yaml).unwrap()
}

fn try_compile(yaml: &str, mode: Mode) -> Result<CompiledEntity, Vec<Problem>> {
    CompiledEntity::compile(&rules(yaml), &left(), &right(), &settings(mode))
}

fn compile(yaml: &str) -> CompiledEntity {
    try_compile(yaml, Mode::TwoWay).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A complete configuration with every lens.
const ALL: &str = "
fields:
  - {left: firstName, right: Vorname}
  - {left: lastName, right: Name}
  - {left: email, right: Kontakt}
  - {left: phone, right: Kontakt}
  - name: address
    left: [address1, postalCode, city, country]
    right: [Strasse, Plz, Ort, Land]
  - {left: birthDate, right: Geburtsdatum}
  - {left: tags, right: Art}
  - left: salutation
    right: Anrede
    values: {Mr: [h, x], Mrs: f}
  - left: optOut
    right: Newsletter
    values: {true: 1, false: 0}
    default_right: 0
  - {left: notes, right: Bemerkung}
  - {left: website, right: Webseite}
  - {left: rooms, right: Zimmer}
  - {left: status, right: Status}
  - {left: gender, right: Geschlecht}
  - {left: updated, right: GeaendertAnderswo, direction: to_right}
  - {right: Anzeigename, formula_to_right: \"trim(firstName + ' ' + lastName)\"}
import_tag:
  left: {field: tags, tag: imported}
";

fn fields(values: &[(&str, Field)]) -> Fields {
    values
        .iter()
        .map(|(name, field)| (FieldName::from(*name), field.clone()))
        .collect()
}

fn tags(tags: &[&str]) -> Field {
    Field::of(Value::Set(
        tags.iter().map(|tag| (*tag).to_owned()).collect(),
    ))
}

fn point(kind: PointKind, value: &str, label: Option<&str>, main: bool) -> Point {
    Point {
        kind,
        value: value.to_owned(),
        label: label.map(str::to_owned),
        main,
    }
}

fn points(points: &[Point]) -> Field {
    Field::of(Value::Points(points.to_vec()))
}

/// `fields` with `change` written over it.
fn changed(fields: &Fields, change: Fields) -> Fields {
    let mut changed = fields.clone();
    for (name, field) in change {
        changed.set(name, field);
    }
    changed
}
