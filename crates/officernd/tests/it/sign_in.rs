//! Tokens by client credentials: scopes that are not granted are found and named.

use std::collections::BTreeSet;

use connector::{CallError, Connector, Error, Grant};
use proptest::prelude::*;
use record::Entity;
use serde_json::json;

use crate::fake::{Fake, Reply, app, body, no, ok};

fn wanted() -> Vec<String> {
    officernd::OfficeRnD::new().scopes(&[Entity::Contact, Entity::Company], true)
}

/// A token server that grants these scopes only, and says of a refusal only that it is one.
fn server(granted: BTreeSet<String>) -> Fake {
    server_with(json!({}), granted)
}

fn server_with(settings: serde_json::Value, granted: BTreeSet<String>) -> Fake {
    Fake::with(settings, move |request| {
        assert_eq!(request.operation, "oauth.token");
        assert_eq!(
            request.base_url.as_deref(),
            Some("https://identity.officernd.com")
        );
        let form = body(request);
        assert_eq!(form["grant_type"], "client_credentials");
        assert_eq!(form["client_secret"], "SECRET-client");
        let asked = form["scope"].as_str().unwrap().to_owned();
        if asked.is_empty() || !asked.split(' ').all(|scope| granted.contains(scope)) {
            return no(400, "Bad Request");
        }
        ok(
            json!({"access_token": "eyJNEW", "token_type": "Bearer", "expires_in": 3599, "scope": asked}),
        )
    })
}

async fn sign_in(fake: &Fake) -> Result<Grant, Error> {
    fake.connector.refresh(fake, &app(), &wanted()).await
}

#[tokio::test]
async fn all_scopes_at_once_where_all_are_granted() {
    let fake = server(wanted().into_iter().collect());
    let grant = sign_in(&fake).await.unwrap();
    assert_eq!(fake.sent().len(), 1);
    assert_eq!(grant.tokens.scopes, wanted());
    assert_eq!(grant.tokens.access.expose(), "eyJNEW");
    assert_eq!(
        grant.tokens.expires,
        Some("2026-11-21T10:59:59Z".parse().unwrap())
    );
    assert_eq!(
        grant.settings,
        json!({"organization": "my-space", "missing_scopes": []})
    );
}

#[tokio::test]
async fn one_scope_that_is_not_granted_is_found_by_halving() {
    for missing in wanted().into_iter().skip(1) {
        let granted = wanted().into_iter().filter(|scope| *scope != missing);
        let fake = server(granted.clone().collect());
        let grant = sign_in(&fake).await.unwrap();
        let got: BTreeSet<String> = grant.tokens.scopes.into_iter().collect();
        assert_eq!(got, granted.collect(), "{missing}");
        assert!(fake.sent().len() <= 10, "{missing}: {}", fake.sent().len());
    }
}

#[tokio::test]
async fn a_wrong_secret_ends_after_two_requests() {
    let fake = server(BTreeSet::new());
    let error = sign_in(&fake).await.unwrap_err();
    assert!(
        matches!(&error, Error::Call(CallError::Credentials { why, .. })
            if why.contains("secret") && why.contains("flex.community.members.read")),
        "{error}"
    );
    assert!(!error.to_string().contains("SECRET"), "{error}");
    assert_eq!(fake.sent().len(), 2);

    let fake = Fake::with(json!({}), |_| {
        Reply::Json(
            401,
            json!({"error": "invalid_client", "error_description": "unknown client"}),
        )
    });
    let error = sign_in(&fake).await.unwrap_err();
    assert!(matches!(error, Error::Call(CallError::Credentials { .. })));
    assert!(fake.sent().len() <= 2);
}

#[tokio::test]
async fn a_server_that_names_the_scope_is_asked_once_more_only() {
    let missing = wanted()[4].clone();
    let named = missing.clone();
    let fake = Fake::with(json!({}), move |request| {
        let asked = body(request)["scope"].as_str().unwrap().to_owned();
        if asked.contains(&named) {
            let said = format!("Scope {named} is not allowed");
            return Reply::Json(
                400,
                json!({"error": "invalid_scope", "error_description": said}),
            );
        }
        // an older form of the answer, without the scopes
        ok(json!({"token": "eyJNEW"}))
    });
    let grant = sign_in(&fake).await.unwrap();
    assert_eq!(fake.sent().len(), 2);
    assert!(!grant.tokens.scopes.contains(&missing));
    assert_eq!(grant.tokens.scopes.len(), wanted().len() - 1);
}

/// A token server that grants everything, or all but one scope, and has a 400 for some requests, by their number from 0.
fn moody(settings: serde_json::Value, lacks: Option<String>, mishaps: &'static [usize]) -> Fake {
    let number = std::sync::atomic::AtomicUsize::new(0);
    Fake::with(settings, move |request| {
        let asked = body(request)["scope"].as_str().unwrap().to_owned();
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let lacks = lacks.as_ref();
        if mishaps.contains(&number)
            || lacks.is_some_and(|one| asked.split(' ').any(|scope| scope == one))
        {
            return no(400, "Bad Request");
        }
        ok(json!({"access_token": "eyJNEW", "scope": asked}))
    })
}

#[tokio::test]
async fn a_refusal_by_mishap_loses_no_scope() {
    let all: BTreeSet<String> = wanted().into_iter().collect();
    for mishaps in [&[0][..], &[0, 2], &[0, 3], &[0, 4], &[0, 5]] {
        let fake = moody(json!({}), None, mishaps);
        let grant = sign_in(&fake).await.unwrap();
        let got: BTreeSet<String> = grant.tokens.scopes.into_iter().collect();
        assert_eq!(got, all, "{mishaps:?}");
        assert_eq!(grant.settings["missing_scopes"], json!([]), "{mishaps:?}");
    }
}

#[tokio::test]
async fn a_lost_scope_is_asked_for_again_after_some_hours() {
    let lost = wanted()[6].clone();
    let fake = moody(json!({}), Some(lost.clone()), &[]);
    let grant = sign_in(&fake).await.unwrap();
    assert_eq!(grant.settings["missing_scopes"], json!([lost]));
    let scopes = grant.tokens.scopes;
    assert!(!scopes.contains(&lost));
    // it is granted meanwhile, and the connection asks for what it has
    for (hours, requests, is_back) in [(1, 1, false), (4, 1, true)] {
        let fake = moody(grant.settings.clone(), None, &[]);
        fake.pass(jiff::SignedDuration::from_hours(hours));
        let again = fake
            .connector
            .refresh(&fake, &app(), &scopes)
            .await
            .unwrap();
        assert_eq!(fake.sent().len(), requests);
        assert_eq!(again.tokens.scopes.contains(&lost), is_back, "{hours}");
        let left = if is_back { json!([]) } else { json!([lost]) };
        assert_eq!(again.settings["missing_scopes"], left);
    }
    // it is not: that is seen with one request more, and not again before its time
    let mut settings = grant.settings;
    for (hours, requests) in [(4, 2), (5, 1), (8, 2)] {
        let fake = moody(settings.clone(), Some(lost.clone()), &[]);
        fake.pass(jiff::SignedDuration::from_hours(hours));
        let again = fake
            .connector
            .refresh(&fake, &app(), &scopes)
            .await
            .unwrap();
        assert_eq!(fake.sent().len(), requests, "after {hours} hours");
        assert_eq!(again.settings["missing_scopes"], json!([lost]));
        settings = again.settings;
    }
}

/// Scopes that single operations need, beside those of the sync.
fn further() -> Vec<String> {
    let mut scopes: Vec<String> = officernd::OfficeRnD::new()
        .catalog()
        .operations
        .iter()
        .flat_map(|operation| operation.needs.clone())
        .filter(|scope| !wanted().contains(scope))
        .collect();
    scopes.sort();
    scopes.dedup();
    scopes
}

/// Renews again and again, as the connection does, until nothing is open. How many requests each took.
async fn renewals(granted: BTreeSet<String>) -> (Vec<usize>, Grant) {
    let mut settings = json!({"further_scopes": "catalog"});
    let mut scopes = wanted();
    let mut requests = Vec::new();
    loop {
        let fake = server_with(settings.clone(), granted.clone());
        let grant = fake
            .connector
            .refresh(&fake, &app(), &scopes)
            .await
            .unwrap();
        requests.push(fake.sent().len());
        for key in ["missing_scopes", "missing_since"] {
            settings[key] = grant.settings[key].clone();
        }
        scopes = grant.tokens.scopes.clone();
        if requests.last() == Some(&1) {
            return (requests, grant);
        }
        assert!(requests.len() < 30, "it comes to no end: {requests:?}");
    }
}

#[tokio::test]
async fn further_scopes_are_found_out_once_a_few_at_a_time() {
    let all = [wanted(), further()].concat();
    assert!(further().len() > 60);
    for lacking in [
        vec![further()[7].clone()],
        further().into_iter().step_by(20).collect(),
        further().into_iter().skip(3).collect(),
    ] {
        let granted = all.iter().filter(|scope| !lacking.contains(scope));
        let granted: BTreeSet<String> = granted.cloned().collect();
        let (requests, grant) = renewals(granted.clone()).await;
        let got: BTreeSet<String> = grant.tokens.scopes.into_iter().collect();
        assert_eq!(got, granted, "all that is granted and nothing else");
        let named: BTreeSet<&str> = grant.settings["missing_scopes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|scope| scope.as_str().unwrap())
            .collect();
        assert_eq!(named, lacking.iter().map(String::as_str).collect());
        assert!(
            requests.iter().all(|requests| *requests <= 14),
            "{requests:?}"
        );
        let bound = match lacking.len() {
            1 => 2,
            few if few < 10 => 4,
            _ => 9,
        };
        assert!(
            requests.len() <= bound,
            "{} missing: {requests:?}",
            lacking.len()
        );
    }
}

#[tokio::test]
async fn what_is_not_found_out_yet_holds_nothing_up() {
    let granted: BTreeSet<String> = wanted().into_iter().collect();
    let settings = json!({"further_scopes": "catalog"});
    let fake = Fake::with(settings.clone(), move |request| {
        let asked = body(request)["scope"].as_str().unwrap().to_owned();
        match asked.split(' ').count() {
            15 => ok(json!({"access_token": "eyJNEW", "scope": asked})),
            16..=31 => Reply::TimeOut,
            _ => no(400, "Bad Request"),
        }
    });
    let grant = sign_in(&fake).await.unwrap();
    let got: BTreeSet<String> = grant.tokens.scopes.into_iter().collect();
    assert_eq!(got, granted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is granted beside the first scope is found, all of it and nothing else.
    #[test]
    fn exactly_what_is_granted_is_found(granted in proptest::collection::vec(any::<bool>(), 15)) {
        let wanted = wanted();
        prop_assert_eq!(wanted.len(), 15);
        let granted: BTreeSet<String> = wanted
            .iter()
            .enumerate()
            .filter(|(index, _)| *index == 0 || granted[*index])
            .map(|(_, scope)| scope.clone())
            .collect();
        let fake = server(granted.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let grant = runtime.block_on(sign_in(&fake)).unwrap();
        let got: BTreeSet<String> = grant.tokens.scopes.into_iter().collect();
        prop_assert_eq!(got, granted);
    }
}
