//! What hangs on contacts and on the account: campaigns, workflows, tasks of all contacts, fields of objects, users.

use serde_json::{Value, json};

use super::super::State;
use super::super::accounts::User;
use super::super::errors;
use super::super::gate::Admitted;
use super::table::{
    CAMPAIGN, IN_CAMPAIGN, IN_WORKFLOW, OBJECT_FIELD, OBJECT_FOLDER, TASK, TEMPLATE, WORKFLOW,
    own_id,
};
use super::{Answered, Item, Kind, Request, Row, missing, paged, wrapped};
use crate::vendor::Answer;

/// The zones that an account offers.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "Europe/Vienna",
    "Europe/Zurich",
    "Europe/London",
    "America/New_York",
    "UTC",
];

impl State {
    /// Ends what a contact takes part in, one or all.
    fn leave(
        &mut self,
        admitted: &Admitted<'_>,
        kind: &'static Kind,
        request: &Request,
        field: &str,
        id: Option<&str>,
    ) {
        let contact = admitted.parameter(0);
        let own: Vec<String> = self
            .things
            .living(kind, &request.location_id)
            .filter(|item| item.text("contactId") == contact)
            .filter(|item| id.is_none_or(|id| item.text(field) == id))
            .map(|item| item.id.clone())
            .collect();
        for entry in own {
            self.delete(kind, &request.location_id, &entry, admitted.core);
        }
    }

    fn join(
        &mut self,
        admitted: &Admitted<'_>,
        row: &Row,
        of: &'static Kind,
        field: &str,
    ) -> Answered {
        let request = self.opened(admitted, row)?;
        let (contact, id) = (admitted.parameter(0), admitted.parameter(1));
        self.there(admitted, &request.location_id, "contactId", contact)?;
        if self.things.find(of, &request.location_id, id).is_none() {
            return Err(missing(of, id));
        }
        let mut fields = request.object();
        fields.insert("contactId".to_owned(), json!(contact));
        fields.insert(field.to_owned(), json!(id));
        self.make(row.kind, &request.location_id, fields, admitted.core);
        Ok(wrapped(row, json!({"succeded": true}), admitted))
    }

    /// `POST /contacts/{contactId}/campaigns/{campaignId}`.
    pub(super) fn join_campaign(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        self.join(admitted, row, &CAMPAIGN, "campaignId")
    }

    /// `DELETE …/campaigns/{campaignId}` and `…/campaigns/removeAll`.
    pub(super) fn leave_campaigns(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        self.there(
            admitted,
            &request.location_id,
            "contactId",
            admitted.parameter(0),
        )?;
        let one = row
            .template
            .ends_with('}')
            .then(|| admitted.parameter(1).to_owned());
        self.leave(
            admitted,
            &IN_CAMPAIGN,
            &request,
            "campaignId",
            one.as_deref(),
        );
        Ok(Answer::json(200, &json!({"succeded": true})))
    }

    /// `POST /contacts/{contactId}/workflow/{workflowId}`.
    pub(super) fn join_workflow(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        self.join(admitted, row, &WORKFLOW, "workflowId")
    }

    /// `DELETE /contacts/{contactId}/workflow/{workflowId}`.
    pub(super) fn leave_workflow(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        self.there(
            admitted,
            &request.location_id,
            "contactId",
            admitted.parameter(0),
        )?;
        let id = admitted.parameter(1).to_owned();
        self.leave(admitted, &IN_WORKFLOW, &request, "workflowId", Some(&id));
        Ok(Answer::json(200, &json!({"succeded": true})))
    }

    /// `POST /locations/{locationId}/tasks/search`.
    pub(super) fn search_tasks(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let body = &request.body;
        let text = body["query"].as_str().unwrap_or_default().to_lowercase();
        let among = |name: &str, item: &Item, field: &str| {
            body[name]
                .as_array()
                .is_none_or(|ids| ids.iter().any(|id| id == item.text(field)))
        };
        let fits = |item: &&Item| {
            among("contactId", item, "contactId")
                && among("assignedTo", item, "assignedTo")
                && body
                    .get("completed")
                    .is_none_or(|done| item.fields.get("completed") == Some(done))
                && item.text("title").to_lowercase().contains(&text)
        };
        let number = |name: &str, usual: u64| {
            usize::try_from(body[name].as_u64().unwrap_or(usual)).unwrap_or(usize::MAX)
        };
        let shown: Vec<Value> = self
            .things
            .living(&TASK, &request.location_id)
            .filter(fits)
            // with its contact a task goes, too
            .filter(|item| self.at(admitted, item.text("contactId")).is_ok())
            .skip(number("skip", 0))
            .take(number("limit", 25))
            .map(|item| item.shown(&TASK))
            .collect();
        Ok(Answer::json(
            admitted.post_status(200, 201),
            &json!({"tasks": shown}),
        ))
    }

    /// `GET /custom-fields/object-key/{objectKey}`.
    pub(super) fn object_fields(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let object = admitted.parameter(0);
        let shown = |kind: &'static Kind| -> Vec<Value> {
            self.things
                .living(kind, &request.location_id)
                .filter(|item| item.text("objectKey") == object)
                .map(|item| item.shown(kind))
                .collect()
        };
        Ok(Answer::json(
            200,
            &json!({"fields": shown(&OBJECT_FIELD), "folders": shown(&OBJECT_FOLDER)}),
        ))
    }

    /// `DELETE /custom-fields/{id}` and `…/folder/{id}`.
    pub(super) fn delete_object_field(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let item = self.named(admitted, row, &request)?;
        let answer = json!({"succeded": true, "id": item.id, "key": item.text("fieldKey")});
        let id = item.id.clone();
        self.delete(row.kind, &request.location_id, &id, admitted.core);
        Ok(Answer::json(200, &answer))
    }

    /// `GET /locations/{locationId}/timezones`; the form of the answer is documented nowhere.
    pub(super) fn timezones(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        self.opened(admitted, row)?;
        Ok(Answer::json(200, &json!({"timezones": ZONES})))
    }

    /// `GET /locations/{locationId}/conversationChannels/{type}`: one provider each, which nothing changes.
    pub(super) fn channel(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        self.opened(admitted, row)?;
        let (id, name) = match own_id(row, admitted) {
            "SMS" => ("twilio_provider", "Twilio"),
            "Email" => ("mailgun_provider", "Mailgun"),
            _ => {
                return Err(errors::unprocessable_one(
                    "type must be one of the following values: SMS, Email",
                ));
            }
        };
        let kind = own_id(row, admitted);
        let provider = json!({"_id": id, "name": name, "type": kind, "default": true});
        let channel = json!({kind: [{"conversationProvider": provider}]});
        Ok(wrapped(row, channel, admitted))
    }

    /// `GET /locations/{locationId}/templates`.
    pub(super) fn list_templates(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let kind = admitted.query("type");
        let own: Vec<&Item> = self
            .things
            .living(&TEMPLATE, &request.location_id)
            .filter(|item| kind.as_ref().is_none_or(|kind| item.text("type") == kind))
            .collect();
        let shown: Vec<Value> = paged(own.iter().copied(), admitted)
            .map(|item| item.shown(&TEMPLATE))
            .collect();
        Ok(Answer::json(
            200,
            &json!({"templates": shown, "totalCount": own.len()}),
        ))
    }

    /// `POST /users/`.
    pub(super) fn create_user(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let body = self.user_body(admitted, row)?;
        if body["companyId"].as_str() != Some(&self.company.id) {
            return Err(errors::forbidden(
                "The token does not have access to this company.",
            ));
        }
        let email = body["email"].as_str().unwrap_or_default();
        if self
            .users
            .iter()
            .any(|user| user.email.eq_ignore_ascii_case(email))
        {
            return Err(errors::bad_request(
                "Account with that email already exists",
            ));
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let location_ids = body["locationIds"].as_array().into_iter().flatten();
        let user = User {
            id: admitted.core.random.text::<20>(),
            first_name: text("firstName"),
            last_name: text("lastName"),
            email: text("email"),
            phone: text("phone"),
            location_ids: location_ids
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect(),
        };
        let (shown, id) = (user.to_json(), user.id.clone());
        self.users.push(user);
        if admitted.core.switches.flag("highlevel.api_write_webhooks") {
            self.tell_of_user(&id, admitted.core);
        }
        Ok(Answer::json(201, &shown))
    }

    /// `PUT /users/{userId}`.
    pub(super) fn update_user(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let body = self.user_body(admitted, row)?;
        let user = self
            .users
            .iter_mut()
            .find(|user| user.id == own_id(row, admitted));
        let user = user.ok_or_else(|| errors::bad_request("User not found"))?;
        let places = [
            ("firstName", &mut user.first_name),
            ("lastName", &mut user.last_name),
            ("email", &mut user.email),
            ("phone", &mut user.phone),
        ];
        for (name, place) in places {
            if let Some(text) = body[name].as_str() {
                text.clone_into(place);
            }
        }
        Ok(Answer::json(200, &user.to_json()))
    }

    /// `DELETE /users/{userId}`.
    pub(super) fn delete_user(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let id = own_id(row, admitted);
        let before = self.users.len();
        self.users.retain(|user| user.id != id);
        if self.users.len() == before {
            return Err(errors::bad_request("User not found"));
        }
        Ok(Answer::json(
            200,
            &json!({"succeded": true, "message": "Queued deleting user with all of their data"}),
        ))
    }

    fn user_body(&self, admitted: &Admitted<'_>, row: &Row) -> Result<Value, Answer> {
        let whitelist = admitted.core.switches.flag("highlevel.whitelist");
        super::body::read(row, admitted, whitelist)
    }
}
