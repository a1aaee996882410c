//! The judge of the demo knows every field that the shipped config maps: each is changed alone, on each side, in simulated
//! systems that agreed, and the judge must say so.

use sandbox::{Control, Sandbox};
use serde_json::{Value as Json, json};

use super::*;
use crate::demo::stage::CONFIG;

/// A person or a company in the two systems of a sync, which agree about them.
struct Agreed {
    control: Control,
    left: String,
    right: String,
}

impl Agreed {
    fn of(sync: &crate::demo::stage::Sync, entity: Entity) -> Self {
        let control = Sandbox::new(sandbox::Options::default()).unwrap().control();
        let id = |shown: &Json, key: &str| shown[key].as_str().unwrap().to_owned();
        let seeded = |system, record: Json| control.seed(system, &[record]).unwrap().remove(0);
        if entity == Entity::Company {
            let business = json!({"name": "Werft", "email": "a@werft.example",
                "website": "https://werft.example", "address": "Kai 1", "postalCode": "10115",
                "city": "Berlin", "country": "DE", "description": "Boote"});
            let company = json!({"name": "Werft", "email": "a@werft.example",
                "url": "https://werft.example", "description": "Boote",
                "address": {"street": "Kai 1", "zip": "10115", "city": "Berlin", "country": "Germany"}});
            let business = control
                .act(System::HighLevel, "create_business", &business)
                .unwrap();
            let company = control
                .act(System::OfficeRnd, "create_company", &company)
                .unwrap();
            let (left, right) = (id(&business, "id"), id(&company, "_id"));
            return Self {
                control,
                left,
                right,
            };
        }
        let left = seeded(
            System::HighLevel,
            json!({"firstName": "Ina", "lastName": "Lund", "email": "ina@lund.example",
                "phone": "+4930111111", "address1": "Kai 1", "postalCode": "10115", "city": "Berlin",
                "country": "DE", "dateOfBirth": "1980-05-17", "companyName": "Werft",
                "website": "https://lund.example", "tags": ["Kunde"]}),
        );
        let right = match sync.right {
            System::OnOffice => seeded(
                System::OnOffice,
                json!({"Vorname": "Ina", "Name": "Lund", "email": "ina@lund.example",
                    "phone": "+4930111111", "Strasse": "Kai 1", "Plz": "10115", "Ort": "Berlin",
                    "Land": "DEU", "Geburtsdatum": "1980-05-17", "Zusatz1": "Werft",
                    "Homepage": "https://lund.example", "ArtDaten": ["Kunde"]}),
            ),
            _ => seeded(
                System::OfficeRnd,
                json!({"name": "Ina Lund", "email": "ina@lund.example", "phone": "+4930111111",
                    "address": {"street": "Kai 1", "zip": "10115", "city": "Berlin",
                        "country": "Germany"}}),
            ),
        };
        Self {
            control,
            left,
            right,
        }
    }

    /// A person gives a field of the config another value.
    fn change(&self, system: System, entity: Entity, field: &str) {
        let id = if system == System::HighLevel {
            &self.left
        } else {
            &self.right
        };
        let act = |act: &str, input: Json| {
            let done = self.control.act(system, act, &input);
            done.unwrap_or_else(|error| panic!("{field}: {error}"))
        };
        let value = match field {
            "email" | "emails" => "other@lund.example",
            "phone" | "phones" => "+4930222222",
            "country" => "AT",
            "Land" => "AUT",
            "address.country" => "Austria",
            "dateOfBirth" | "Geburtsdatum" => "1990-01-02",
            "website" | "Homepage" | "url" => "https://other.example",
            _ => "Anders 9",
        };
        match (system, entity) {
            (System::HighLevel, Entity::Company) => {
                act("edit_business", json!({"id": id, "fields": {field: value}}));
            }
            (System::HighLevel, _) => match field {
                "tags" => drop(act("add_tags", json!({"id": id, "tags": ["Tippgeber"]}))),
                "businessId" => {
                    let made = act("create_business", json!({"name": "Reederei"}));
                    act("set_business", json!({"id": id, "businessId": made["id"]}));
                }
                "dndSettings.Email" => drop(act(
                    "edit_contact",
                    json!({"id": id, "fields": {"dndSettings": {"Email": {"status": "active"}}}}),
                )),
                _ => drop(act(
                    "edit_contact",
                    json!({"id": id, "fields": {field: value}}),
                )),
            },
            (System::OnOffice, _) => {
                let (field, value) = match field {
                    "ArtDaten" => (field, json!(["Kunde", "Tippgeber"])),
                    "newsletter_aktiv" => (field, json!("0")),
                    "emails" => ("Email", json!(value)),
                    "phones" => ("Telefon1", json!(value)),
                    _ => (field, json!(value)),
                };
                let id: u32 = id.parse().unwrap();
                act("edit", json!({"id": id, "fields": {field: value}}));
            }
            (System::OfficeRnd, _) => {
                let fields = match field.split_once('.') {
                    Some(("properties", key)) => json!({"properties": {key: false}}),
                    // an address is written whole
                    Some((block, part)) => {
                        let mut address = json!({"street": "Kai 1", "zip": "10115",
                            "city": "Berlin", "country": "Germany"});
                        address[part] = json!(value);
                        json!({block: address})
                    }
                    None if field == "company" => json!({"companyName": value}),
                    None => json!({field: value}),
                };
                let verb = if entity == Entity::Company {
                    "edit_company"
                } else {
                    "edit_member"
                };
                act(verb, json!({"id": id, "fields": fields}));
            }
        }
    }

    /// What the judge says of the pair: mappings that disagree, and those that are declared losses.
    fn judged(&self, terms: Terms) -> (Vec<String>, Vec<String>) {
        let question = Question {
            terms,
            pairs: vec![(self.left.clone(), self.right.clone())],
        };
        let found = self.control.judge_syncs(&[question], None);
        let names = |found: &[sandbox::judge::Difference]| {
            let names = found
                .iter()
                .map(|each| super::super::verdict::mapping_of(&each.what));
            names.map(str::to_owned).collect()
        };
        assert_eq!(found.syncs[0].pairs, 1, "{found:#?}");
        (
            names(&found.syncs[0].disagreements),
            names(&found.syncs[0].losses),
        )
    }
}

fn snake(word: &str) -> String {
    word.chars()
        .flat_map(|letter| {
            let before = letter.is_uppercase().then_some('_');
            before.into_iter().chain(letter.to_lowercase())
        })
        .collect()
}

#[test]
fn the_judge_finds_a_difference_in_every_mapped_field_of_the_shipped_config() {
    let connectors = wiring::connectors();
    let document = server::config::read(CONFIG, &wiring::descriptions(&connectors)).unwrap();
    let mut changed = 0;
    for sync in &SYNCS {
        for (entity, terms) in terms(sync).unwrap() {
            let rules = &document.syncs[sync.name].entities[&entity];
            assert_eq!(
                Agreed::of(sync, entity).judged(terms.clone()),
                (vec![], vec![]),
                "{}: nothing is changed yet",
                sync.name
            );
            for mapping in &rules.fields {
                let own = |words: Option<Vec<String>>| words.unwrap_or_default();
                let left = own(mapping.left.as_ref().map(|words| words.0.clone()));
                let right = own(mapping.right.as_ref().map(|words| words.0.clone()));
                let name = mapping.name.clone().unwrap_or_else(|| snake(&left[0]));
                for (system, fields) in [(sync.left, left), (sync.right, right)] {
                    for field in fields {
                        let agreed = Agreed::of(sync, entity);
                        agreed.change(system, entity, &field);
                        // what one system takes only when a record is made is lost from the other, and only from there
                        let is_lost = match (&*name, sync.right) {
                            ("company_name", _) => system == System::OnOffice,
                            ("phone", System::OfficeRnd) => system == System::HighLevel,
                            _ => false,
                        };
                        let found = vec![name.clone()];
                        let expected = if is_lost {
                            (vec![], found)
                        } else {
                            (found, vec![])
                        };
                        assert_eq!(
                            agreed.judged(terms.clone()),
                            expected,
                            "{}, {entity:?}: {field} of {system} was changed",
                            sync.name
                        );
                        changed += 1;
                    }
                }
            }
        }
    }
    assert!(changed >= 50, "only {changed} fields were changed");
}
