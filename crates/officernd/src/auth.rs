//! Signing requests, and the scopes to ask for.

use connector::{CallError, Credentials, Error, Need, Request};
use http::{HeaderValue, header::AUTHORIZATION};
use record::Entity;

use crate::{
    describe::{SCHEME, TITLE},
    operation::{
        BOOKING_CANCEL, MEMBERS, OPPORTUNITY_STATUSES, READ_LOCATIONS, READ_ORGANIZATION,
        READ_PROPERTIES, READ_TICKET_OPTIONS, RESOURCES, TOKEN, WEBHOOK_CREATE, WEBHOOK_DELETE,
        WEBHOOK_UPDATE, WEBHOOKS, scope,
    },
    resource::Resource,
};

pub(crate) fn authorise(request: &mut Request, credentials: &Credentials) -> Result<(), Error> {
    if request.operation == TOKEN {
        return Ok(());
    }
    if credentials.scheme != SCHEME {
        return Err(Error::Unsupported {
            system: TITLE,
            what: format!("sign-in by `{}`; it takes {SCHEME}", credentials.scheme),
        });
    }
    let Some(tokens) = &credentials.tokens else {
        return Err(CallError::Credentials {
            operation: request.operation,
            why: "nobody has signed in to OfficeRnD for this connection yet".to_owned(),
        }
        .into());
    };
    let bearer = format!("Bearer {}", tokens.access.expose());
    let mut value = HeaderValue::from_str(&bearer).map_err(|_| CallError::Credentials {
        operation: request.operation,
        why: "the token holds characters that no token has".to_owned(),
    })?;
    value.set_sensitive(true);
    request.headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// A sign-in field that must be there.
pub(crate) fn given<'a>(
    credentials: &'a Credentials,
    field: &'static str,
) -> Result<&'a str, Error> {
    credentials
        .given(field)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Error::Setting {
            setting: field,
            hint: "copy it from the application (Settings → Data & Extensibility → Developer \
                   Tools → Applications)"
                .to_owned(),
        })
}

/// The scopes for these records, the one without which nothing goes first; then those for the schema; then
/// those for webhooks, without which changes are found by polling.
pub(crate) fn scopes(entities: &[Entity], write: bool) -> Vec<String> {
    let mut scopes = needed(entities, write);
    scopes.extend(useful());
    scopes
}

/// Without one of these a sync cannot do all that it should.
pub(crate) fn needed(entities: &[Entity], write: bool) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for resource in entities.iter().filter_map(|entity| Resource::of(*entity)) {
        let operations = resource.operations;
        scopes.extend(scope(operations.list));
        if write {
            for operation in [operations.create, operations.update, operations.delete] {
                scopes.extend(scope(operation));
            }
        }
    }
    if entities.contains(&Entity::Note) {
        let update = write.then_some(MEMBERS.update);
        for operation in std::iter::once(MEMBERS.list).chain(update) {
            if let Some(needed) = scope(operation)
                && !scopes.contains(&needed)
            {
                scopes.push(needed);
            }
        }
    }
    if entities.contains(&Entity::Opportunity) {
        scopes.extend(scope(OPPORTUNITY_STATUSES));
    }
    if entities.contains(&Entity::Appointment) {
        scopes.extend(scope(RESOURCES));
        scopes.extend(write.then(|| scope(BOOKING_CANCEL)).flatten());
    }
    if entities.contains(&Entity::Task) {
        scopes.push(READ_TICKET_OPTIONS.to_owned());
    }
    scopes.push(READ_LOCATIONS.to_owned());
    scopes.push(READ_PROPERTIES.to_owned());
    scopes
}

/// Without one of these something goes a longer way.
pub(crate) fn useful() -> Vec<String> {
    let mut scopes = vec![READ_ORGANIZATION.to_owned()];
    scopes.extend(
        [WEBHOOKS, WEBHOOK_CREATE, WEBHOOK_UPDATE, WEBHOOK_DELETE]
            .into_iter()
            .filter_map(scope),
    );
    scopes
}

/// What a scope is needed for, of the records of this entity.
pub(crate) fn needs(wanted: &str, entity: Entity) -> Vec<Need> {
    let is = |operation: &str| scope(operation).as_deref() == Some(wanted);
    if entity == Entity::Note {
        // blocks in a property of the member: whatever becomes of one changes the member
        return match () {
            () if is(MEMBERS.list) => vec![Need::Read],
            () if is(MEMBERS.update) => vec![Need::Create, Need::Update, Need::Remove],
            () if wanted == READ_PROPERTIES => {
                vec![Need::Beside(
                    "the property that holds notes cannot be looked up",
                )]
            }
            () => Vec::new(),
        };
    }
    let Some(resource) = Resource::of(entity) else {
        return Vec::new();
    };
    let operations = resource.operations;
    let mut needs: Vec<Need> = [
        (operations.list, Need::Read),
        (operations.create, Need::Create),
        (operations.update, Need::Update),
        (operations.delete, Need::Remove),
    ]
    .into_iter()
    .filter(|(operation, _)| is(operation))
    .map(|(_, need)| need)
    .collect();
    let beside = match entity {
        Entity::Opportunity if is(OPPORTUNITY_STATUSES) => {
            Some("statuses show as ids without names, so rules cannot name them otherwise")
        }
        Entity::Appointment if is(RESOURCES) => Some("resources show as ids without names"),
        Entity::Appointment if is(BOOKING_CANCEL) => Some("bookings cannot be cancelled"),
        Entity::Task if wanted == READ_TICKET_OPTIONS => {
            Some("types, severities and priorities show as ids without names")
        }
        _ if wanted == READ_LOCATIONS => Some("locations show as ids without names"),
        _ if wanted == READ_PROPERTIES => {
            Some("custom properties are left out, and mappings to them are paused")
        }
        _ => None,
    };
    needs.extend(beside.map(Need::Beside));
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_for_says_what_it_is_needed_for() {
        for entity in [
            Entity::Contact,
            Entity::Company,
            Entity::Opportunity,
            Entity::Appointment,
            Entity::Task,
            Entity::Note,
        ] {
            for scope in needed(&[entity], true) {
                let is_of_all = scope == READ_LOCATIONS;
                assert!(
                    is_of_all || !needs(&scope, entity).is_empty(),
                    "{scope} of {entity}"
                );
            }
        }
        assert_eq!(
            needs("flex.community.members.delete", Entity::Contact),
            [Need::Remove]
        );
        assert_eq!(needs("flex.community.members.delete", Entity::Company), []);
    }

    #[test]
    fn scopes_are_the_least_that_is_needed_and_the_first_is_the_most_needed() {
        let read = scopes(&[Entity::Contact], false);
        assert_eq!(
            read,
            [
                "flex.community.members.read",
                "flex.space.locations.read",
                "flex.settings.customProperties.read",
                "flex.settings.organization.read",
                "flex.settings.webhooks.read",
                "flex.settings.webhooks.create",
                "flex.settings.webhooks.update",
                "flex.settings.webhooks.delete",
            ]
        );
        let write = scopes(&[Entity::Company], true);
        assert_eq!(write[0], "flex.community.companies.read");
        assert!(write.contains(&"flex.community.companies.delete".to_owned()));
    }
}
