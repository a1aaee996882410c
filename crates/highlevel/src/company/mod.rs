//! Companies, which HighLevel calls businesses: their fields, and everything that is done with them.
//!
//! From the vendor's businesses specification. What it does not have is missing here too: no search, no
//! "changed since", no custom fields that could be written. So companies are found by listing them, and what
//! changes is told by the webhooks for records or found by the next listing.

mod decode;

mod list;

mod write;

mod event;

use record::{Access, Capability, CountryForm, Entity, FieldSpec, Kind, Rewrite, Schema};

pub(crate) use event::hint;
pub(crate) use list::{changes, fetch, find, list};
pub(crate) use write::{create, remove, update};

/// The only field that a new company must have (`CreateBusinessDto`), and that cannot be emptied.
const NAME: &str = "name";

/// The fields of `BusinessDto`. Those down to the description stand in `UpdateBusinessDto`, too.
const FIELDS: [(&str, &str, Kind, Access); 12] = {
    use Access::{ReadOnly, ReadWrite};
    [
        (NAME, "Name", Kind::Text, ReadWrite),
        ("email", "E-mail", Kind::Email, ReadWrite),
        ("phone", "Phone", Kind::Phone, ReadWrite),
        ("website", "Website", Kind::Url, ReadWrite),
        ("address", "Street address", Kind::Text, ReadWrite),
        ("city", "City", Kind::Text, ReadWrite),
        ("state", "State", Kind::Text, ReadWrite),
        ("postalCode", "Postal code", Kind::Text, ReadWrite),
        (
            "country",
            "Country",
            Kind::Country(CountryForm::Alpha2),
            ReadWrite,
        ),
        ("description", "Description", Kind::LongText, ReadWrite),
        ("createdAt", "Created", Kind::Instant, ReadOnly),
        ("updatedAt", "Last changed", Kind::Instant, ReadOnly),
    ]
};

/// The same on every connection: the tenant's own fields of companies are in no body that these endpoints give
/// or take.
pub(crate) fn schema() -> Schema {
    Schema {
        entity: Entity::Company,
        fields: FIELDS
            .iter()
            .map(|(name, label, kind, access)| FieldSpec {
                name: (*name).into(),
                label: (*label).to_owned(),
                kind: *kind,
                capability: Capability {
                    rewrites: rewrites(*kind, *access),
                    required: *name == NAME,
                    clearable: *access == Access::ReadWrite && *name != NAME,
                    ..Capability::of(*access)
                },
                choices: Vec::new(),
                custom: false,
            })
            .collect(),
    }
}

/// None is documented. The examples spell one country `us` when written and `united states` when read.
fn rewrites(kind: Kind, access: Access) -> Vec<Rewrite> {
    if access == Access::ReadOnly {
        return Vec::new();
    }
    match kind {
        Kind::Email => vec![Rewrite::Lowercase, Rewrite::Trim],
        Kind::Phone => vec![Rewrite::Phone, Rewrite::Trim],
        Kind::Country(_) => vec![Rewrite::Country, Rewrite::Trim],
        _ => vec![Rewrite::Trim],
    }
}
