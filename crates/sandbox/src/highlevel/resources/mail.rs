//! What became of an e-mail that a provider of one's own sent, and what was said in a call as text.

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::errors;
use super::super::gate::Admitted;
use super::table::{EMAIL, EMAIL_OUTCOME, own_id};
use super::{Answered, Row, missing};
use crate::vendor::Answer;

/// What the transcription of every call says.
pub(super) const SAID: &str = "Hello, I am calling about the flat.";

/// What each event says about earlier ones, in this order.
const FOLLOWS: [(&str, &[&str]); 3] = [
    (
        "opened",
        &["clicked", "complained", "unsubscribed", "replied"],
    ),
    (
        "delivered",
        &["opened", "clicked", "complained", "unsubscribed", "replied"],
    ),
    (
        "accepted",
        &["delivered", "permanent_fail", "temporary_fail"],
    ),
];

impl State {
    /// `PUT /conversations/messages/email/{id}/status`: counts come to those that are known, nothing resets one.
    pub(super) fn email_outcome(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let (location, core) = (&request.location_id, admitted.core);
        let id = own_id(row, admitted);
        let email = self.things.find(&EMAIL, location, id);
        let email = email.ok_or_else(|| missing(&EMAIL, id))?;
        if email.text("conversationProviderId").is_empty() {
            return Err(errors::forbidden(
                "The email was not sent via a custom conversation provider.",
            ));
        }
        let known = self
            .things
            .living(&EMAIL_OUTCOME, location)
            .find(|item| item.text("emailId") == id)
            .cloned();
        let mut own = known
            .as_ref()
            .map(|item| item.fields.clone())
            .unwrap_or_default();
        let mut events = object(own.remove("events"));
        let count = |events: &Map<String, Value>, name: &str| {
            events.get(name).and_then(Value::as_u64).unwrap_or(0)
        };
        for (name, more) in request.body["events"].as_object().into_iter().flatten() {
            let more = more.as_u64().unwrap_or(0);
            let sum = count(&events, name) + more;
            if more > 0 {
                events.insert(name.clone(), json!(sum));
            }
        }
        for (earlier, later) in FOLLOWS {
            if later.iter().any(|name| count(&events, name) > 0) {
                events.entry(earlier).or_insert(json!(1));
            }
        }
        let mut recipients = object(own.remove("recipients"));
        for recipient in request.body["recipients"].as_array().into_iter().flatten() {
            let address = recipient["emailId"].as_str().unwrap_or_default();
            recipients.insert(address.to_owned(), recipient.clone());
        }
        let fields = object(Some(
            json!({"emailId": id, "events": events, "recipients": recipients}),
        ));
        match known {
            Some(known) => drop(self.change(&EMAIL_OUTCOME, location, &known.id, fields, core)?),
            None => drop(self.make(&EMAIL_OUTCOME, location, fields, core)),
        }
        let status = object(Some(json!({"status": request.body["status"]})));
        self.change(&EMAIL, location, id, status, core)?;
        Ok(Answer::json(
            200,
            &json!({"success": true, "message": "Updated email message successfully"}),
        ))
    }

    /// `GET …/messages/{messageId}/transcription/download`: no JSON.
    pub(super) fn transcription_text(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        self.spoken(admitted, row)?;
        let mut answer = Answer::new(200, "text/plain", SAID);
        let name = "attachment; filename=\"transcription.txt\"";
        answer
            .headers
            .push(("content-disposition", name.to_owned()));
        Ok(answer)
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}
