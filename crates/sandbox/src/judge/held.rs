//! One record as the judge sees it, whichever system holds it.

use std::collections::BTreeMap;

use super::Field;
use crate::edits::Actor;
use crate::highlevel;
use crate::officernd;
use crate::onoffice;

/// A person as one system holds it. Texts are as stored; what is not there is "".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Held {
    /// The system's id.
    pub id: String,
    /// Deleted or merged away.
    pub gone: bool,
    /// Put aside, but there.
    pub archived: bool,
    /// Made by a client of the API, not by a person or the seed.
    pub by_client: bool,
    pub first_name: String,
    pub last_name: String,
    /// The whole name, where the system has but one; see [`Held::whole_name`].
    pub name: String,
    /// The main e-mail address.
    pub email: String,
    /// Every e-mail address.
    pub emails: Vec<String>,
    /// The main number.
    pub phone: String,
    /// Every number that is no fax.
    pub phones: Vec<String>,
    pub street: String,
    pub postcode: String,
    pub city: String,
    /// As the system writes it: alpha-2 code or German name.
    pub country: String,
    /// `YYYY-MM-DD`.
    pub birthday: String,
    pub company: String,
    pub website: String,
    /// What is said of a company.
    pub description: String,
    /// Newsletters, and e-mails of that kind, are refused.
    pub refuses_mail: bool,
    /// The id of the company that a person belongs to, where that is a record of its own.
    pub company_id: String,
    /// Tags, or keys of contact categories.
    pub tags: Vec<String>,
    /// OfficeRnD's calculated status; "" elsewhere.
    pub status: String,
    /// Custom fields by key, those of onOffice excepted.
    pub custom: BTreeMap<String, String>,
}

impl Held {
    /// First and last name in one.
    #[must_use]
    pub fn whole_name(&self) -> String {
        if self.name.is_empty() {
            format!("{} {}", self.first_name, self.last_name)
        } else {
            self.name.clone()
        }
    }

    /// A field as stored.
    pub(super) fn shown(&self, field: Field) -> String {
        match field {
            Field::FirstName => self.first_name.clone(),
            Field::LastName => self.last_name.clone(),
            Field::Email => self.email.clone(),
            Field::Phone => self.phone.clone(),
            Field::Street => self.street.clone(),
            Field::Postcode => self.postcode.clone(),
            Field::City => self.city.clone(),
            Field::Country => self.country.clone(),
            Field::Birthday => self.birthday.clone(),
            Field::Company => self.company.clone(),
            Field::Website => self.website.clone(),
            Field::Description => self.description.clone(),
            Field::Newsletter if self.refuses_mail => "refused".to_owned(),
            Field::Newsletter => String::new(),
            Field::Tags => self.tags.join(", "),
            Field::Name => self.whole_name(),
        }
    }
}

/// Every contact of HighLevel's main location.
#[must_use]
pub fn highlevel_contacts(state: &highlevel::State) -> Vec<Held> {
    use highlevel::Field as F;
    let contacts = state.contacts(state.main_location());
    let keys: BTreeMap<String, String> = state
        .field_keys(state.main_location())
        .into_iter()
        .map(|(key, id)| (id, key))
        .collect();
    contacts
        .iter()
        .map(|contact| {
            let text = |field: F| contact.text(field).unwrap_or_default().to_owned();
            Held {
                id: contact.id.to_string(),
                gone: contact.deleted.is_some() || contact.merged_into.is_some(),
                archived: false,
                by_client: matches!(
                    contact.created_by,
                    highlevel::Creator::OAuth | highlevel::Creator::PrivateIntegration
                ),
                first_name: text(F::FirstName),
                last_name: text(F::LastName),
                email: text(F::Email),
                emails: contact.emails().map(str::to_owned).collect(),
                phone: text(F::Phone),
                phones: contact.phones().map(str::to_owned).collect(),
                street: text(F::Address1),
                postcode: text(F::PostalCode),
                city: text(F::City),
                country: text(F::Country),
                birthday: contact
                    .birthday
                    .map_or_else(String::new, |day| day.to_string()),
                company: text(F::CompanyName),
                website: text(F::Website),
                refuses_mail: contact.dnd_settings.as_ref().is_some_and(|settings| {
                    let status = settings["Email"]["status"].as_str();
                    matches!(status, Some("active" | "permanent"))
                }),
                company_id: text(F::BusinessId),
                tags: contact.tags.iter().map(|tag| tag.to_string()).collect(),
                custom: contact
                    .custom_fields
                    .iter()
                    .filter_map(|(id, value)| Some((keys.get(&**id)?.clone(), written(value))))
                    .collect(),
                ..Held::default()
            }
        })
        .collect()
}

/// Every business of HighLevel's main location, for an examination of companies instead of people.
#[must_use]
pub fn highlevel_businesses(state: &highlevel::State) -> Vec<Held> {
    let businesses = state.businesses(state.main_location()).iter();
    businesses
        .map(|business| {
            let text = |field: &str| business.text(field).unwrap_or_default().to_owned();
            Held {
                id: business.id.clone(),
                gone: business.deleted.is_some(),
                by_client: matches!(
                    business.created_by,
                    highlevel::Creator::OAuth | highlevel::Creator::PrivateIntegration
                ),
                name: text("name"),
                email: text("email"),
                emails: one(text("email")),
                phone: text("phone"),
                phones: one(text("phone")),
                street: text("address"),
                postcode: text("postalCode"),
                city: text("city"),
                country: text("country"),
                website: text("website"),
                description: text("description"),
                ..Held::default()
            }
        })
        .collect()
}

/// Every address of onOffice, archived and gone ones included.
#[must_use]
pub fn onoffice_addresses(state: &onoffice::State) -> Vec<Held> {
    let living = state.addresses().map(|address| (address, false));
    let removed = state
        .removed()
        .iter()
        .map(|removed| (&removed.address, true));
    living
        .chain(removed)
        .map(|(address, gone)| onoffice_address(state, address, gone))
        .collect()
}

fn onoffice_address(state: &onoffice::State, address: &onoffice::Address, gone: bool) -> Held {
    use onoffice::Kind;
    let text = |field: &str| state.shown(address, field);
    let of = |kinds: &[Kind]| -> Vec<&onoffice::Entry> {
        address
            .entries
            .iter()
            .filter(|entry| kinds.contains(&entry.kind))
            .collect()
    };
    let main = |entries: &[&onoffice::Entry]| {
        entries
            .iter()
            .find(|entry| entry.main)
            .map_or_else(String::new, |entry| entry.value.to_string())
    };
    let values = |entries: &[&onoffice::Entry]| {
        entries
            .iter()
            .map(|entry| entry.value.to_string())
            .collect::<Vec<_>>()
    };
    let (emails, phones) = (of(&[Kind::Email]), of(&[Kind::Phone, Kind::Mobile]));
    let birthday = text("Geburtsdatum");
    Held {
        id: address.id.to_string(),
        gone,
        archived: state.is_archived(address),
        by_client: address.maker == onoffice::Maker::Api,
        first_name: text("Vorname"),
        last_name: text("Name"),
        email: main(&emails),
        emails: values(&emails),
        phone: main(&phones),
        phones: values(&phones),
        street: text("Strasse"),
        postcode: text("Plz"),
        city: text("Ort"),
        country: text("Land"),
        birthday: if birthday == "0000-00-00" {
            String::new()
        } else {
            birthday
        },
        company: text("Zusatz1"),
        website: text("Homepage"),
        refuses_mail: ["0", "2", "5", "Nein", "Absage", "unzustellbar"]
            .contains(&text("newsletter_aktiv").as_str()),
        tags: state
            .keys(address, "ArtDaten")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        ..Held::default()
    }
}

/// Every member of OfficeRnD, deleted ones included; the status is that of a time in milliseconds since 1970.
#[must_use]
pub fn officernd_members(state: &officernd::State, now_ms: i64) -> Vec<Held> {
    use officernd::Kind;
    let members = state.all(Kind::Member).iter();
    members
        .map(|member| {
            let text = |field: &str| member.text(field).to_owned();
            let company = state.get(Kind::Company, member.text("company"));
            let company = company.filter(|company| company.deleted_ms.is_none());
            Held {
                id: member.id.to_string(),
                gone: member.deleted_ms.is_some(),
                by_client: member.maker == Actor::Api,
                name: text("name"),
                email: text("email"),
                emails: one(text("email")),
                phone: text("phone"),
                phones: one(text("phone")),
                street: part(member, "street"),
                postcode: part(member, "zip"),
                city: part(member, "city"),
                country: part(member, "country"),
                company: company
                    .map_or_else(String::new, |company| company.text("name").to_owned()),
                refuses_mail: member
                    .properties()
                    .any(|(key, value)| key == "Newsletter" && *value == false),
                company_id: text("company"),
                tags: member.tags().map(str::to_owned).collect(),
                status: state.status(Kind::Member, member, now_ms).to_owned(),
                custom: properties(member),
                ..Held::default()
            }
        })
        .collect()
}

/// Every company of OfficeRnD, deleted ones included, for an examination of companies instead of people.
#[must_use]
pub fn officernd_companies(state: &officernd::State, now_ms: i64) -> Vec<Held> {
    use officernd::Kind;
    let companies = state.all(Kind::Company).iter();
    companies
        .map(|company| {
            let text = |field: &str| company.text(field).to_owned();
            Held {
                id: company.id.to_string(),
                gone: company.deleted_ms.is_some(),
                by_client: company.maker == Actor::Api,
                name: text("name"),
                email: text("email"),
                emails: one(text("email")),
                street: part(company, "street"),
                postcode: part(company, "zip"),
                city: part(company, "city"),
                country: part(company, "country"),
                website: text("url"),
                description: text("description"),
                tags: company.tags().map(str::to_owned).collect(),
                status: state.status(Kind::Company, company, now_ms).to_owned(),
                custom: properties(company),
                ..Held::default()
            }
        })
        .collect()
}

/// A part of the address of a member or company.
fn part(record: &officernd::Record, name: &str) -> String {
    let address = record.get("address");
    address
        .and_then(|address| address[name].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn properties(record: &officernd::Record) -> BTreeMap<String, String> {
    record
        .properties()
        .map(|(key, value)| (key.to_owned(), written(value)))
        .collect()
}

/// A list of what is there.
fn one(value: String) -> Vec<String> {
    if value.is_empty() {
        Vec::new()
    } else {
        vec![value]
    }
}

/// A value of a custom field as text.
fn written(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
