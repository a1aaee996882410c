//! The fields of members and companies on one connection.

use connector::{Calls, Error};
use record::{Access, Capability, Choice, Entity, FieldSpec, Kind, Rewrite, Schema};
use serde_json::{Map, Value as Json};

use crate::{
    api::bearing_missing_right,
    notes,
    operation::{LOCATIONS, OPPORTUNITY_STATUSES, RESOURCES, TICKET_OPTIONS},
    pages, properties,
    resource::{Clear, PROPERTIES, Resource, STATUSES, Standard, TICKET_STATUSES},
    settings::{LOCATION, RESOURCE, Refused, START_DATE, Settings, TICKET_DEFAULTS},
    visits,
};

/// Standard fields, then the tenant's. What the connection has no right to see is left out, so that nothing is
/// ever known of it; `check` says which right is missing.
pub(crate) async fn schema(calls: &dyn Calls, resource: &Resource) -> Result<Schema, Error> {
    if resource.entity == Entity::Task {
        return tickets(calls, resource).await;
    }
    let locations = bearing_missing_right(locations(calls).await)?.unwrap_or_default();
    let settings = Settings::of(calls);
    check_defaults(calls, &locations)?;
    let mut fields: Vec<FieldSpec> = resource
        .fields
        .iter()
        .map(|field| spec(field, resource, settings, &locations))
        .collect();
    let listed = match resource.entity {
        Entity::Opportunity => Some(("status", statuses(calls).await)),
        Entity::Appointment if !visits::are(resource) => Some(("resource", resources(calls).await)),
        _ => None,
    };
    if let Some((name, choices)) = listed {
        let choices = bearing_missing_right(choices)?.unwrap_or_default();
        if name == RESOURCE {
            known_resource(settings, &choices)?;
        }
        for field in fields
            .iter_mut()
            .filter(|field| field.name.as_str() == name)
        {
            field.choices.clone_from(&choices);
        }
    }
    let own = bearing_missing_right(properties::specs(calls, resource).await)?;
    let mut own = own.unwrap_or_default();
    if resource.entity == Entity::Contact {
        for spec in &mut own {
            hold_notes(spec, Settings::of(calls));
        }
    }
    fields.extend(own);
    Ok(Schema {
        entity: resource.entity,
        fields,
    })
}

/// The property that holds the notes of members is written as notes, and by nothing else.
fn hold_notes(spec: &mut FieldSpec, settings: Settings<'_>) {
    let key = spec.name.as_str().strip_prefix(PROPERTIES);
    let holds_notes = settings.notes_ticket().is_none() && settings.notes_property() == key;
    if key.is_some() && holds_notes {
        spec.capability.access = Access::ReadOnly;
        spec.label = format!("{} (holds the notes)", spec.label);
    }
}

/// The fields of tickets, with the organisation's options.
async fn tickets(calls: &dyn Calls, resource: &Resource) -> Result<Schema, Error> {
    let options = pages::all(calls, TICKET_OPTIONS, "/ticket-options").await;
    let options = bearing_missing_right(options)?.unwrap_or_default();
    let settings = Settings::of(calls);
    let mut wrong = Ok(());
    let fields = resource.fields.iter().map(|field| {
        let mut spec = spec(field, resource, settings, &[]);
        let of_field = options
            .iter()
            .filter(|option| option.get("category").and_then(Json::as_str) == Some(field.name));
        spec.choices.extend(of_field.filter_map(|option| {
            let id = pages::id(option)?;
            let label = option.get("label").and_then(Json::as_str).unwrap_or(id);
            Some(Choice {
                key: id.to_owned(),
                label: label.to_owned(),
            })
        }));
        if wrong.is_ok() {
            wrong = check_option(&spec, settings);
        }
        spec
    });
    let fields = fields.collect();
    wrong.map(|()| Schema {
        entity: resource.entity,
        fields,
    })
}

/// The setting that gives a ticket this option must name one of its category.
fn check_option(spec: &FieldSpec, settings: Settings<'_>) -> Result<(), Error> {
    let of_field = |(_, property): &&(&str, &str)| *property == spec.name.as_str();
    let Some((setting, property)) = TICKET_DEFAULTS.iter().find(of_field) else {
        return Ok(());
    };
    let is_there = |given: &str| spec.choices.iter().any(|known| known.key == given);
    match settings.ticket_option(setting) {
        Some(given) if !spec.choices.is_empty() && !is_there(given) => Err(Error::Setting {
            setting,
            hint: format!(
                "the organisation has no {property} of tickets {given}; it has {}",
                named(&spec.choices)
            ),
        }),
        _ => Ok(()),
    }
}

/// The fields of every organisation, for the documentation.
pub(crate) fn outline(entity: Entity) -> Option<Vec<FieldSpec>> {
    if entity == Entity::Note {
        return Some(notes::usual());
    }
    let resource = Resource::of(entity)?;
    let settings = Settings::none();
    let fields = resource.fields.iter();
    Some(
        fields
            .map(|field| spec(field, resource, settings, &[]))
            .collect(),
    )
}

/// The organisation's locations, by id.
pub(crate) async fn locations(calls: &dyn Calls) -> Result<Vec<Choice>, Error> {
    let items = pages::all(calls, LOCATIONS, "/locations").await?;
    Ok(items
        .iter()
        .filter_map(|item| {
            let id = pages::id(item)?;
            let name = item.get("name").and_then(Json::as_str).unwrap_or(id);
            Some(Choice {
                key: id.to_owned(),
                label: name.to_owned(),
            })
        })
        .collect())
}

/// The statuses of opportunities by id. The name that people see is in no answer; the description stands in for it.
async fn statuses(calls: &dyn Calls) -> Result<Vec<Choice>, Error> {
    let items = pages::all(calls, OPPORTUNITY_STATUSES, "/opportunity-statuses").await?;
    Ok(items
        .iter()
        .filter_map(|item| choice(item, "description"))
        .collect())
}

/// What can be booked, by id.
async fn resources(calls: &dyn Calls) -> Result<Vec<Choice>, Error> {
    let items = pages::all(calls, RESOURCES, "/resources").await?;
    Ok(items
        .iter()
        .filter_map(|item| choice(item, "name"))
        .collect())
}

fn choice(item: &Map<String, Json>, label: &str) -> Option<Choice> {
    let id = pages::id(item)?;
    let label = item.get(label).and_then(Json::as_str).unwrap_or_default();
    Some(Choice {
        key: id.to_owned(),
        label: match label.trim() {
            "" => id.to_owned(),
            label => label.to_owned(),
        },
    })
}

fn known_resource(settings: Settings<'_>, resources: &[Choice]) -> Result<(), Error> {
    let Some(chosen) = settings.resource() else {
        return Ok(());
    };
    if resources.is_empty() || resources.iter().any(|known| known.key == chosen) {
        return Ok(());
    }
    Err(Error::Setting {
        setting: RESOURCE,
        hint: format!(
            "the organisation has no resource {chosen}; it has {}",
            named(resources)
        ),
    })
}

/// The settings for new records must be of use.
pub(crate) fn check_defaults(calls: &dyn Calls, locations: &[Choice]) -> Result<(), Error> {
    let settings = Settings::of(calls);
    settings.start_date(calls.now())?;
    let Some(location) = settings.location() else {
        return Ok(());
    };
    if locations.is_empty() || locations.iter().any(|known| known.key == location) {
        return Ok(());
    }
    Err(Error::Setting {
        setting: LOCATION,
        hint: format!(
            "the organisation has no location {location}; it has {}",
            named(locations)
        ),
    })
}

/// Locations in words, with their ids.
pub(crate) fn named(locations: &[Choice]) -> String {
    let named: Vec<String> = locations
        .iter()
        .map(|location| format!("{} ({})", location.label, location.key))
        .collect();
    named.join(", ")
}

fn spec(
    field: &Standard,
    resource: &Resource,
    settings: Settings<'_>,
    locations: &[Choice],
) -> FieldSpec {
    let (setting, given) = match field.name {
        "location" => (Some(LOCATION), settings.location().is_some()),
        "startDate" => (Some(START_DATE), settings.has_start_date()),
        "resource" => (Some(RESOURCE), settings.resource().is_some()),
        name if resource.entity == Entity::Task => TICKET_DEFAULTS
            .iter()
            .find(|(_, property)| *property == name)
            .map_or((None, false), |(setting, _)| {
                (Some(*setting), settings.ticket_option(setting).is_some())
            }),
        _ => (None, false),
    };
    let setting = setting.filter(|setting| resource.defaults.iter().any(|(own, _)| own == setting));
    let access = access(field, resource, settings);
    FieldSpec {
        name: field.name.into(),
        label: field.label.to_owned(),
        kind: field.kind,
        capability: Capability {
            rewrites: rewrites(field, access),
            required: field.required && !given,
            setting: setting.map(str::to_owned),
            clearable: access == Access::ReadWrite && field.clear != Clear::Never,
            ..Capability::of(access)
        },
        choices: match field.name {
            "location" => locations.to_vec(),
            "status" if !matches!(resource.entity, Entity::Opportunity) => words(resource)
                .iter()
                .map(|status| Choice {
                    key: (*status).to_owned(),
                    label: (*status).to_owned(),
                })
                .collect(),
            _ => Vec::new(),
        },
        custom: false,
    }
}

/// The statuses that records of a kind have everywhere.
fn words(resource: &Resource) -> &'static [&'static str] {
    match resource.entity {
        Entity::Task => &TICKET_STATUSES,
        _ => &STATUSES,
    }
}

/// What may be done with a field on this account, by what it was found to refuse.
pub(crate) fn access(field: &Standard, resource: &Resource, settings: Settings<'_>) -> Access {
    let refuses = |refused| settings.refuses(resource.entity, refused, field.name);
    match (
        field.access,
        refuses(Refused::Create),
        refuses(Refused::Update),
    ) {
        (Access::ReadWrite, false, true) => Access::CreateOnly,
        (Access::ReadWrite, true, true) | (Access::CreateOnly, true, _) => Access::ReadOnly,
        (access, _, _) => access,
    }
}

/// None is documented; e-mail addresses and ends of texts are what systems commonly tidy, and a read-back that
/// differs only so is no news.
fn rewrites(field: &Standard, access: Access) -> Vec<Rewrite> {
    if access == Access::ReadOnly {
        return Vec::new();
    }
    match field.kind {
        Kind::Email => vec![Rewrite::Lowercase, Rewrite::Trim],
        Kind::Phone => vec![Rewrite::Phone, Rewrite::Trim],
        Kind::Text | Kind::LongText | Kind::Url => vec![Rewrite::Trim],
        _ => Vec::new(),
    }
}
