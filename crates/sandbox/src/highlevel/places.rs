//! Locations, their tags, and the users who work in them.

use serde_json::{Value, json};

use super::State;
use super::accounts::LocationTag;
use super::apps::{Origin, Subject};
use super::errors;
use super::gate::Admitted;
use crate::vendor::Answer;

type Answered = Result<Answer, Answer>;

impl State {
    pub(crate) fn get_location(&mut self, admitted: &Admitted<'_>) -> Answered {
        let id = admitted.parameter(0);
        let allowed = admitted.own_location().is_none_or(|own| own == id);
        let location = self
            .locations
            .get(id)
            .filter(|_| allowed)
            .ok_or_else(errors::wrong_location)?;
        Ok(Answer::json(
            200,
            &json!({"location": location.to_json(&self.company.id)}),
        ))
    }

    pub(crate) fn search_locations(&mut self, admitted: &Admitted<'_>) -> Answered {
        let covered = |id: &str| match (&admitted.access.subject, &admitted.access.origin) {
            (Subject::Location(own), _) => **own == *id,
            (Subject::Company, Origin::Private) => true,
            (Subject::Company, Origin::App(client_id)) => {
                self.installations.iter().any(|installation| {
                    installation.client_id == *client_id && installation.covers(id)
                })
            }
        };
        let locations = self
            .locations
            .values()
            .filter(|location| covered(&location.id));
        let locations: Vec<Value> = locations
            .map(|location| location.to_json(&self.company.id))
            .collect();
        Ok(Answer::json(200, &json!({"locations": locations})))
    }

    pub(crate) fn list_tags(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location = self.path_location(admitted)?;
        let tags: Vec<Value> = location
            .tags
            .iter()
            .map(|tag| tag_json(tag, &location.id))
            .collect();
        Ok(Answer::json(200, &json!({"tags": tags})))
    }

    pub(crate) fn get_tag(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location = self.path_location(admitted)?;
        let tag = location
            .tags
            .iter()
            .find(|tag| tag.id == admitted.parameter(1));
        let tag = tag.ok_or_else(|| errors::bad_request("Tag not found"))?;
        Ok(Answer::json(
            200,
            &json!({"tag": tag_json(tag, &location.id)}),
        ))
    }

    pub(crate) fn create_tag(&mut self, admitted: &Admitted<'_>) -> Answered {
        let name = tag_name(admitted)?;
        self.path_location(admitted)?;
        let location = self.location_mut(admitted.parameter(0));
        if location.tags.iter().any(|tag| *tag.name == *name) {
            return Err(errors::bad_request("The tag name is already exist."));
        }
        location.tag(&name, admitted.core);
        let shown = location.tags.last().map(|tag| tag_json(tag, &location.id));
        Ok(Answer::json(
            admitted.post_status(200, 201),
            &json!({"tag": shown}),
        ))
    }

    /// Renames a tag in the location's list and on every contact that carries it.
    pub(crate) fn update_tag(&mut self, admitted: &Admitted<'_>) -> Answered {
        let name = tag_name(admitted)?;
        self.path_location(admitted)?;
        let old = self.tag_of(admitted)?;
        self.retag(admitted.parameter(0), &old, Some(&name), admitted.core);
        let location = self.location_mut(admitted.parameter(0));
        let tag = location
            .tags
            .iter()
            .find(|tag| tag.id == admitted.parameter(1));
        Ok(Answer::json(
            200,
            &json!({"tag": tag.map(|tag| tag_json(tag, &location.id))}),
        ))
    }

    /// Removes a tag from the location's list and from every contact that carries it.
    pub(crate) fn delete_tag(&mut self, admitted: &Admitted<'_>) -> Answered {
        self.path_location(admitted)?;
        let old = self.tag_of(admitted)?;
        self.retag(admitted.parameter(0), &old, None, admitted.core);
        Ok(Answer::json(200, &json!({"succeded": true})))
    }

    fn tag_of(&self, admitted: &Admitted<'_>) -> Result<std::sync::Arc<str>, Answer> {
        let tags = self
            .locations
            .get(admitted.parameter(0))
            .map(|location| &location.tags);
        let tag = tags
            .into_iter()
            .flatten()
            .find(|tag| tag.id == admitted.parameter(1));
        tag.map(|tag| std::sync::Arc::clone(&tag.name))
            .ok_or_else(|| errors::bad_request("Tag not found"))
    }

    fn retag(&mut self, location_id: &str, old: &str, new: Option<&str>, core: &crate::core::Core) {
        let location = self.location_mut(location_id);
        let new: Option<std::sync::Arc<str>> = new.map(Into::into);
        match &new {
            Some(new) => {
                for tag in location.tags.iter_mut().filter(|tag| &*tag.name == old) {
                    tag.name = std::sync::Arc::clone(new);
                }
            }
            None => location.tags.retain(|tag| &*tag.name != old),
        }
        let contacts = location.contacts.all().iter().zip(0..);
        let carriers: Vec<u32> = contacts
            .filter(|(contact, _)| {
                contact.deleted.is_none() && contact.tags.iter().any(|tag| &**tag == old)
            })
            .map(|(_, slot)| slot)
            .collect();
        for slot in carriers {
            let at = super::writes::At {
                location_id: location_id.to_owned(),
                slot,
            };
            let mut contact = self.contact_at(&at).clone();
            contact.tags.retain(|tag| &**tag != old);
            if let Some(new) = new.as_ref().filter(|new| !contact.tags.contains(new)) {
                contact.tags.push(std::sync::Arc::clone(new));
            }
            self.commit_update(&at, contact, crate::edits::Actor::Api, core);
        }
    }

    pub(crate) fn list_users(&mut self, admitted: &Admitted<'_>) -> Answered {
        let location_id = self.own_query(admitted)?;
        let users = self
            .users
            .iter()
            .filter(|user| user.location_ids.contains(&location_id));
        Ok(Answer::json(
            200,
            &json!({"users": users.map(super::accounts::User::to_json).collect::<Vec<_>>()}),
        ))
    }

    pub(crate) fn search_users(&mut self, admitted: &Admitted<'_>) -> Answered {
        if admitted.query("companyId").as_deref() != Some(&self.company.id) {
            return Err(match admitted.query("companyId") {
                None => errors::unprocessable_one("companyId must be a string"),
                Some(_) => errors::forbidden("The token does not have access to this company."),
            });
        }
        let location = admitted
            .query("locationId")
            .or_else(|| admitted.own_location().map(str::to_owned));
        let text = admitted.query("query").unwrap_or_default().to_lowercase();
        let number = |name: &str, default| {
            admitted
                .query(name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        let found: Vec<Value> = self
            .users
            .iter()
            .filter(|user| {
                location
                    .as_ref()
                    .is_none_or(|location| user.location_ids.contains(location))
            })
            .filter(|user| {
                let name =
                    format!("{} {} {}", user.first_name, user.last_name, user.email).to_lowercase();
                name.contains(&text)
            })
            .map(super::accounts::User::to_json)
            .collect();
        let count = found.len();
        let users: Vec<Value> = found
            .into_iter()
            .skip(number("skip", 0))
            .take(number("limit", 25))
            .collect();
        Ok(Answer::json(200, &json!({"users": users, "count": count})))
    }

    pub(crate) fn get_user(&mut self, admitted: &Admitted<'_>) -> Answered {
        let user = self
            .users
            .iter()
            .find(|user| user.id == admitted.parameter(0));
        let user = user.ok_or_else(|| errors::bad_request("User not found"))?;
        let own = admitted
            .own_location()
            .is_none_or(|own| user.location_ids.iter().any(|id| id == own));
        if own {
            Ok(Answer::json(200, &user.to_json()))
        } else {
            Err(errors::wrong_location())
        }
    }
}

fn tag_json(tag: &LocationTag, location_id: &str) -> Value {
    json!({"id": tag.id, "name": tag.name, "locationId": location_id})
}

fn tag_name(admitted: &Admitted<'_>) -> Result<String, Answer> {
    let body: Value = serde_json::from_slice(admitted.call.body)
        .map_err(|_| errors::not_json(admitted.call.body))?;
    let name = body["name"]
        .as_str()
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| errors::unprocessable_one("name must be a string"))?;
    let lower = admitted.core.switches.flag("highlevel.tags_lowercased");
    Ok(if lower {
        name.to_lowercase()
    } else {
        name.to_owned()
    })
}
