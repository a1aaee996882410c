//! The simulated HighLevel (API v2).

use serde_json::{Value, json};

use crate::core::Core;
use crate::counts::Access;
use crate::switches::{Setting, Switch};
use crate::system::System;
use crate::vendor::{ActError, Answer, Call, Operation, Vendor};

pub(crate) const SWITCHES: &[Switch] = &[Switch {
    name: "highlevel.search_lag_ms",
    system: System::HighLevel,
    meaning: "How many milliseconds the search index is behind the records.",
    default: Setting::Number(2_000),
    choices: &[],
    test: "search::lag",
}];

/// All that the simulated HighLevel holds.
#[derive(Debug)]
pub struct State;

impl State {
    pub(crate) fn new(_: &Core) -> Self {
        Self
    }
}

impl Vendor for State {
    fn operation(&self, _: &Call<'_>) -> Operation {
        Operation {
            route: "*",
            access: Access::Read,
            actions: Vec::new(),
        }
    }

    fn handle(&mut self, call: &Call<'_>, _: &Core) -> Answer {
        let message = format!("Cannot {} {}", call.method, call.path);
        Answer::json(404, &json!({"statusCode": 404, "message": message}))
    }

    fn seed(&mut self, records: &[Value], _: &Core) -> Result<Vec<String>, ActError> {
        if records.is_empty() {
            Ok(Vec::new())
        } else {
            Err(ActError::Input("no records yet".to_owned()))
        }
    }

    fn act(&mut self, act: &str, _: &Value, _: &Core) -> Result<Value, ActError> {
        Err(ActError::Unknown {
            system: "highlevel",
            act: act.to_owned(),
            known: String::new(),
        })
    }

    fn dump(&self, _: &Core) -> Value {
        json!({})
    }

    fn reset(&mut self, _: &Core) {}
}
