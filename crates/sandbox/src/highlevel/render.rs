//! The shapes in which HighLevel shows a contact. They differ by endpoint, on purpose.

use super::accounts::Location;
use super::body::dnd_settings_out;
use super::contact::{Contact, Creator, Field};
use super::json::{Object, list};
use crate::clock::iso_millis;
use crate::core::Core;

/// What a rendering has to know beside the contact.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) location: &'a Location,
    pub(crate) v3: bool,
    /// How custom fields are shown: `highlevel.custom_field_shape`.
    custom: &'static str,
    /// How days of birth are shown: `highlevel.birthday_form`.
    birthday: &'static str,
    /// What search calls the street: `highlevel.search_street`.
    street: &'static str,
    /// Whether the old list shows names in lower case: `highlevel.list_names_lowercased`.
    lowers: bool,
}

impl<'a> View<'a> {
    /// As the switches stand.
    pub(crate) fn new(location: &'a Location, v3: bool, core: &Core) -> Self {
        let choice = |name| core.switches.choice(name);
        Self {
            location,
            v3,
            custom: choice("highlevel.custom_field_shape"),
            birthday: choice("highlevel.birthday_form"),
            street: choice("highlevel.search_street"),
            lowers: core.switches.flag("highlevel.list_names_lowercased"),
        }
    }

    /// A day of birth where `timestamp` says whether this place gives it a time unless the switch says
    /// otherwise.
    fn day(self, contact: &Contact, timestamp: bool) -> Option<String> {
        let with_time = match self.birthday {
            "day" => false,
            "timestamp" => true,
            _ => timestamp,
        };
        contact.birthday.map(|day| match with_time {
            true => format!("{day}T00:00:00.000Z"),
            false => day.to_string(),
        })
    }
}

fn lower(text: Option<&str>) -> Option<String> {
    text.map(str::to_lowercase)
}

/// The fields that reads by id and the create answer have in common. `gender` is in no documented read.
fn common(object: &mut Object<'_>, contact: &Contact, view: View<'_>) {
    let text = |field| contact.text(field);
    object.text("id", contact.id.as_str());
    object.text("locationId", &view.location.id);
    object.maybe("name", contact.name().as_deref());
    object.maybe("firstName", text(Field::FirstName));
    object.maybe("lastName", text(Field::LastName));
    object.maybe(
        "firstNameLowerCase",
        lower(text(Field::FirstName)).as_deref(),
    );
    object.maybe("lastNameLowerCase", lower(text(Field::LastName)).as_deref());
    object.maybe(
        "fullNameLowerCase",
        lower(contact.name().as_deref()).as_deref(),
    );
    object.maybe("email", text(Field::Email));
    object.maybe("emailLowerCase", lower(text(Field::Email)).as_deref());
    for field in [
        Field::Phone,
        Field::CompanyName,
        Field::Address1,
        Field::City,
        Field::State,
        Field::Country,
        Field::PostalCode,
        Field::Website,
        Field::Timezone,
        Field::Source,
        Field::AssignedTo,
        Field::BusinessId,
    ] {
        object.maybe(field.name(), text(field));
    }
    object.text("type", "lead");
    object.flag("dnd", contact.dnd);
    dnd(object, contact, view);
    object.strings("tags", contact.tags.iter().map(|tag| &**tag));
    object.text("dateAdded", &iso_millis(contact.date_added));
    object.text("dateUpdated", &iso_millis(contact.date_updated));
    custom_fields(object, contact, view);
}

fn dnd(object: &mut Object<'_>, contact: &Contact, view: View<'_>) {
    if let Some(settings) = &contact.dnd_settings {
        object.value("dndSettings", &dnd_settings_out(settings, view.v3));
    }
    if let Some(settings) = &contact.inbound_dnd_settings {
        object.value("inboundDndSettings", settings);
    }
}

/// `[{id, value}]` unless the switch says otherwise, without the fields that are deactivated.
fn custom_fields(object: &mut Object<'_>, contact: &Contact, view: View<'_>) {
    let values = contact
        .custom_fields
        .iter()
        .filter(|(id, _)| view.location.field_is_active(id));
    if view.custom == "object" {
        let mut fields = Object::new(object.key("customFields"));
        for (id, value) in values {
            fields.value(id, value);
        }
        fields.end();
        return;
    }
    list(object.key("customFields"), values, |out, (id, value)| {
        let mut field = Object::new(out);
        field.text("id", id);
        field.value(view.custom, value);
        field.end();
    });
}

fn additional(object: &mut Object<'_>, contact: &Contact) {
    list(
        object.key("additionalEmails"),
        &contact.additional_emails,
        |out, email| {
            let mut entry = Object::new(out);
            entry.text("email", email);
            entry.end();
        },
    );
    list(
        object.key("additionalPhones"),
        &contact.additional_phones,
        |out, phone| {
            let mut entry = Object::new(out);
            entry.text("phone", phone);
            entry.nullable("phoneLabel", None);
            entry.end();
        },
    );
}

/// Source and channel of `createdBy`.
pub(crate) fn made_by(creator: Creator) -> (&'static str, &'static str) {
    match creator {
        Creator::OAuth => ("INTEGRATION", "OAUTH"),
        Creator::PrivateIntegration => ("INTEGRATION", "PRIVATE_INTEGRATION"),
        Creator::WebUser => ("WEB_USER", "APP"),
        Creator::Import => ("WEB_USER", "BULK_IMPORT"),
    }
}

/// `GET`, `PUT` and upsert.
pub(crate) fn full(out: &mut Vec<u8>, contact: &Contact, view: View<'_>) {
    let mut object = Object::new(out);
    common(&mut object, contact, view);
    object.maybe("dateOfBirth", view.day(contact, false).as_deref());
    additional(&mut object, contact);
    object.strings("followers", contact.followers.iter().map(|user| &**user));
    let (source, channel) = made_by(contact.created_by);
    let mut created = Object::new(object.key("createdBy"));
    created.text("source", source);
    created.text("channel", channel);
    created.text("timestamp", &iso_millis(contact.date_added));
    created.end();
    object.end();
}

/// The answer to a create.
pub(crate) fn created(out: &mut Vec<u8>, contact: &Contact, view: View<'_>) {
    let mut object = Object::new(out);
    common(&mut object, contact, view);
    object.maybe("dateOfBirth", view.day(contact, true).as_deref());
    if let Some(day) = contact.birthday {
        object.number("birthMonth", i64::from(day.month()));
        object.number("birthDay", i64::from(day.day()));
    }
    for name in ["deleted", "bounceEmail", "unsubscribeEmail"] {
        object.flag(name, false);
    }
    object.text("lastSessionActivityAt", &iso_millis(contact.date_added));
    object.strings("offers", []);
    object.strings("products", []);
    object.end();
}

/// An item of `GET /contacts/`: names in lower case, `…Raw` as stored, nulls where there is nothing.
pub(crate) fn list_item(out: &mut Vec<u8>, contact: &Contact, view: View<'_>) {
    let text = |field| contact.text(field);
    let mut object = Object::new(out);
    object.text("id", contact.id.as_str());
    object.text("locationId", &view.location.id);
    for (name, value) in [
        ("contactName", contact.name().as_deref()),
        ("firstName", text(Field::FirstName)),
        ("lastName", text(Field::LastName)),
    ] {
        match view.lowers {
            true => object.nullable(name, lower(value).as_deref()),
            false => object.nullable(name, value),
        }
    }
    object.nullable("firstNameRaw", text(Field::FirstName));
    object.nullable("lastNameRaw", text(Field::LastName));
    for field in [
        Field::CompanyName,
        Field::Email,
        Field::Phone,
        Field::Source,
        Field::AssignedTo,
        Field::City,
        Field::State,
        Field::PostalCode,
        Field::Address1,
        Field::BusinessId,
        Field::Country,
        Field::Website,
        Field::Timezone,
    ] {
        object.nullable(field.name(), text(field));
    }
    object.flag("dnd", contact.dnd);
    dnd(&mut object, contact, view);
    object.text("type", "lead");
    object.text("dateAdded", &iso_millis(contact.date_added));
    object.text("dateUpdated", &iso_millis(contact.date_updated));
    object.nullable("dateOfBirth", view.day(contact, true).as_deref());
    object.strings("tags", contact.tags.iter().map(|tag| &**tag));
    object.strings("followers", contact.followers.iter().map(|user| &**user));
    list(
        object.key("additionalEmails"),
        &contact.additional_emails,
        |out, email| super::json::text(out, email),
    );
    object.strings("attributions", []);
    custom_fields(&mut object, contact, view);
    object.end();
}

/// An item of `GET /contacts/business/{businessId}`, which shows no name.
pub(crate) fn of_business(out: &mut Vec<u8>, contact: &Contact, view: View<'_>) {
    let text = |field| contact.text(field);
    let mut object = Object::new(out);
    object.text("id", contact.id.as_str());
    object.text("locationId", &view.location.id);
    for field in [
        Field::Email,
        Field::Timezone,
        Field::Country,
        Field::Source,
        Field::BusinessId,
    ] {
        object.maybe(field.name(), text(field));
    }
    object.text("dateAdded", &iso_millis(contact.date_added));
    custom_fields(&mut object, contact, view);
    object.strings("tags", contact.tags.iter().map(|tag| &**tag));
    object.strings("attributions", []);
    object.strings("followers", contact.followers.iter().map(|user| &**user));
    object.end();
}

/// An item of `POST /contacts/search`: `address` for `address1`, names in lower case, and the cursor after it.
pub(crate) fn search_item(
    out: &mut Vec<u8>,
    contact: &Contact,
    view: View<'_>,
    cased_names: bool,
    cursor: &[serde_json::Value],
) {
    let text = |field| contact.text(field);
    let mut object = Object::new(out);
    object.text("id", contact.id.as_str());
    object.text("locationId", &view.location.id);
    if cased_names {
        object.nullable("firstName", text(Field::FirstName));
        object.nullable("lastName", text(Field::LastName));
    }
    object.nullable("contactName", lower(contact.name().as_deref()).as_deref());
    object.nullable(
        "firstNameLowerCase",
        lower(text(Field::FirstName)).as_deref(),
    );
    object.nullable("lastNameLowerCase", lower(text(Field::LastName)).as_deref());
    if view.street != "address1" {
        object.nullable("address", text(Field::Address1));
    }
    if view.street != "address" {
        object.nullable("address1", text(Field::Address1));
    }
    for field in [
        Field::AssignedTo,
        Field::BusinessId,
        Field::City,
        Field::CompanyName,
        Field::Country,
        Field::Email,
        Field::Phone,
        Field::PostalCode,
        Field::Source,
        Field::State,
        Field::Website,
        Field::Timezone,
    ] {
        object.nullable(field.name(), text(field));
    }
    let business = text(Field::BusinessId).and_then(|id| view.location.businesses.living(id));
    object.nullable(
        "businessName",
        business.and_then(|business| business.text("name")),
    );
    object.nullable("phoneLabel", None);
    object.nullable("validEmail", None);
    additional(&mut object, contact);
    custom_fields(&mut object, contact, view);
    object.text("dateAdded", &iso_millis(contact.date_added));
    object.text("dateUpdated", &iso_millis(contact.date_updated));
    object.nullable("dateOfBirth", view.day(contact, true).as_deref());
    object.flag("dnd", contact.dnd);
    dnd(&mut object, contact, view);
    object.strings("followers", contact.followers.iter().map(|user| &**user));
    object.strings("opportunities", []);
    object.strings("tags", contact.tags.iter().map(|tag| &**tag));
    object.text("type", "lead");
    list(object.key("searchAfter"), cursor, |out, value| {
        out.extend_from_slice(value.to_string().as_bytes())
    });
    object.end();
}

/// The body of a contact webhook up to, but without, its time and id: flat, nothing that is empty.
pub(crate) fn webhook(
    object: &mut Object<'_>,
    contact: &Contact,
    view: View<'_>,
    with_dnd_settings: bool,
) {
    let text = |field| contact.text(field);
    object.text("id", contact.id.as_str());
    object.maybe("name", contact.name().as_deref());
    for field in [
        Field::FirstName,
        Field::LastName,
        Field::Email,
        Field::Phone,
        Field::Address1,
        Field::City,
        Field::State,
        Field::Country,
        Field::PostalCode,
        Field::Website,
        Field::Source,
        Field::CompanyName,
        Field::AssignedTo,
    ] {
        object.maybe(field.name(), text(field));
    }
    object.text("dateAdded", &iso_millis(contact.date_added));
    object.maybe("dateOfBirth", view.day(contact, true).as_deref());
    if contact.dnd || with_dnd_settings {
        object.flag("dnd", contact.dnd);
    }
    if let Some(settings) = contact.dnd_settings.as_ref().filter(|_| with_dnd_settings) {
        object.value("dndSettings", settings);
    }
    if !contact.tags.is_empty() {
        object.strings("tags", contact.tags.iter().map(|tag| &**tag));
    }
    if contact
        .custom_fields
        .iter()
        .any(|(id, _)| view.location.field_is_active(id))
    {
        custom_fields(object, contact, view);
    }
}

/// Everything the sandbox knows of a contact, for its own state dump.
pub(crate) fn dump(out: &mut Vec<u8>, contact: &Contact, location: &Location) {
    let mut object = Object::new(out);
    object.text("id", contact.id.as_str());
    object.text("locationId", &location.id);
    for field in Field::ALL {
        object.maybe(field.name(), contact.text(field));
    }
    object.maybe(
        "dateOfBirth",
        contact.birthday.map(|day| day.to_string()).as_deref(),
    );
    object.flag("dnd", contact.dnd);
    if let Some(settings) = &contact.dnd_settings {
        object.value("dndSettings", settings);
    }
    if let Some(settings) = &contact.inbound_dnd_settings {
        object.value("inboundDndSettings", settings);
    }
    object.strings("tags", contact.tags.iter().map(|tag| &**tag));
    list(
        object.key("customFields"),
        &contact.custom_fields,
        |out, (id, value)| {
            let mut field = Object::new(out);
            field.text("id", id);
            field.value("value", value);
            field.flag("active", location.field_is_active(id));
            field.end();
        },
    );
    object.strings(
        "additionalEmails",
        contact.additional_emails.iter().map(|email| &**email),
    );
    object.strings(
        "additionalPhones",
        contact.additional_phones.iter().map(|phone| &**phone),
    );
    object.strings("followers", contact.followers.iter().map(|user| &**user));
    object.text("dateAdded", &iso_millis(contact.date_added));
    object.text("dateUpdated", &iso_millis(contact.date_updated));
    object.value("createdBy", &serde_json::json!(contact.created_by));
    if let Some(at_ms) = contact.deleted {
        object.text("deletedAt", &iso_millis(at_ms));
    }
    if let Some(winner) = contact.merged_into {
        object.text("mergedInto", winner.as_str());
    }
    object.end();
}
