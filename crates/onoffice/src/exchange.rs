//! Sending actions and getting one outcome for each.

use connector::{CallError, Calls, Error, Response};
use jiff::Timestamp;

use crate::{
    action::{self, Action},
    answer::{Answer, Data, Unmatched},
    codes::{Meaning, No, meaning},
    verdict,
};

/// Answers to reading actions.
pub(crate) struct Reading {
    /// One for each action.
    pub(crate) results: Vec<Result<Data, No>>,
    /// When the request was sent, by our clock.
    pub(crate) sent: Timestamp,
    /// The vendor's clock, from the `Date` header.
    pub(crate) server: Option<Timestamp>,
}

impl Reading {
    /// The answer to the only action.
    pub(crate) fn only(
        mut self,
        operation: &'static str,
        action: &Action,
    ) -> Result<(Data, Seen), Error> {
        let seen = Seen {
            sent: self.sent,
            server: self.server,
        };
        match self.results.pop() {
            Some(Ok(data)) => Ok((data, seen)),
            Some(Err(no)) => Err(no.error(operation, &action.parameters)),
            None => Err(unexpected(operation, "no result")),
        }
    }
}

/// When an answer was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) sent: Timestamp,
    pub(crate) server: Option<Timestamp>,
}

/// Sends reading actions.
pub(crate) async fn read(
    calls: &dyn Calls,
    operation: &'static str,
    actions: &[Action],
    records: usize,
) -> Result<Reading, Error> {
    let response = calls
        .send(action::request(operation, actions, records))
        .await?;
    let answer = parse(operation, &response)?;
    let results = match answer.settle(actions.len()) {
        Ok(results) => results,
        // a read that failed as a whole failed for each of its actions
        Err(Unmatched { top: Some(no), .. }) => actions.iter().map(|_| Err(no.clone())).collect(),
        Err(unmatched) => return Err(unexpected(operation, unmatched.what)),
    };
    Ok(Reading {
        results,
        sent: response.sent,
        server: verdict::date(&response.headers),
    })
}

/// Sends one reading action.
pub(crate) async fn read_one(
    calls: &dyn Calls,
    operation: &'static str,
    action: &Action,
    records: usize,
) -> Result<(Data, Seen), Error> {
    read(calls, operation, std::slice::from_ref(action), records)
        .await?
        .only(operation, action)
}

/// How one writing action ended.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    Done(Data),
    No(No),
    /// It may or may not have been carried out.
    Unclear(String),
    /// The call did not come to pass.
    NotSent(CallError),
}

/// Sends writing actions; one outcome for each. Nothing is repeated.
pub(crate) async fn write(
    calls: &dyn Calls,
    operation: &'static str,
    actions: &[Action],
) -> Vec<Written> {
    let all = |written: Written| vec![written; actions.len()];
    let response = match calls
        .send(action::request(operation, actions, actions.len()))
        .await
    {
        Ok(response) => response,
        Err(CallError::OutcomeUnknown { why, .. }) => return all(Written::Unclear(why)),
        Err(error) => return all(Written::NotSent(error)),
    };
    let settled = match parse(operation, &response) {
        Ok(answer) => answer.settle(actions.len()),
        Err(error) => return all(Written::Unclear(error.to_string())),
    };
    match settled {
        Ok(results) => results
            .into_iter()
            .map(|result| match result {
                Ok(data) => Written::Done(data),
                Err(no) if meaning(no.code) == Meaning::Trouble => {
                    Written::Unclear(format!("the vendor says \"{}\" ({})", no.message, no.code))
                }
                Err(no) => match no.as_call_error(operation) {
                    Some(error) => Written::NotSent(error),
                    None => Written::No(no),
                },
            })
            .collect(),
        Err(unmatched) => all(match unmatched.top {
            Some(no) if unmatched.nothing_done => Written::No(no),
            _ => Written::Unclear(unmatched.what),
        }),
    }
}

fn parse(operation: &'static str, response: &Response) -> Result<Answer, Error> {
    Answer::parse(&response.body).ok_or_else(|| Error::Unexpected {
        operation,
        status: response.status.as_u16(),
        what: "it is no answer of onOffice".into(),
    })
}

/// An answer that is not what the documentation says.
pub(crate) fn unexpected(operation: &'static str, what: impl Into<String>) -> Error {
    Error::Unexpected {
        operation,
        status: 200,
        what: what.into(),
    }
}
