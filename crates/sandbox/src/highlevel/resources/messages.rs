//! Conversations and their messages.

use serde_json::{Map, Value, json};

use super::super::State;
use super::super::errors;
use super::super::gate::Admitted;
use super::table::{CONVERSATION, EMAIL, MESSAGE, TYPING, UPLOAD, own_id};
use super::{Answered, Item, Row, missing, wrapped};
use crate::core::Core;
use crate::vendor::Answer;

/// Messages on a page unless said otherwise.
const PAGE: usize = 20;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// The numbers of kinds are documented nowhere; these are the sandbox's own.
fn number_of(kind: &str) -> usize {
    const KINDS: [&str; 10] = [
        "Call",
        "SMS",
        "Email",
        "Review",
        "WhatsApp",
        "GMB",
        "IG",
        "FB",
        "Live_Chat",
        "Custom",
    ];
    1 + KINDS
        .iter()
        .position(|own| *own == kind)
        .unwrap_or(KINDS.len())
}

impl State {
    fn conversation_with(&self, location_id: &str, contact: &str) -> Option<&Item> {
        self.things
            .living(&CONVERSATION, location_id)
            .find(|item| item.text("contactId") == contact)
    }

    fn open_conversation(&mut self, location_id: &str, contact: &str, core: &Core) -> Item {
        let fields = object(json!({
            "contactId": contact, "deleted": false, "inbox": true, "unreadCount": 0, "starred": false,
            "type": 1,
        }));
        self.make(&CONVERSATION, location_id, fields, core)
    }

    /// `POST /conversations/`.
    pub(super) fn create_conversation(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let contact = request.body["contactId"].as_str().unwrap_or_default();
        self.there(admitted, &request.location_id, "contactId", contact)?;
        if self
            .conversation_with(&request.location_id, contact)
            .is_some()
        {
            return Err(errors::bad_request("Conversation already exists"));
        }
        let made = self.open_conversation(&request.location_id, contact, admitted.core);
        let shown = made.shown(&CONVERSATION);
        Ok(Answer::json(
            201,
            &json!({"success": true, "conversation": shown}),
        ))
    }

    /// `GET /conversations/search`.
    pub(super) fn search_conversations(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let found: Vec<&Item> = self
            .things
            .living(&CONVERSATION, &request.location_id)
            .filter(|item| {
                admitted
                    .query("contactId")
                    .is_none_or(|id| item.text("contactId") == id)
                    && admitted.query("id").is_none_or(|id| item.id == id)
                    && (admitted.query("status").as_deref() != Some("starred")
                        || item.fields.get("starred") == Some(&json!(true)))
            })
            .collect();
        let total = found.len();
        let limit = admitted
            .query("limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(PAGE);
        let shown: Vec<Value> = found
            .into_iter()
            .rev()
            .take(limit)
            .map(|item| {
                let mut shown = item.shown(&CONVERSATION);
                // a word here, a number where one is read
                shown["type"] = json!("TYPE_PHONE");
                shown
            })
            .collect();
        Ok(Answer::json(
            200,
            &json!({"conversations": shown, "total": total}),
        ))
    }

    /// `PUT /conversations/{conversationId}`.
    pub(super) fn update_conversation(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = own_id(row, admitted);
        let changed = self.change(
            &CONVERSATION,
            &request.location_id,
            id,
            request.object(),
            admitted.core,
        )?;
        let shown = changed.shown(&CONVERSATION);
        Ok(Answer::json(
            200,
            &json!({"success": true, "conversation": shown}),
        ))
    }

    fn add_message(
        &mut self,
        location_id: &str,
        mut fields: Map<String, Value>,
        core: &Core,
    ) -> Item {
        let kind = fields
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("SMS")
            .to_owned();
        let conversation = fields
            .get("conversationId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let conversation = conversation.to_owned();
        if let Some(text) = fields.remove("message") {
            fields.insert("body".to_owned(), text);
        }
        // the kind is told as a number and as a word
        fields.insert("type".to_owned(), json!(number_of(&kind)));
        fields.insert(
            "messageType".to_owned(),
            json!(format!("TYPE_{}", kind.to_uppercase())),
        );
        let inbound = fields.get("direction") == Some(&json!("inbound"));
        let made = self.make(&MESSAGE, location_id, fields, core);
        let unread = self
            .things
            .find(&CONVERSATION, location_id, &conversation)
            .and_then(|item| item.fields.get("unreadCount").and_then(Value::as_i64))
            .unwrap_or(0);
        let last = object(json!({
            "lastMessageBody": made.text("body"),
            "lastMessageType": made.text("messageType"),
            "unreadCount": unread + i64::from(inbound),
        }));
        // a message without a conversation changes none
        drop(self.change(&CONVERSATION, location_id, &conversation, last, core));
        made
    }

    /// `POST /conversations/messages`.
    pub(super) fn send_message(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let core = admitted.core;
        let mut fields = request.object();
        let contact = request.body["contactId"].as_str().unwrap_or_default();
        self.there(admitted, &request.location_id, "contactId", contact)?;
        let empty = |name: &str| request.body[name].as_str().is_none_or(str::is_empty);
        if empty("message")
            && empty("html")
            && request.body["attachments"]
                .as_array()
                .is_none_or(Vec::is_empty)
        {
            return Err(errors::bad_request(
                "There is no message or attachments for this message. Skip sending.",
            ));
        }
        let conversation = match self.conversation_with(&request.location_id, contact) {
            Some(open) => open.id.clone(),
            None => {
                self.open_conversation(&request.location_id, contact, core)
                    .id
            }
        };
        fields.insert("conversationId".to_owned(), json!(conversation));
        fields.insert("direction".to_owned(), json!("outbound"));
        fields.insert("source".to_owned(), json!("api"));
        if fields.contains_key("scheduledTimestamp") {
            fields.insert("status".to_owned(), json!("scheduled"));
        }
        let mut answer =
            json!({"conversationId": conversation, "msg": "Message queued successfully."});
        if fields.get("type") == Some(&json!("Email")) {
            let mut email = fields.clone();
            email.insert("body".to_owned(), request.body["html"].clone());
            let email = self.make(&EMAIL, &request.location_id, email, core);
            answer["emailMessageId"] = json!(email.id);
            fields.insert(
                "meta".to_owned(),
                json!({"email": {"messageIds": [email.id]}}),
            );
        }
        let message = self.add_message(&request.location_id, fields, core);
        answer["messageId"] = json!(message.id);
        Ok(wrapped(row, answer, admitted))
    }

    /// `POST /conversations/messages/inbound` and `…/outbound`.
    pub(super) fn record_message(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let mut fields = request.object();
        let id = request.body["conversationId"].as_str().unwrap_or_default();
        let conversation = self.things.find(&CONVERSATION, &request.location_id, id);
        let conversation = conversation.ok_or_else(|| missing(&CONVERSATION, id))?;
        let contact = conversation.text("contactId").to_owned();
        let outbound = row.template.ends_with("outbound");
        let direction = if outbound { "outbound" } else { "inbound" };
        fields.insert("direction".to_owned(), json!(direction));
        fields.insert("contactId".to_owned(), json!(contact));
        let message = self.add_message(&request.location_id, fields, admitted.core);
        let answer = json!({
            "success": true, "conversationId": id, "messageId": message.id, "contactId": contact,
            "message": message.text("body"), "dateAdded": crate::clock::iso_millis(message.made_ms),
        });
        Ok(wrapped(row, answer, admitted))
    }

    /// `POST /conversations/messages/review-reply`.
    pub(super) fn reply_to_review(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = request.body["conversationId"].as_str().unwrap_or_default();
        self.there(admitted, &request.location_id, "conversationId", id)?;
        let mut fields = request.object();
        fields.insert("type".to_owned(), json!("Review"));
        fields.insert("direction".to_owned(), json!("outbound"));
        let message = self.add_message(&request.location_id, fields, admitted.core);
        let answer = json!({"conversationId": id, "messageId": message.id, "msg": "Reply queued successfully."});
        Ok(wrapped(row, answer, admitted))
    }

    /// `GET /conversations/{conversationId}/messages`, newest first.
    pub(super) fn list_messages(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = admitted.parameter(0);
        self.there(admitted, &request.location_id, "conversationId", id)?;
        let own: Vec<&Item> = self
            .things
            .living(&MESSAGE, &request.location_id)
            .rev()
            .filter(|item| item.text("conversationId") == id)
            .collect();
        let after = admitted.query("lastMessageId");
        let from = after.map_or(0, |after| {
            own.iter()
                .position(|item| item.id == after)
                .map_or(own.len(), |at| at + 1)
        });
        let limit = admitted
            .query("limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(PAGE);
        let page: Vec<&Item> = own.iter().copied().skip(from).take(limit).collect();
        let shown: Vec<Value> = page.iter().map(|item| item.shown(&MESSAGE)).collect();
        Ok(Answer::json(
            200,
            &json!({
                "lastMessageId": page.last().map(|item| item.id.clone()).unwrap_or_default(),
                "nextPage": from + page.len() < own.len(),
                "messages": shown,
            }),
        ))
    }

    /// `GET /conversations/messages/export`.
    pub(super) fn export_messages(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let own: Vec<&Item> = self
            .things
            .living(&MESSAGE, &request.location_id)
            .filter(|item| {
                let fits = |name: &str| admitted.query(name).is_none_or(|id| item.text(name) == id);
                fits("conversationId") && fits("contactId")
            })
            .collect();
        let from: usize = admitted
            .query("cursor")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let limit = admitted
            .query("limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(PAGE);
        let shown: Vec<Value> = own
            .iter()
            .skip(from)
            .take(limit)
            .map(|item| item.shown(&MESSAGE))
            .collect();
        let next = from + shown.len();
        let cursor = (next < own.len()).then(|| next.to_string());
        Ok(Answer::json(
            200,
            &json!({"messages": shown, "nextCursor": cursor, "total": own.len()}),
        ))
    }

    /// `PUT /conversations/messages/{messageId}/status` and `…/attachments`.
    pub(super) fn set_message(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = own_id(row, admitted);
        let mut fields = request.object();
        fields.remove("recipients");
        let changed = self.change(&MESSAGE, &request.location_id, id, fields, admitted.core)?;
        Ok(Answer::json(
            200,
            &json!({"conversationId": changed.text("conversationId"), "messageId": id, "msg": "Message updated."}),
        ))
    }

    /// Cancels what is scheduled, and nothing else.
    pub(super) fn cancel_message(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = own_id(row, admitted);
        let item = self.things.find(row.kind, &request.location_id, id);
        let item = item.ok_or_else(|| missing(row.kind, id))?;
        if item.text("status") != "scheduled" {
            return Err(errors::bad_request("Failed cancel the scheduled message"));
        }
        self.delete(row.kind, &request.location_id, id, admitted.core);
        Ok(Answer::json(
            200,
            &json!({"status": 200, "message": "Scheduled message cancelled."}),
        ))
    }

    /// `GET …/messages/{messageId}/transcription`: every call has one sentence.
    pub(super) fn transcription(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        self.spoken(admitted, row)?;
        Ok(Answer::json(
            200,
            &json!({"mediaChannel": 1, "sentenceIndex": 0, "startTime": 0, "endTime": 1200,
                "transcript": super::mail::SAID, "confidence": 0.93}),
        ))
    }

    /// Only calls have a transcription.
    pub(super) fn spoken(&mut self, admitted: &Admitted<'_>, row: &Row) -> Result<(), Answer> {
        let request = self.opened(admitted, row)?;
        let id = own_id(row, admitted);
        let item = self.things.find(&MESSAGE, &request.location_id, id);
        let item = item.ok_or_else(|| missing(&MESSAGE, id))?;
        if item.text("messageType") == "TYPE_CALL" {
            Ok(())
        } else {
            Err(errors::bad_request("Transcription not found"))
        }
    }

    /// `POST /conversations/messages/upload/initiate`.
    pub(super) fn begin_upload(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = request.body["conversationId"].as_str().unwrap_or_default();
        self.there(admitted, &request.location_id, "conversationId", id)?;
        let upload = self.make(
            &UPLOAD,
            &request.location_id,
            request.object(),
            admitted.core,
        );
        let path = format!(
            "uploads/{}/{}",
            request.location_id,
            upload.text("filename")
        );
        let answer = json!({
            "uploadUrl": format!("https://storage.example/{path}"), "uploadId": upload.id, "filePath": path,
            "expiresAt": upload.made_ms + 900_000, "maxFileSize": 26_214_400,
        });
        Ok(wrapped(row, answer, admitted))
    }

    /// `POST /conversations/messages/upload/complete`.
    pub(super) fn finish_upload(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = request.body["uploadId"].as_str().unwrap_or_default();
        let done = Map::from_iter([("done".to_owned(), json!(true))]);
        let upload = self.change(&UPLOAD, &request.location_id, id, done, admitted.core)?;
        let name = upload.text("filename");
        let url = format!(
            "https://storage.example/{}",
            request.body["filePath"].as_str().unwrap_or_default()
        );
        let answer = json!({"uploadedFiles": {name: url}, "metadata": {"filename": name}});
        Ok(wrapped(row, answer, admitted))
    }

    /// `POST /conversations/providers/live-chat/typing`.
    pub(super) fn typing(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = request.body["conversationId"].as_str().unwrap_or_default();
        self.there(admitted, &request.location_id, "conversationId", id)?;
        self.make(
            &TYPING,
            &request.location_id,
            request.object(),
            admitted.core,
        );
        Ok(Answer::json(201, &json!({"success": true})))
    }
}
