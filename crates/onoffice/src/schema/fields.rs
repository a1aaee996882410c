//! From the vendor's field list to field specifications. Pure.

use record::{Access, Capability, Choice, CountryForm, Entity, FieldSpec, Kind, Rewrite};
use serde_json::{Map, Value as Json, json};

use crate::{
    address::company::{COMPANY, NAME, SALUTATION},
    answer::{integer, text},
    points::Class,
};

/// The fields that people look for first; the rest follows by label.
const FIRST: [&str; 19] = [
    "Anrede",
    "Titel",
    "Vorname",
    "Name",
    "Zusatz1",
    "Zusatz2",
    "emails",
    "phones",
    "faxes",
    "Strasse",
    "Plz",
    "Ort",
    "Land",
    "Homepage",
    "Geburtsdatum",
    "ArtDaten",
    "HerkunftKontakt",
    "Benutzer",
    "Status2Adr",
];

/// Puts the schema together: the listed fields, the contact entries, and the system fields that the list
/// leaves out.
pub(super) fn build(
    elements: &Map<String, Json>,
    users: Vec<Choice>,
    countries: Vec<Choice>,
) -> Vec<FieldSpec> {
    let mut fields: Vec<FieldSpec> = elements
        .iter()
        // the label of the module stands among the fields, as a text
        .filter_map(|(name, field)| listed(name, field.as_object()?))
        .collect();
    for field in &mut fields {
        match field.name.as_str() {
            "Benutzer" => field.choices.clone_from(&users),
            "Land" => field.choices.clone_from(&countries),
            _ => {}
        }
    }
    for field in unlisted() {
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    let place = |field: &FieldSpec| FIRST.iter().position(|first| *first == field.name.as_str());
    fields.sort_by_key(|field| {
        (
            place(field).unwrap_or(FIRST.len()),
            field.custom,
            field.label.to_lowercase(),
        )
    });
    fields
}

/// The fields as those of people or of companies.
pub(crate) fn of(entity: Entity, mut fields: Vec<FieldSpec>) -> Vec<FieldSpec> {
    if entity == Entity::Company {
        fields.retain(|field| field.name.as_str() != SALUTATION);
        for field in &mut fields {
            if field.name.as_str() == NAME {
                field.capability.required = true;
                field.capability.clearable = false;
            }
        }
        return fields;
    }
    let company = FieldSpec {
        name: COMPANY.into(),
        label: "Firma (Ansprechpartner)".to_owned(),
        kind: Kind::Reference(Entity::Company),
        capability: Capability::of(Access::ReadWrite),
        choices: Vec::new(),
        custom: false,
    };
    let place = fields
        .iter()
        .position(|field| field.name.as_str() == NAME)
        .map_or(fields.len(), |place| place + 1);
    fields.insert(place, company);
    fields
}

/// Input fields that clients usually have, with the vendor's type and length (one client's field list; the
/// lists differ).
const USUAL: [(&str, &str, &str, Option<u64>); 36] = [
    ("Anrede", "Anrede", "singleselect", None),
    ("Titel", "Titel", "varchar", Some(80)),
    ("Vorname", "Vorname", "varchar", Some(80)),
    ("Name", "Name", "varchar", Some(80)),
    ("Zusatz1", "Firma", "varchar", Some(80)),
    ("Zusatz2", "Firma Zusatz", "varchar", Some(80)),
    ("Strasse", "Straße", "varchar", Some(80)),
    ("Plz", "Plz", "varchar", Some(20)),
    ("Ort", "Ort", "varchar", Some(80)),
    ("Land", "Land", "varchar", Some(80)),
    ("Homepage", "Homepage", "text", None),
    ("Geburtsdatum", "Geburtsdatum", "date", None),
    ("ArtDaten", "Kontaktart", "multiselect", None),
    ("HerkunftKontakt", "Herkunft Kontakt", "multiselect", None),
    ("Benutzer", "Betreuer", "text", None),
    ("Status2Adr", "Status", "singleselect", None),
    ("Briefanrede", "Briefanrede", "text", None),
    ("SpracheKontakt", "Sprache", "singleselect", None),
    (
        "KontaktformBevorzugt",
        "Bevorzugte Kontaktform",
        "singleselect",
        None,
    ),
    ("newsletter_aktiv", "Newsletter", "singleselect", None),
    ("NewsletterTag", "Newsletter-Tags", "multiselect", None),
    ("DSGVOStatus", "DSGVO-Status", "singleselect", None),
    ("DSGVOSaveUntil", "Speichern-bis-Datum", "date", None),
    ("AGB_akzeptiert", "AGB akzeptiert", "boolean", None),
    ("Rueckruf_akzeptiert", "Rückruf akzeptiert", "boolean", None),
    ("Vip", "VIP-Kontakt", "boolean", None),
    ("jobTitle", "Berufsbezeichnung", "varchar", Some(80)),
    ("employer", "Arbeitgeber", "varchar", Some(80)),
    ("kunde_seit", "Kunde seit", "date", None),
    ("letzter_Kontakt", "Letzter Kontakt", "datetime", None),
    ("Letzte_Aktion", "Letzte Aktion", "date", None),
    ("Email", "E-Mail", "varchar", Some(100)),
    ("Telefon1", "Telefonnummern", "varchar", Some(40)),
    ("Telefax1", "Telefaxnummern", "varchar", Some(40)),
    ("KdNr", "KdNr", "integer", None),
    ("Eintragsdatum", "Eintragsdatum", "date", None),
];

/// The schema of a client with the usual fields, for the documentation.
pub(crate) fn usual() -> Vec<FieldSpec> {
    let elements: Map<String, Json> = USUAL
        .iter()
        .map(|(name, label, vendor, length)| {
            let field = json!({"label": label, "type": vendor, "length": length});
            ((*name).to_owned(), field)
        })
        .collect();
    build(&elements, Vec::new(), Vec::new())
}

/// One field of the list, unless it cannot be read or written as a field of its own.
fn listed(name: &str, field: &Map<String, Json>) -> Option<FieldSpec> {
    // the record number cannot be asked for by name (141, observed); it is the record's id anyway
    if name.eq_ignore_ascii_case("id") || Class::of_field(name).is_some() {
        return None;
    }
    // documented as compoundField, really compoundFields; made of fields that are listed themselves
    let is_compound = ["compoundFields", "compoundField"].iter().any(|key| {
        field
            .get(*key)
            .and_then(Json::as_array)
            .is_some_and(|parts| !parts.is_empty())
    });
    let kind = kind(name, field.get("type").and_then(Json::as_str)?)?;
    if is_compound {
        return None;
    }
    let mut capability = Capability::of(access(name));
    capability.max_length = field
        .get("length")
        .and_then(integer)
        .and_then(|length| usize::try_from(length).ok());
    match kind {
        Kind::Country(_) => capability.rewrites.push(Rewrite::Country),
        // an empty number or flag reads back as 0
        Kind::Number | Kind::Boolean => capability.clearable = false,
        _ => {}
    }
    if !matches!(kind, Kind::Text | Kind::Url) {
        capability.max_length = None;
    }
    capability.refusals = refusals(name).iter().map(|key| (*key).to_owned()).collect();
    let label = field
        .get("label")
        .and_then(text)
        .filter(|label| !label.trim().is_empty());
    Some(FieldSpec {
        name: name.into(),
        label: label.unwrap_or_else(|| name.to_owned()),
        kind,
        capability,
        choices: match kind {
            Kind::Choice | Kind::Set => permitted(field.get("permittedvalues")),
            _ => Vec::new(),
        },
        custom: name.starts_with("ind_"),
    })
}

/// The values by which a person refuses, the strictest first: of the newsletter "cancelled", "no" and "undeliverable", of the
/// DSGVO status the withdrawn consent to storage (documented keys).
fn refusals(name: &str) -> &'static [&'static str] {
    match name {
        "newsletter_aktiv" => &["2", "0", "5"],
        "DSGVOStatus" => &["speicherungwiderrufen"],
        _ => &[],
    }
}

/// The kind of a field by the vendor's type; by name where the type says less than is known.
///
/// `None` for what carries no data of its own: files, hints, dividing lines. A type that is not known
/// here is plain text: better shown than lost.
fn kind(name: &str, vendor: &str) -> Option<Kind> {
    match name {
        "Email" => return Some(Kind::Email),
        "Telefon1" | "Telefax1" => return Some(Kind::Phone),
        "Land" => return Some(Kind::Country(CountryForm::Alpha3)),
        "Homepage" => return Some(Kind::Url),
        "Benutzer" => return Some(Kind::User),
        _ => {}
    }
    Some(match vendor {
        "blob" | "datei" | "redhint" | "blackhint" | "dividingline" => return None,
        "text" | "freetext" => Kind::LongText,
        "integer" | "float" => Kind::Number,
        "boolean" => Kind::Boolean,
        "date" => Kind::Date,
        "datetime" => Kind::Instant,
        "singleselect" => Kind::Choice,
        "multiselect" => Kind::Set,
        "user" => Kind::User,
        _ => Kind::Text,
    })
}

/// Fields that the vendor keeps itself, and the main contact entries: those are written as entries of
/// `emails`, `phones` and `faxes`, and a flat value for them is refused on modify (observed).
fn access(name: &str) -> Access {
    match name {
        "KdNr" | "Eintragsdatum" | "Letzte_Aktion" | "Aenderung" | "Status" | "uuid" | "Email"
        | "Telefon1" | "Telefax1" => Access::ReadOnly,
        _ => Access::ReadWrite,
    }
}

/// The permitted values: an object key → label, or a list of keys, which may be numbers.
fn permitted(values: Option<&Json>) -> Vec<Choice> {
    match values {
        Some(Json::Object(values)) => values
            .iter()
            .map(|(key, label)| Choice {
                key: key.clone(),
                label: text(label).unwrap_or_else(|| key.clone()),
            })
            .collect(),
        Some(Json::Array(keys)) => keys
            .iter()
            .filter_map(text)
            .map(|key| Choice {
                label: key.clone(),
                key,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What can be read though the list leaves it out.
fn unlisted() -> Vec<FieldSpec> {
    let field = |name: &str, label: &str, kind: Kind, access: Access| FieldSpec {
        name: name.into(),
        label: label.to_owned(),
        kind,
        capability: Capability::of(access),
        choices: Vec::new(),
        custom: false,
    };
    let mut fields: Vec<FieldSpec> = Class::ALL
        .iter()
        .map(|class| {
            let mut points = field(
                class.field(),
                class.label(),
                Kind::Points,
                Access::ReadWrite,
            );
            if *class != Class::Emails {
                // mobile numbers become entries of type mobile whatever was asked for (documented)
                points.capability.rewrites.push(Rewrite::Phone);
            }
            points
        })
        .collect();
    fields.push(field(
        "Aenderung",
        "Letzte Änderung",
        Kind::Instant,
        Access::ReadOnly,
    ));
    // a write is accepted and has no effect (observed): the archive is `Status2Adr`
    fields.push(field("Status", "Aktiv", Kind::Boolean, Access::ReadOnly));
    fields.push(field("uuid", "UUID", Kind::Text, Access::ReadOnly));
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn built(elements: Json) -> Vec<FieldSpec> {
        build(elements.as_object().unwrap(), Vec::new(), Vec::new())
    }

    fn sample() -> Json {
        json!({
            "label": "Adressen",
            "Name": {"type": "varchar", "length": 80, "permittedvalues": null, "compoundFields": [], "label": "Name"},
            "ID": {"type": "integer", "label": "AdrID"},
            "KdNr": {"type": "integer", "label": "KdNr"},
            "Email": {"type": "varchar", "length": 100, "label": "E-Mail"},
            "Land": {"type": "varchar", "length": 80, "label": "Land"},
            "Plz-Ort": {"type": "varchar", "length": 80, "compoundFields": ["Plz", "Ort"], "label": "Plz, Ort"},
            "Anrede-Titel": {"type": "varchar", "compoundField": ["Anrede", "Titel"]},
            "Kundenlogo": {"type": "blob", "label": "Kundenlogo"},
            "trenner": {"type": "dividingline", "label": "—"},
            "newsletter_aktiv": {"type": "singleselect", "permittedvalues": [1, 0, "2"], "label": "Newsletter"},
            "ArtDaten": {"type": "multiselect", "permittedvalues": {"Kunde": "Kunde", "indMulti1Select2": "Test"},
                "label": "Kontaktart"},
            "ind_12_Feld_adressen3": {"type": "date", "label": ""},
            "Vip": {"type": "boolean", "permittedvalues": [], "label": "VIP"},
            "letzter_Kontakt": {"type": "datetime", "label": "Letzter Kontakt"},
            "Neu": {"type": "etwas ganz Neues", "label": "Neu"},
        })
    }

    #[test]
    fn the_list_becomes_kinds_choices_and_capabilities() {
        let fields = built(sample());
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Name",
                "emails",
                "phones",
                "faxes",
                "Land",
                "ArtDaten",
                "Status",
                "Email",
                "KdNr",
                "Aenderung",
                "letzter_Kontakt",
                "Neu",
                "newsletter_aktiv",
                "uuid",
                "Vip",
                "ind_12_Feld_adressen3"
            ]
        );
        let field = |name: &str| {
            fields
                .iter()
                .find(|field| field.name.as_str() == name)
                .unwrap()
        };
        assert_eq!(field("Name").capability.max_length, Some(80));
        assert_eq!(field("Email").capability.access, Access::ReadOnly);
        assert_eq!(field("Land").kind, Kind::Country(CountryForm::Alpha3));
        assert_eq!(field("phones").kind, Kind::Points);
        assert_eq!(field("phones").capability.access, Access::ReadWrite);
        assert_eq!(field("Aenderung").kind, Kind::Instant);
        assert_eq!(field("Aenderung").capability.access, Access::ReadOnly);
        assert_eq!(field("Neu").kind, Kind::Text);
        assert!(!field("Vip").capability.clearable);
        assert!(field("ind_12_Feld_adressen3").custom);
        assert_eq!(
            field("ind_12_Feld_adressen3").label,
            "ind_12_Feld_adressen3"
        );
        let keys = |name: &str| -> Vec<&str> {
            field(name).choices.iter().map(|c| c.key.as_str()).collect()
        };
        assert_eq!(keys("newsletter_aktiv"), ["1", "0", "2"]);
        assert!(keys("ArtDaten").contains(&"indMulti1Select2"));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".{0,5}", kind in ".{0,5}", values in prop::collection::vec(".{0,3}", 0..3)) {
            built(json!({name.clone(): {"type": kind, "permittedvalues": values, "length": name}, "x": 1, "y": [name]}));
        }
    }
}
