//! What users, tokens and the command line did: each request that changes something leaves an act, also one that was
//! refused. An act holds names and ids, never a value and never a secret.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use axum::{Extension, extract::RawPathParams, response::Response};
use http::{StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use store::{Act, ActFilter, ActOutcome, Actor, NewAct};

use crate::{
    Code,
    access::{Caller, Route},
    app::AppState,
};

/// Of those who are not known at most so many acts are kept in a minute: nobody fills the database from outside.
const MOST_OF_NOBODY: usize = 30;

/// Acts that are only tried where the address says `dry_run=true`.
const TRIED: [&str; 3] = ["config.apply", "config.back_to", "link.import"];

/// What somebody does again and again while they work on one thing, as the canvas does that saves as one draws: one act for each
/// sitting.
const REPEATED: [&str; 1] = ["workflow.save"];

/// How soon the next belongs to the same sitting.
const SITTING: SignedDuration = SignedDuration::from_mins(15);

/// How many of the latest acts are looked through for that.
const LATEST: usize = 100;

/// When the last acts of those who are not known were.
#[derive(Default)]
pub(crate) struct Nobodys(Mutex<VecDeque<Timestamp>>);

impl Nobodys {
    fn one_more(&self, now: Timestamp) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = SignedDuration::from_mins(1);
        while last
            .front()
            .is_some_and(|at| now.duration_since(*at) > minute)
        {
            last.pop_front();
        }
        if last.len() >= MOST_OF_NOBODY {
            return false;
        }
        last.push_back(now);
        true
    }
}

/// What a handler knows of its act beyond the address: in its response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note {
    /// What it was done to.
    thing: Option<String>,
    /// Who did it, where they came in with it.
    user: Option<String>,
    /// Nothing was changed: it was a trial.
    trial: bool,
}

impl Note {
    /// It was done to this.
    pub(crate) fn thing(thing: impl Into<String>) -> Extension<Self> {
        Extension(Self {
            thing: Some(thing.into()),
            ..Self::default()
        })
    }

    /// It was done by this user, who came in with it.
    pub(crate) fn by(user: impl Into<String>) -> Extension<Self> {
        Extension(Self {
            user: Some(user.into()),
            ..Self::default()
        })
    }

    /// It was done to this, if it was no trial.
    pub(crate) fn unless(trial: bool, thing: Option<String>) -> Extension<Self> {
        Extension(Self {
            thing,
            trial,
            ..Self::default()
        })
    }
}

/// An act under way. One that is dropped before its end is kept with an outcome that is not known.
pub(crate) struct Recording {
    app: AppState,
    act: Option<NewAct>,
}

impl Recording {
    /// Begins to keep what this request does, if it is something that is kept.
    pub(crate) fn begin(
        app: &AppState,
        caller: Option<&Caller>,
        route: &Route,
        params: Option<RawPathParams>,
        uri: &Uri,
    ) -> Self {
        // elsewhere the parameter means nothing, and must not hide what was done
        let trial = TRIED.contains(&route.act)
            && uri
                .query()
                .is_some_and(|query| query.split('&').any(|pair| pair == "dry_run=true"));
        let wanted = !route.act.is_empty() && !trial;
        let act = wanted.then(|| {
            let things: Vec<String> = params
                .iter()
                .flat_map(|params| params.iter().map(|(_, value)| value.to_owned()))
                .collect();
            NewAct {
                at: app.clock.now(),
                actor: caller.map_or(Actor::Nobody, |caller| caller.actor),
                who: caller.map(|caller| caller.who.clone()).unwrap_or_default(),
                user: caller.and_then(|caller| caller.user.clone()),
                what: route.act.to_owned(),
                thing: things.join(" "),
                outcome: ActOutcome::Unknown,
                code: None,
            }
        });
        Self {
            app: app.clone(),
            act,
        }
    }

    /// The act to keep, now that it is known what became of it.
    pub(crate) fn end(&mut self, response: &Response) -> Option<NewAct> {
        let mut act = self.act.take()?;
        let note = response.extensions().get::<Note>().cloned();
        let Note { thing, user, trial } = note.unwrap_or_default();
        if trial {
            return None;
        }
        if let Some(user) = user {
            act.actor = Actor::User;
            act.who.clone_from(&user);
            act.user = Some(user);
        }
        if let Some(thing) = thing {
            act.thing = thing;
        }
        act.outcome = match response.status() {
            status if status.is_success() => ActOutcome::Done,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ActOutcome::Refused,
            _ => ActOutcome::Failed,
        };
        let code = response.extensions().get::<Code>();
        act.code = code.map(ToString::to_string);
        // of those who are not known only refused sign-ins are of interest
        let nobodys = act.actor == Actor::Nobody;
        if nobodys && (act.outcome != ActOutcome::Refused || !self.app.nobodys.one_more(act.at)) {
            return None;
        }
        Some(act)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(act) = self.act.take()
            && act.actor != Actor::Nobody
        {
            let app = self.app.clone();
            drop(self.app.spawn(async move { keep(&app, &act).await }));
        }
    }
}

/// Keeps what somebody did.
pub(crate) async fn keep(app: &AppState, act: &NewAct) {
    let kept = async {
        if is_of_a_sitting(app, act).await? {
            return Ok(());
        }
        app.store().record_act(app.workspace(), act).await
    };
    if let Err(error) = kept.await {
        tracing::error!(what = act.what, who = act.who, %error, "what was done could not be kept");
    }
}

/// Whether the last that was done to the thing is the same, done by the same, a moment ago.
async fn is_of_a_sitting(app: &AppState, act: &NewAct) -> store::Result<bool> {
    if !REPEATED.contains(&act.what.as_str()) || act.outcome != ActOutcome::Done {
        return Ok(false);
    }
    let latest = ActFilter {
        since: Some(act.at - SITTING),
        limit: LATEST,
        ..ActFilter::default()
    };
    let latest = app.store().acts(app.workspace(), &latest).await?;
    let last = latest.iter().find(|last| last.act.thing == act.thing);
    Ok(last.is_some_and(|Act { act: last, .. }| {
        let by = |act: &NewAct| (act.actor, act.who.clone(), act.what.clone(), act.outcome);
        by(last) == by(act)
    }))
}
