//! Tags and followers of contacts, one contact or many at once.

use serde_json::{Value, json};

use super::State;
use super::contact::ContactId;
use super::errors;
use super::gate::Admitted;
use super::writes::{self, Rules};
use crate::edits::Actor;
use crate::vendor::Answer;

type Answered = Result<Answer, Answer>;

impl State {
    pub(crate) fn add_tags(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        let tags = string_list(admitted, "tags")?;
        let core = admitted.core;
        let mut contact = self.contact_at(&at).clone();
        let location = self.location_mut(&at.location_id);
        for tag in writes::shared_tags(&tags, location, Rules::api(core), core) {
            if !contact.tags.contains(&tag) {
                contact.tags.push(tag);
            }
        }
        let all = json!({"tags": contact.tags});
        self.commit_update(&at, contact, Actor::Api, core);
        Ok(Answer::json(201, &all))
    }

    pub(crate) fn remove_tags(&mut self, admitted: &Admitted<'_>) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        let tags = string_list(admitted, "tags")?;
        let core = admitted.core;
        let lower = core.switches.flag("highlevel.tags_lowercased");
        let mut contact = self.contact_at(&at).clone();
        contact
            .tags
            .retain(|own| !tags.iter().any(|tag| is(own, tag, lower)));
        let rest = json!({"tags": contact.tags});
        self.commit_update(&at, contact, Actor::Api, core);
        Ok(Answer::json(200, &rest))
    }

    pub(crate) fn change_followers(&mut self, admitted: &Admitted<'_>, add: bool) -> Answered {
        let at = self.at(admitted, admitted.parameter(0))?;
        let wanted = string_list(admitted, "followers")?;
        let mut contact = self.contact_at(&at).clone();
        let mut moved = Vec::new();
        for user in wanted {
            let follows = contact.followers.iter().any(|own| **own == *user);
            if add && !follows {
                contact.followers.push(user.as_str().into());
                moved.push(user);
            } else if !add && follows {
                contact.followers.retain(|own| **own != *user);
                moved.push(user);
            }
        }
        let name = if add {
            "followersAdded"
        } else {
            "followersRemoved"
        };
        let body = json!({"followers": contact.followers, name: moved});
        self.commit_update(&at, contact, Actor::Api, admitted.core);
        Ok(Answer::json(if add { 201 } else { 200 }, &body))
    }

    pub(crate) fn bulk_tags(&mut self, admitted: &Admitted<'_>) -> Answered {
        let add = match admitted.parameter(0) {
            "add" => true,
            "remove" => false,
            _ => return Err(errors::cannot(admitted.call.method, admitted.call.path)),
        };
        let body: Value = serde_json::from_slice(admitted.call.body)
            .map_err(|_| errors::not_json(admitted.call.body))?;
        let location_id = self.own(admitted, body["locationId"].as_str())?;
        let ids = strings(&body["contacts"], "contacts")?;
        let tags = strings(&body["tags"], "tags")?;
        let all = body["removeAllTags"] == true;
        if all && add {
            return Err(errors::unprocessable_one(
                "removeAllTags is only allowed with remove",
            ));
        }
        let mut failed = 0;
        let responses: Vec<Value> = ids
            .iter()
            .map(|id| {
                let changed = self.bulk_change(admitted, &location_id, id, &tags, add, all);
                changed.unwrap_or_else(|message| {
                    failed += 1;
                    json!({"contactId": id, "message": message, "type": "error"})
                })
            })
            .collect();
        Ok(Answer::json(
            201,
            &json!({"succeded": true, "errorCount": failed, "responses": responses}),
        ))
    }

    fn bulk_change(
        &mut self,
        admitted: &Admitted<'_>,
        location_id: &str,
        id: &str,
        tags: &[String],
        add: bool,
        all: bool,
    ) -> Result<Value, &'static str> {
        let core = admitted.core;
        ContactId::parse(id).ok_or("contact id is not a valid firebase id")?;
        let at = self
            .locate(id)
            .ok_or("contact does not belong to location")?;
        if at.location_id != location_id {
            return Err("contact does not belong to location");
        }
        let before = self.contact_at(&at);
        if before.deleted.is_some() {
            return Err("contact is deleted");
        }
        let old = before.tags.clone();
        let mut contact = before.clone();
        let wanted =
            writes::shared_tags(tags, self.location_mut(location_id), Rules::api(core), core);
        if add {
            for tag in wanted {
                if !contact.tags.contains(&tag) {
                    contact.tags.push(tag);
                }
            }
        } else {
            contact.tags.retain(|own| !all && !wanted.contains(own));
        }
        let added: Vec<_> = contact
            .tags
            .iter()
            .filter(|tag| !old.contains(tag))
            .cloned()
            .collect();
        let removed: Vec<_> = old
            .iter()
            .filter(|tag| !contact.tags.contains(tag))
            .cloned()
            .collect();
        self.commit_update(&at, contact, Actor::Api, core);
        Ok(json!({
            "contactId": id,
            "message": "Tags updated",
            "type": "success",
            "oldTags": old,
            "tagsAdded": added,
            "tagsRemoved": removed,
        }))
    }
}

pub(crate) fn is(own: &str, wanted: &str, lower: bool) -> bool {
    let wanted = wanted.trim();
    if lower {
        own.to_lowercase() == wanted.to_lowercase()
    } else {
        own == wanted
    }
}

/// The list under a name in a body that may hold nothing else.
fn string_list(admitted: &Admitted<'_>, name: &str) -> Result<Vec<String>, Answer> {
    let body: Value = serde_json::from_slice(admitted.call.body)
        .map_err(|_| errors::not_json(admitted.call.body))?;
    let unknown = body
        .as_object()
        .into_iter()
        .flatten()
        .find(|(own, _)| *own != name);
    if let Some((own, _)) = unknown.filter(|_| admitted.core.switches.flag("highlevel.whitelist")) {
        return Err(errors::unprocessable_one(&format!(
            "property {own} should not exist"
        )));
    }
    strings(&body[name], name)
}

fn strings(value: &Value, name: &str) -> Result<Vec<String>, Answer> {
    let list = value
        .as_array()
        .ok_or_else(|| errors::unprocessable_one(&format!("{name} must be an array")))?;
    let strings: Option<Vec<String>> = list
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned))
        .collect();
    strings
        .ok_or_else(|| errors::unprocessable_one(&format!("each value in {name} must be a string")))
}
