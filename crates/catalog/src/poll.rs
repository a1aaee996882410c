//! Triggers without a webhook: the same question again and again, and what is new in its answer.

use std::collections::BTreeMap;

use connector::{
    Calls, Connector, Error,
    catalog::trigger::{AFTER, Happened, Pages, Poll, SINCE, Source, Trigger},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::run::{RunError, run};

/// How far each question goes back before the last: what the system shows a little late is not missed.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// Most pages that are read at once; the next question goes on with the rest.
const PAGES: usize = 200;

/// After so long the rest of a long answer is not asked for any more, but all of it: a mark of a page ends at some time.
const STALE: SignedDuration = SignedDuration::from_hours(1);

/// What the last question brought, to be kept until the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When it was asked. `None`: never.
    asked: Option<Timestamp>,
    /// A digest of each item that it listed.
    items: BTreeMap<String, u64>,
    /// Where an answer that was too long to be read at once goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<Rest>,
}

/// The rest of a long answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rest {
    /// When its first page was asked for.
    asked: Timestamp,
    page: Page,
}

/// What a question brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answered {
    /// What was not there before, or was different.
    pub happened: Vec<Happened>,
    /// Why more happened than the system shows. It is not seen any more: the next question begins after it.
    pub passed_over: Option<&'static str>,
}

/// Why a question brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The question itself failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is nothing to ask: the system tells.
    #[error("{0} is told by webhook; there is nothing to ask")]
    Told(String),
    /// Its operation is not in the catalog.
    #[error("{0} asks an operation that is not in the catalog")]
    Stray(String),
    /// The connector cannot write the moment.
    #[error(transparent)]
    Setting(#[from] Error),
    /// The answer is not of the form that the trigger says.
    #[error("the answer to {operation} cannot be read: {what}")]
    Answer {
        /// The operation that was asked.
        operation: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Asks once. The first question only notes what is there; later ones answer what was not there before, or was different. What came and
/// went between two questions is not seen. `seen` moves on only if the answer could be read. Of a very long answer the
/// next question reads the rest.
///
/// # Errors
/// When the question fails, or its answer is none.
pub async fn poll(
    calls: &dyn Calls,
    connector: &dyn Connector,
    trigger: &Trigger,
    now: Timestamp,
    seen: &mut Seen,
) -> Result<Answered, PollError> {
    let name = &trigger.id;
    let Source::Poll(trigger) = &trigger.source else {
        return Err(PollError::Told(name.clone()));
    };
    let operation = connector.catalog().operation(&trigger.operation);
    let operation = operation.ok_or_else(|| PollError::Stray(name.clone()))?;
    let from = seen.asked.unwrap_or(now).min(now);
    let from = from.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
    let since = connector.since(trigger, from, calls.settings())?;
    let mut items = BTreeMap::new();
    let mut happened = Vec::new();
    let mut passed_over = None;
    let fresh = |rest: &&Rest| now.duration_since(rest.asked) < STALE;
    let (began, mut page, goes_on) = match seen.rest.as_ref().filter(fresh) {
        Some(rest) => (rest.asked, rest.page.clone(), true),
        None => (now, Page::default(), false),
    };
    let last = page.number + PAGES;
    loop {
        let input = page.input(trigger, &since);
        let answer = run(calls, connector, operation, &input).await?;
        let wrong = |what| PollError::Answer {
            operation: trigger.operation.clone(),
            what,
        };
        let listed = answer.pointer(&trigger.items).and_then(Json::as_array);
        let listed = listed.ok_or_else(|| wrong("there is no list"))?;
        let mut ids = Vec::with_capacity(listed.len());
        let mut new = listed.is_empty();
        for item in listed {
            let id = match item.pointer(&trigger.id) {
                Some(Json::String(id)) => id.clone(),
                Some(Json::Number(id)) => id.to_string(),
                _ => return Err(wrong("an item has no id")),
            };
            let digest = digest(item);
            if seen.asked.is_some()
                && seen.items.get(&id) != Some(&digest)
                && items.get(&id) != Some(&digest)
            {
                happened.push(Happened {
                    trigger: name.clone(),
                    id: id.clone(),
                    item: item.clone(),
                });
            }
            new |= items.insert(id.clone(), digest).is_none();
            ids.push(id);
        }
        match page.next(trigger, &ids, &answer) {
            Ok(Some(_)) if !new => {
                passed_over = Some("its next page is one that was shown before");
                break;
            }
            Ok(Some(next)) if next.number == last => {
                seen.items.append(&mut items);
                seen.rest = Some(Rest {
                    asked: began,
                    page: next,
                });
                return Ok(Answered {
                    happened,
                    passed_over,
                });
            }
            Ok(Some(next)) => page = next,
            Ok(None) => break,
            // asking again would show even less of it
            Err(why) => {
                passed_over = Some(why);
                break;
            }
        }
    }
    let mut listed = match goes_on {
        true => std::mem::take(&mut seen.items),
        false => BTreeMap::new(),
    };
    listed.append(&mut items);
    *seen = Seen {
        asked: Some(began),
        items: listed,
        rest: None,
    };
    Ok(Answered {
        happened,
        passed_over,
    })
}

/// Where in a long answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    number: usize,
    offset: usize,
    after: u64,
    cursor: Option<String>,
}

impl Page {
    fn input(&self, trigger: &Poll, since: &str) -> Map<String, Json> {
        let mut input = filled(&trigger.input, since, self.after);
        if let (Pages::Offset { field, .. }, Json::Object(input)) = (&trigger.pages, &mut input) {
            input.insert(field.clone(), json!(self.offset));
        }
        if let (Pages::Cursor { field, .. }, Some(cursor), Json::Object(input)) =
            (&trigger.pages, &self.cursor, &mut input)
        {
            input.insert(field.clone(), json!(cursor));
        }
        match input {
            Json::Object(input) => input,
            _ => Map::new(),
        }
    }

    /// The next page, if this one was full, or the answer says where it is.
    fn next(
        &self,
        trigger: &Poll,
        ids: &[String],
        answer: &Json,
    ) -> Result<Option<Self>, &'static str> {
        let mut cursor = None;
        match &trigger.pages {
            Pages::Offset { size, .. } | Pages::After { size } | Pages::None { size } => {
                if ids.len() < *size {
                    return Ok(None);
                }
            }
            Pages::Cursor { next, .. } => {
                cursor = match answer.pointer(next) {
                    Some(Json::String(cursor)) if !cursor.is_empty() => Some(cursor.clone()),
                    Some(Json::Number(cursor)) => Some(cursor.to_string()),
                    _ => return Ok(None),
                };
                if cursor == self.cursor {
                    return Err("its next page is itself");
                }
            }
        }
        let mut next = Self {
            number: self.number + 1,
            offset: self.offset + ids.len(),
            after: self.after,
            cursor,
        };
        match &trigger.pages {
            Pages::Offset { .. } | Pages::Cursor { .. } => {}
            Pages::None { .. } => return Err("more happened at once than it can show"),
            Pages::After { .. } => {
                let numbers: Option<Vec<u64>> = ids.iter().map(|id| id.parse().ok()).collect();
                let numbers = numbers.ok_or("its ids are no numbers")?;
                // without order, the highest of a full page says nothing about the rest
                if !numbers.is_sorted() {
                    return Err(
                        "more happened at once than one page shows, and pages have no order",
                    );
                }
                next.after = numbers.last().copied().unwrap_or(self.after);
            }
        }
        Ok(Some(next))
    }
}

/// The input with what stands for something else replaced.
fn filled(value: &Json, since: &str, after: u64) -> Json {
    match value {
        Json::String(text) if text == SINCE => json!(since),
        Json::String(text) if text == AFTER => json!(after),
        Json::Array(items) => items
            .iter()
            .map(|item| filled(item, since, after))
            .collect(),
        Json::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), filled(member, since, after)))
            .collect(),
        other => other.clone(),
    }
}

/// FNV-1a: the same in every release, since it is kept.
fn digest(item: &Json) -> u64 {
    item.to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(pages: Json) -> Poll {
        let text = json!({"operation": "things.list", "clock": "utc", "items": "/records", "id": "/id",
            "input": {"from": SINCE, "filter": {"Nr": [{"op": ">", "val": AFTER}]}}, "pages": pages});
        serde_json::from_value(text).unwrap()
    }

    fn ids(numbers: &[u64]) -> Vec<String> {
        numbers.iter().map(u64::to_string).collect()
    }

    #[test]
    fn a_long_answer_goes_on_where_it_stopped() {
        let by_id = trigger(json!({"after": {"size": 2}}));
        let first = Page::default();
        let input = Json::Object(first.input(&by_id, "s"));
        assert_eq!(
            input,
            json!({"from": "s", "filter": {"Nr": [{"op": ">", "val": 0}]}})
        );
        assert!(
            first
                .next(&by_id, &ids(&[7]), &Json::Null)
                .unwrap()
                .is_none()
        );
        let second = first
            .next(&by_id, &ids(&[7, 9]), &Json::Null)
            .unwrap()
            .unwrap();
        let input = Json::Object(second.input(&by_id, "s"));
        assert_eq!(input["filter"]["Nr"][0]["val"], 9);
        assert!(first.next(&by_id, &ids(&[9, 7]), &Json::Null).is_err());

        let by_offset = trigger(json!({"offset": {"field": "skip", "size": 2}}));
        let second = first
            .next(&by_offset, &ids(&[9, 7]), &Json::Null)
            .unwrap()
            .unwrap();
        assert_eq!(second.input(&by_offset, "s")["skip"], 2);
        let pages = json!({"cursor": {"field": "$cursorNext", "next": "/cursorNext"}});
        let by_cursor = trigger(pages);
        let more = json!({"cursorNext": "c2"});
        let second = first.next(&by_cursor, &ids(&[7]), &more).unwrap().unwrap();
        assert_eq!(second.input(&by_cursor, "s")["$cursorNext"], "c2");
        assert!(second.next(&by_cursor, &ids(&[9]), &more).is_err());
        let end = json!({"cursorNext": null});
        assert!(second.next(&by_cursor, &ids(&[9]), &end).unwrap().is_none());
        let at_once = trigger(json!({"none": {"size": 2}}));
        assert!(
            first
                .next(&at_once, &ids(&[7]), &Json::Null)
                .unwrap()
                .is_none()
        );
        assert!(first.next(&at_once, &ids(&[7, 9]), &Json::Null).is_err());
    }
}
