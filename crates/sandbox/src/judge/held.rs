//! One record as the judge sees it, whichever system holds it.

use super::Field;
use crate::highlevel;
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
    /// Tags, or keys of contact categories.
    pub tags: Vec<String>,
}

impl Held {
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
            Field::Tags => self.tags.join(", "),
        }
    }
}

/// Every contact of HighLevel's main location.
#[must_use]
pub fn highlevel_contacts(state: &highlevel::State) -> Vec<Held> {
    use highlevel::Field as F;
    let contacts = state.contacts(state.main_location());
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
                tags: contact.tags.iter().map(|tag| tag.to_string()).collect(),
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
        tags: state
            .keys(address, "ArtDaten")
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}
