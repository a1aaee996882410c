//! One checked action with what it works on, and the small readings that the modules share.

use serde_json::{Map, Value as Json, json};

use super::answer::Answered;
use super::errors::{Failure, fail, fail_with};
use super::local_time::Moment;
use super::log::LogAction;
use super::office::{Right, Rights};
use super::php_json::PhpJson;
use super::quirks::Quirks;
use super::records::Records;
use super::request::{Caller, ResourceId};
use super::rows::{Row, Table};
use super::state::{Change, ChangeKind, State, Who};

/// What an action comes to.
pub(crate) type Outcome = Result<Answered, Failure>;

/// An action under way.
pub(crate) struct Ask<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) quirks: &'a Quirks,
    pub(crate) who: Who,
    pub(crate) now: Moment,
    pub(crate) resource: &'a ResourceId,
    pub(crate) parameters: &'a Map<String, Json>,
    /// What it changed.
    pub(crate) changes: Vec<Change>,
}

impl Ask<'_> {
    /// The API user; for a person, the access that the client has now.
    pub(crate) fn caller(&self) -> Caller {
        match self.who {
            Who::Api(caller) => caller,
            Who::Person(_) | Who::Seed => self.state.newest_caller(),
        }
    }

    /// The number of the user who acts.
    pub(crate) fn user(&self) -> u32 {
        match self.who {
            Who::Person(user) => user,
            Who::Api(_) | Who::Seed => self.state.access(self.caller()).user,
        }
    }

    pub(crate) fn login(&self) -> String {
        self.state
            .user(self.user())
            .map_or_else(String::new, |user| user.login.clone())
    }

    /// How far a right goes; people have all.
    pub(crate) fn right(&self, which: impl Fn(&Rights) -> Right) -> Right {
        match self.who {
            Who::Api(caller) => which(self.state.rights(&caller)),
            Who::Person(_) | Who::Seed => Right::All,
        }
    }

    /// What a list without the right answers: nothing, or 253.
    pub(crate) fn nothing(&self, module: &str) -> Outcome {
        if self.quirks.missing_right_is_empty {
            Ok(Answered::records(Some(0), String::new()))
        } else {
            Err(fail_with(253, module))
        }
    }

    pub(crate) fn records(&mut self) -> &mut Records {
        self.state.records_mut()
    }

    /// Stores a record and says so in the log.
    pub(crate) fn save(&mut self, pick: fn(&mut Records) -> &mut Table, row: Row) -> u32 {
        let id = row.id;
        let table = pick(self.state.records_mut());
        let entity = table.entity;
        let (fields, is_new) = table.put(row);
        let kind = match is_new {
            true => ChangeKind::Create,
            false => ChangeKind::Update,
        };
        self.changed(entity, id, kind, fields);
        id
    }

    /// Notes a change.
    pub(crate) fn changed(
        &mut self,
        entity: &'static str,
        id: u32,
        kind: ChangeKind,
        fields: Vec<String>,
    ) {
        let action = match kind {
            ChangeKind::Create => Some(LogAction::Add),
            ChangeKind::Update | ChangeKind::Merge => Some(LogAction::Edit),
            ChangeKind::Delete => Some(LogAction::Delete),
            ChangeKind::Announce | ChangeKind::None => None,
        };
        if let Some(action) = action {
            self.state.note(self.who, self.now.wall, action, entity, id);
        }
        self.changes.push(Change {
            entity,
            id,
            kind,
            fields,
        });
    }

    /// A text parameter; `None` where there is none or it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        text(self.parameters.get(name)?)
    }

    /// The object under `data`.
    ///
    /// # Errors
    /// 167 without it, 294 where it is something else.
    pub(crate) fn data(&self) -> Result<Map<String, Json>, Failure> {
        match self.parameters.get("data") {
            Some(Json::Object(data)) => Ok(data.clone()),
            Some(Json::Array(items)) if items.is_empty() => Ok(Map::new()),
            None | Some(Json::Null) => Err(fail_with(167, "data")),
            Some(_) => Err(fail_with(294, "data")),
        }
    }

    /// The names under `data`.
    ///
    /// # Errors
    /// 167 without any, 74 for no list, 291 for what is no name.
    pub(crate) fn wanted(&self) -> Result<Vec<String>, Failure> {
        let names = match self.parameters.get("data") {
            None | Some(Json::Null) => return Err(fail_with(167, "data")),
            Some(Json::Array(names)) if names.is_empty() => return Err(fail_with(167, "data")),
            Some(Json::Array(names)) => names,
            Some(_) => return Err(fail(74)),
        };
        let mut wanted: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            let name = name.as_str().ok_or_else(|| fail(291))?;
            if !wanted.iter().any(|known| known == name) {
                wanted.push(name.to_owned());
            }
        }
        Ok(wanted)
    }

    /// The record that `resourceid` names.
    ///
    /// # Errors
    /// 79 without one, `unknown` for what is no number.
    pub(crate) fn record(&self, unknown: u16) -> Result<u32, Failure> {
        match self.resource {
            ResourceId::None => Err(fail(79)),
            ResourceId::Number(id) => {
                u32::try_from(*id).map_err(|_| fail_with(unknown, &id.to_string()))
            }
            ResourceId::Word(word) => Err(fail_with(unknown, word)),
        }
    }

    /// Refuses another resource id than this word with 24.
    pub(crate) fn only(&self, word: &str) -> Result<(), Failure> {
        match self.resource {
            ResourceId::Word(given) if given == word => Ok(()),
            ResourceId::Word(given) => Err(fail_with(24, given)),
            ResourceId::Number(number) => Err(fail_with(24, &number.to_string())),
            ResourceId::None => Err(fail_with(24, "")),
        }
    }

    /// An address that there is.
    ///
    /// # Errors
    /// 292.
    pub(crate) fn known_address(&self, id: u32) -> Result<u32, Failure> {
        self.state.address(id).map(|_| id).ok_or_else(|| fail(292))
    }

    /// An estate that there is.
    ///
    /// # Errors
    /// 293.
    pub(crate) fn known_estate(&self, id: u32) -> Result<u32, Failure> {
        let known = self.state.records().estates.get(id);
        known.map(|row| row.id).ok_or_else(|| fail(293))
    }

    /// A list of records, as many as there are in all.
    pub(crate) fn answer(
        &self,
        total: Option<usize>,
        kind: &Json,
        rows: impl IntoIterator<Item = (Json, Json)>,
    ) -> Outcome {
        let mut out = PhpJson::new(self.quirks.php_escapes);
        for (position, (id, elements)) in rows.into_iter().enumerate() {
            if position > 0 {
                out.raw(",");
            }
            out.raw("{\"id\":").value(&id);
            out.raw(",\"type\":").value(kind);
            let empty = matches!(&elements, Json::Object(members) if members.is_empty());
            let elements = match empty && self.quirks.empty_elements_as_array {
                true => json!([]),
                false => elements,
            };
            out.raw(",\"elements\":").value(&elements).raw("}");
        }
        Ok(Answered::records(total, out.finish()))
    }

    /// What a create answers.
    pub(crate) fn created(&self, kind: &str, ids: &[u32]) -> Outcome {
        let rows = ids.iter().map(|id| (json!(id), json!({})));
        self.answer(None, &json!(kind), rows)
    }

    /// What a modify, a delete and most `do` calls answer.
    pub(crate) fn success(&self, kind: &str) -> Outcome {
        let elements = json!({"success": "success"});
        self.answer(None, &json!(kind), [(json!(0), elements)])
    }
}

/// A text or a number as text; `None` for anything else and for nothing.
pub(crate) fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A record number, as a number or numeric text.
pub(crate) fn number(value: &Json) -> Option<u32> {
    match value {
        Json::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Record numbers, as one or as a list.
///
/// # Errors
/// 228 for what is no number, 302 for more than 500.
pub(crate) fn numbers(name: &str, value: Option<&Json>) -> Result<Vec<u32>, Failure> {
    let one = |value: &Json| number(value).ok_or_else(|| fail_with(228, name));
    match value {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(items)) if items.len() > 500 => Err(fail(302)),
        Some(Json::Array(items)) => items.iter().map(one).collect(),
        Some(single) => Ok(vec![one(single)?]),
    }
}

/// Ids as a read shows them inside a record.
pub(crate) fn as_texts(ids: impl IntoIterator<Item = u32>) -> Json {
    ids.into_iter().map(|id| json!(id.to_string())).collect()
}
