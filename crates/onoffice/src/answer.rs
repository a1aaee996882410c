//! Taking an answer apart: two status blocks, and every shape that PHP gives an empty thing.
//!
//! `data` is an object, or `[]` when an action failed; `elements` is an object, or `[]` when empty; ids
//! are numbers or strings; a failed action may be told at the top, in the action, or in both.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::codes::{IN_ACTION, No, is_envelope};

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code in the body, which is not the HTTP status.
    pub(crate) code: i64,
    /// The top number and text.
    pub(crate) top: No,
    /// One for each action, if the vendor kept its word.
    results: Vec<ActionAnswer>,
}

#[derive(Debug)]
struct ActionAnswer {
    identifier: Option<String>,
    /// `None`: it has no status of its own.
    no: Option<No>,
    data: Data,
}

/// What a successful action brought.
#[derive(Debug, Default, Clone)]
pub(crate) struct Data {
    /// `cntabsolute`: how many records match in all.
    pub(crate) total: Option<u64>,
    pub(crate) records: Vec<Row>,
}

/// One record of an answer.
#[derive(Debug, Default, Clone)]
pub(crate) struct Row {
    pub(crate) id: Option<String>,
    pub(crate) elements: Map<String, Json>,
    /// What stands there instead of fields, where it is a list and not an empty one.
    pub(crate) list: Option<Vec<Json>>,
}

/// Why an answer could not be matched to the actions of its request.
#[derive(Debug)]
pub(crate) struct Unmatched {
    /// What the vendor said at the top, if it said something.
    pub(crate) top: Option<No>,
    /// Whether nothing can have been carried out.
    pub(crate) nothing_done: bool,
    /// What was wrong, without values.
    pub(crate) what: String,
}

impl Answer {
    /// Reads an answer; `None` if this is no answer of onOffice.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut body: Json = serde_json::from_slice(body).ok()?;
        let status = body.get("status")?.as_object()?;
        let code = integer(status.get("code")?)?;
        let top = no(status)?;
        let results = match body.pointer_mut("/response/results").map(Json::take) {
            Some(Json::Array(results)) => results.into_iter().map(action).collect(),
            _ => Vec::new(),
        };
        Some(Self { code, top, results })
    }

    /// The numbers of all actions; `None` where one has no status. Empty if there are no results.
    pub(crate) fn action_codes(&self) -> impl Iterator<Item = Option<i64>> {
        self.results
            .iter()
            .map(|result| result.no.as_ref().map(|no| no.code))
    }

    /// One outcome for each of the `sent` actions in their order.
    ///
    /// # Errors
    /// When the results cannot be told apart: another number of them, identifiers that were not given
    /// out, or a top status that contradicts all actions.
    pub(crate) fn settle(self, sent: usize) -> Result<Vec<Result<Data, No>>, Unmatched> {
        let failed = self.code >= 300 || self.top.code != 0;
        let top = (failed && self.top.code != IN_ACTION).then(|| self.top.clone());
        let unmatched = |what: String, nothing_done: bool| Unmatched {
            top: top.clone(),
            nothing_done,
            what,
        };
        if self.results.len() != sent {
            let nothing_done = self.results.is_empty() && is_envelope(self.top.code);
            let what = format!("{sent} actions got {} results", self.results.len());
            return Err(unmatched(what, nothing_done));
        }
        let results = in_order(self.results).map_err(|what| unmatched(what, false))?;
        if let [only] = results.as_slice()
            && let Some(top) = &top
            && only.no.as_ref().is_none_or(|no| no.code == 0)
        {
            return Ok(vec![Err(top.clone())]);
        }
        let mut outcomes = Vec::with_capacity(sent);
        for result in results {
            outcomes.push(match result.no {
                Some(no) if no.code == 0 => Ok(result.data),
                Some(no) => Err(no),
                None => return Err(unmatched("an action has no status".into(), false)),
            });
        }
        if failed && outcomes.iter().all(Result::is_ok) {
            let what = format!(
                "every action succeeded, yet the whole failed with {}",
                self.top.code
            );
            return Err(unmatched(what, false));
        }
        Ok(outcomes)
    }
}

/// The results in the order of the actions, by the identifiers that we gave (their places).
fn in_order(results: Vec<ActionAnswer>) -> Result<Vec<ActionAnswer>, String> {
    // a vendor that echoes nothing is matched by order, which it also keeps
    if results.iter().all(|result| result.identifier.is_none()) {
        return Ok(results);
    }
    let count = results.len();
    let mut by_place: HashMap<usize, ActionAnswer> = HashMap::with_capacity(count);
    for result in results {
        let place = result
            .identifier
            .as_deref()
            .and_then(|text| text.parse().ok());
        match place {
            Some(place) if place < count => by_place.insert(place, result),
            _ => return Err("a result has an identifier that was not given out".into()),
        };
    }
    (0..count)
        .map(|place| by_place.remove(&place))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| "two results have the same identifier".into())
}

fn action(mut result: Json) -> ActionAnswer {
    ActionAnswer {
        identifier: result
            .get("identifier")
            .and_then(text)
            .filter(|text| !text.is_empty()),
        no: result.get("status").and_then(Json::as_object).and_then(no),
        data: result
            .get_mut("data")
            .map(Json::take)
            .map(data)
            .unwrap_or_default(),
    }
}

fn data(mut data: Json) -> Data {
    let total = data.pointer("/meta/cntabsolute").and_then(integer);
    let records = match data.get_mut("records").map(Json::take) {
        Some(Json::Array(records)) => records.into_iter().map(row).collect(),
        _ => Vec::new(),
    };
    Data {
        total: total.and_then(|total| u64::try_from(total).ok()),
        records,
    }
}

fn row(mut record: Json) -> Row {
    let (elements, list) = match record.get_mut("elements").map(Json::take) {
        Some(Json::Object(elements)) => (elements, None),
        Some(Json::Array(list)) if !list.is_empty() => (Map::new(), Some(list)),
        _ => (Map::new(), None),
    };
    let id = record
        .get("id")
        .and_then(text)
        .or_else(|| elements.get("id").and_then(text));
    Row { id, elements, list }
}

fn no(status: &Map<String, Json>) -> Option<No> {
    Some(No {
        code: integer(status.get("errorcode")?)?,
        message: status.get("message").and_then(text).unwrap_or_default(),
    })
}

/// A whole number, spelt as number or string.
pub(crate) fn integer(value: &Json) -> Option<i64> {
    match value {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text, or a number as text.
pub(crate) fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn settle(body: Json, sent: usize) -> Result<Vec<Result<Data, No>>, Unmatched> {
        Answer::parse(body.to_string().as_bytes())
            .expect("an answer")
            .settle(sent)
    }

    fn result(identifier: Json, errorcode: i64, id: i64) -> Json {
        json!({"identifier": identifier, "status": {"errorcode": errorcode, "message": "m"},
            "data": {"meta": {"cntabsolute": null}, "records": [{"id": id, "elements": []}]}})
    }

    fn answer(code: i64, errorcode: i64, results: Json) -> Json {
        json!({"status": {"code": code, "errorcode": errorcode, "message": "top"},
            "response": {"results": results}})
    }

    #[test]
    fn results_are_matched_by_identifier_else_by_order() {
        let ids = |body| -> Vec<String> {
            let settled = settle(body, 2).unwrap();
            settled
                .into_iter()
                .map(|data| data.unwrap().records[0].id.clone().unwrap())
                .collect()
        };
        let swapped = json!([result(json!("1"), 0, 21), result(json!("0"), 0, 20)]);
        assert_eq!(ids(answer(200, 0, swapped)), ["20", "21"]);
        let silent = json!([result(json!(null), 0, 20), result(json!(""), 0, 21)]);
        assert_eq!(ids(answer(200, 0, silent)), ["20", "21"]);
    }

    #[test]
    fn what_cannot_be_matched_is_not_guessed() {
        let twice = json!([result(json!("0"), 0, 1), result(json!("0"), 0, 2)]);
        assert!(settle(answer(200, 0, twice), 2).is_err());
        let foreign = json!([result(json!("7"), 0, 1), result(json!("0"), 0, 2)]);
        assert!(settle(answer(200, 0, foreign), 2).is_err());
        let short = settle(answer(200, 0, json!([result(json!("0"), 0, 1)])), 2).unwrap_err();
        assert!(!short.nothing_done && short.top.is_none());
        let contradiction = json!([result(json!("0"), 0, 1), result(json!("1"), 0, 2)]);
        assert!(settle(answer(500, 141, contradiction), 2).is_err());
    }

    #[test]
    fn both_placements_of_an_error_are_read() {
        let silent = answer(
            200,
            0,
            json!([result(json!("0"), 141, 1), result(json!("1"), 0, 2)]),
        );
        let silent = settle(silent, 2).unwrap();
        assert_eq!(silent[0].as_ref().unwrap_err().code, 141);
        assert!(silent[1].is_ok());
        for top in [141, IN_ACTION] {
            let mirrored = json!([{"identifier": "0", "data": [], "status": {"errorcode": 141, "message": "a"}}]);
            let mirrored = settle(answer(500, top, mirrored), 1).unwrap();
            assert_eq!(
                mirrored[0].as_ref().unwrap_err(),
                &No {
                    code: 141,
                    message: "a".into()
                }
            );
        }
        let only_top = json!([{"identifier": "0", "data": []}]);
        let only_top = settle(answer(500, 132, only_top), 1).unwrap();
        assert_eq!(only_top[0].as_ref().unwrap_err().code, 132);
        let refused = settle(answer(400, 14, json!([])), 3).unwrap_err();
        assert!(refused.nothing_done);
        assert_eq!(refused.top.unwrap().code, 14);
        assert!(
            !settle(answer(500, 1, json!([])), 3)
                .unwrap_err()
                .nothing_done
        );
    }

    #[test]
    fn no_answer_of_onoffice_is_recognised() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "<html>",
            "{\"status\":\"ok\"}",
            "{\"status\":{\"code\":200}}",
        ] {
            assert!(Answer::parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    fn json_value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            ".{0,6}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::vec((key(), inner), 0..5)
                    .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
            ]
        })
    }

    fn key() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec![
                "status",
                "code",
                "errorcode",
                "message",
                "response",
                "results",
                "data",
                "meta",
                "cntabsolute",
                "records",
                "id",
                "elements",
                "identifier"
            ])
            .prop_map(str::to_owned),
            ".{0,4}",
        ]
    }

    proptest! {
        #[test]
        fn garbage_never_panics(response in json_value(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let body = json!({"status": {"code": 200, "errorcode": 0}, "response": response});
            if let Some(answer) = Answer::parse(body.to_string().as_bytes()) {
                let _ = answer.settle(2);
            }
            let _ = Answer::parse(&bytes);
        }
    }
}
