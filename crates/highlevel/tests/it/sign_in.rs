//! Signing in, staying signed in, and what is said when that fails.

use std::sync::Mutex;

use connector::{
    Body, CallError, Connector, Credentials, Error, Grant, Request, SecretText, Tokens,
};
use serde_json::{Value as Json, json};

use crate::fake::{Fake, LOCATION, Reply, app, no, ok, private_token, signed_in};

const BASE: &str = "https://services.leadconnectorhq.com";
const REDIRECT: &str = "https://tandem.example.org/oauth/callback";

fn location_answer() -> Json {
    json!({
        "access_token": "SECRET-access-1", "token_type": "Bearer", "expires_in": 86399,
        "refresh_token": "SECRET-refresh-1", "scope": "contacts.readonly locations.readonly",
        "userType": "Location", "locationId": LOCATION, "companyId": "comp1", "userId": "u1",
    })
}

fn company_answer(number: u32) -> Json {
    json!({
        "access_token": format!("SECRET-company-{number}"), "expires_in": 86399,
        "refresh_token": format!("SECRET-company-refresh-{number}"), "scope": "contacts.readonly oauth.write",
        "userType": "Company", "companyId": "comp1", "userId": "u1",
    })
}

fn minted() -> Reply {
    Reply::Json(
        201,
        json!({"access_token": "SECRET-minted", "expires_in": 86400, "refresh_token": "SECRET-minted-refresh",
            "scope": "contacts.readonly oauth.readonly oauth.write", "locationId": LOCATION, "userId": "u1"}),
    )
}

fn form(request: &Request, name: &str) -> String {
    let Body::Form(form) = &request.body else {
        panic!("not a form")
    };
    form.iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.clone())
        .unwrap_or_default()
}

fn bearer(request: &Request) -> String {
    let value = request.headers.get("authorization").expect("a bearer");
    assert!(value.is_sensitive());
    value.to_str().unwrap().to_owned()
}

async fn exchange(fake: &Fake) -> Result<Grant, Error> {
    fake.connector
        .exchange_code(fake, &app(), REDIRECT, "code1")
        .await
}

async fn refresh(fake: &Fake, credentials: &Credentials) -> Result<Grant, Error> {
    let result = fake.connector.refresh(fake, credentials, &[]).await;
    if let Err(error) = &result {
        without_secrets(error);
    }
    result
}

fn without_secrets(error: &Error) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("SECRET"), "{text}");
    }
}

#[test]
fn the_consent_page_is_asked_for_what_is_needed() {
    let connector = highlevel::HighLevel::new();
    let url = |base: &str, settings: Json, credentials: &Credentials| {
        connector
            .authorize_url(
                base,
                credentials,
                &settings,
                REDIRECT,
                &["contacts.readonly".to_owned(), "users.readonly".to_owned()],
                "st+te",
            )
            .unwrap()
    };
    assert_eq!(
        url(BASE, json!({}), &app()),
        "https://marketplace.gohighlevel.com/v2/oauth/chooselocation?response_type=code\
         &redirect_uri=https%3A%2F%2Ftandem.example.org%2Foauth%2Fcallback\
         &client_id=6578278e879ad2646715ba9c-lx8k2p1q&scope=contacts.readonly%20users.readonly\
         &state=st%2Bte"
    );
    let white_label = json!({
        "authorize_url": "https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation?loginWindowOpenMode=self",
        "agency_install": true,
        "version_id": "v1",
    });
    let white_label = url(BASE, white_label, &app());
    assert!(
        white_label.starts_with(
            "https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation?loginWindowOpenMode=self&response_type=code"
        ),
        "{white_label}"
    );
    assert!(
        white_label
            .contains("scope=contacts.readonly%20users.readonly%20oauth.readonly%20oauth.write&"),
        "{white_label}"
    );
    assert!(white_label.ends_with("&version_id=v1"), "{white_label}");
    assert!(
        url("http://127.0.0.1:4010/", json!({}), &app())
            .starts_with("http://127.0.0.1:4010/v2/oauth/chooselocation?")
    );
    assert!(
        connector
            .authorize_url(BASE, &private_token(), &json!({}), REDIRECT, &[], "s")
            .is_err()
    );
}

#[tokio::test]
async fn a_code_buys_the_tokens_of_a_location() {
    let camel = json!({
        "accessToken": "SECRET-access-1", "expiresIn": 86399, "refreshToken": "SECRET-refresh-1",
        "scope": "contacts.readonly locations.readonly", "userType": "Location", "locationId": LOCATION,
        "companyId": "comp1",
    });
    for answer in [location_answer(), camel] {
        let fake = Fake::with(json!({}), move |request| {
            assert_eq!(form(request, "grant_type"), "authorization_code");
            assert_eq!(form(request, "code"), "code1");
            assert_eq!(form(request, "redirect_uri"), REDIRECT);
            assert_eq!(form(request, "client_secret"), "SECRET-client");
            assert!(!request.headers.contains_key("authorization"));
            ok(answer.clone())
        });
        let grant = exchange(&fake).await.unwrap();
        assert_eq!(grant.tokens.access.expose(), "SECRET-access-1");
        assert_eq!(grant.tokens.refresh.unwrap().expose(), "SECRET-refresh-1");
        assert_eq!(
            grant.tokens.expires,
            Some("2026-11-22T09:59:59Z".parse().unwrap())
        );
        assert_eq!(
            grant.tokens.scopes,
            ["contacts.readonly", "locations.readonly"]
        );
        assert_eq!(
            grant.settings,
            json!({"location_id": LOCATION, "company_id": "comp1"})
        );
        assert!(grant.tokens.further.is_empty());
    }
}

#[tokio::test]
async fn a_bad_code_and_a_bad_secret_are_told_apart() {
    let bad_code = Fake::new(|_| {
        Reply::Json(
            401,
            json!({"error": "UnAuthorized!", "error_description": "Authorization code not found"}),
        )
    });
    let error = exchange(&bad_code).await.unwrap_err();
    assert!(matches!(&error, Error::Call(CallError::Credentials { .. })));
    assert_eq!(
        error.to_string(),
        "the connection was refused at oauth.token: sign in again (Authorization code not found)"
    );
    let bad_secret = Fake::new(|_| no(401, "Invalid client: client_secret is invalid"));
    let error = exchange(&bad_secret).await.unwrap_err().to_string();
    assert!(error.contains("check the app's client ID"), "{error}");
    let gateway = Fake::new(|_| Reply::Text(502, "<html>"));
    let error = exchange(&gateway).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Call(CallError::OutcomeUnknown { .. })
    ));
    let nonsense = Fake::new(|_| ok(json!({"access_token": 5, "x": "SECRET-access"})));
    without_secrets(&exchange(&nonsense).await.unwrap_err());
}

#[tokio::test]
async fn an_agency_sign_in_is_exchanged_for_the_location() {
    let fake = Fake::new(|request| match request.operation {
        "oauth.token" => ok(company_answer(1)),
        "oauth.location_token" => {
            assert_eq!(bearer(request), "Bearer SECRET-company-1");
            assert_eq!(form(request, "companyId"), "comp1");
            assert_eq!(form(request, "locationId"), LOCATION);
            minted()
        }
        other => panic!("{other}"),
    });
    let grant = exchange(&fake).await.unwrap();
    assert_eq!(grant.tokens.access.expose(), "SECRET-minted");
    assert_eq!(
        grant.tokens.refresh.as_ref().unwrap().expose(),
        "SECRET-minted-refresh"
    );
    assert_eq!(
        grant.tokens.further["company_refresh"].expose(),
        "SECRET-company-refresh-1"
    );
    // What is printed or put in the account shows none of it.
    let shown = format!("{grant:?}");
    assert!(!shown.contains("SECRET"), "{shown}");
    assert_eq!(
        grant.settings,
        json!({"location_id": LOCATION, "company_id": "comp1"})
    );
}

#[tokio::test]
async fn an_agency_sign_in_without_a_location_lists_what_there_is() {
    let fake = Fake::with(json!({}), |request| match request.operation {
        "oauth.token" => ok(company_answer(1)),
        "oauth.installed_locations" => {
            assert_eq!(bearer(request), "Bearer SECRET-company-1");
            let app_id = ("appId".to_owned(), "6578278e879ad2646715ba9c".to_owned());
            assert!(request.query.contains(&app_id));
            ok(json!({"locations": [
                {"_id": "loc1", "name": "Heide", "address": "x", "isInstalled": true},
                {"_id": "loc2", "name": "Ring", "address": "y", "isInstalled": true},
            ], "count": 2}))
        }
        other => panic!("{other}"),
    });
    let error = exchange(&fake).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection's `location_id` is missing or wrong: the app was installed for the whole \
         agency, so say which sub-account is meant and connect again; it is installed in Heide (loc1), \
         Ring (loc2)"
    );
}

#[tokio::test]
async fn an_agency_sign_in_that_does_not_cover_the_location_says_so() {
    let fake = Fake::new(|request| match request.operation {
        "oauth.token" => ok(company_answer(1)),
        "oauth.location_token" => no(400, "Location not found"),
        "oauth.installed_locations" => no(401, "The token is not authorized for this scope."),
        other => panic!("{other}"),
    });
    let error = exchange(&fake).await.unwrap_err();
    without_secrets(&error);
    let error = error.to_string();
    assert!(
        error.contains(LOCATION)
            && error.contains("Location not found")
            && error.contains("could not be found out"),
        "{error}"
    );

    let fake = Fake::new(|request| match request.operation {
        "oauth.token" => ok(company_answer(1)),
        _ => no(401, "The token is not authorized for this scope."),
    });
    let error = exchange(&fake).await.unwrap_err().to_string();
    assert!(error.contains("oauth.write"), "{error}");
}

#[tokio::test]
async fn another_location_than_the_connections_is_not_taken() {
    let fake = Fake::with(json!({"location_id": "mine"}), |_| ok(location_answer()));
    let error = exchange(&fake).await.unwrap_err();
    without_secrets(&error);
    assert!(matches!(
        &error,
        Error::Setting {
            setting: "location_id",
            ..
        }
    ));
    let error = error.to_string();
    assert!(error.contains("choose mine when signing in"), "{error}");
}

async fn location_tokens() -> Tokens {
    let fake = Fake::new(|_| ok(location_answer()));
    exchange(&fake).await.unwrap().tokens
}

async fn agency_tokens() -> Tokens {
    let fake = Fake::new(|request| match request.operation {
        "oauth.token" => ok(company_answer(1)),
        _ => minted(),
    });
    exchange(&fake).await.unwrap().tokens
}

#[tokio::test]
async fn a_refresh_rotates_and_keeps_the_agencys_pair() {
    let fake = Fake::new(|request| {
        assert_eq!(form(request, "grant_type"), "refresh_token");
        assert_eq!(form(request, "refresh_token"), "SECRET-refresh-1");
        let mut answer = location_answer();
        answer["refresh_token"] = json!("SECRET-refresh-2");
        ok(answer)
    });
    let grant = refresh(&fake, &signed_in(location_tokens().await))
        .await
        .unwrap();
    assert_eq!(grant.tokens.refresh.unwrap().expose(), "SECRET-refresh-2");
    // A lost answer must come back as "unknown", so that it is asked for again in time.
    assert_eq!(fake.sent()[0].effect, connector::Effect::Write);

    let fake = Fake::new(|request| {
        assert_eq!(form(request, "refresh_token"), "SECRET-minted-refresh");
        ok(location_answer())
    });
    let grant = refresh(&fake, &signed_in(agency_tokens().await))
        .await
        .unwrap();
    assert_eq!(
        grant.tokens.further["company_access"].expose(),
        "SECRET-company-1"
    );
}

/// A script of answers in their order.
fn in_order(replies: Vec<(&'static str, Reply)>) -> Fake {
    let replies = Mutex::new(replies.into_iter());
    Fake::new(move |request| {
        let (operation, reply) = replies.lock().unwrap().next().expect("one call too many");
        assert_eq!(request.operation, operation);
        reply
    })
}

fn dead() -> Reply {
    no(400, "Invalid grant: refresh token is invalid")
}

#[tokio::test]
async fn a_dead_refresh_token_is_replaced_through_the_agency() {
    let tokens = agency_tokens().await;
    // The agency's access token is still good.
    let fake = in_order(vec![
        ("oauth.token", dead()),
        ("oauth.location_token", minted()),
    ]);
    let grant = refresh(&fake, &signed_in(tokens.clone())).await.unwrap();
    assert_eq!(grant.tokens.access.expose(), "SECRET-minted");

    // It ended: its own refresh comes first, and its new pair is kept.
    let fake = in_order(vec![
        ("oauth.token", dead()),
        ("oauth.token", ok(company_answer(2))),
        ("oauth.location_token", minted()),
    ]);
    fake.pass(2 * 86_400);
    let grant = refresh(&fake, &signed_in(tokens.clone())).await.unwrap();
    assert_eq!(
        form(&fake.sent()[1], "refresh_token"),
        "SECRET-company-refresh-1"
    );
    assert_eq!(form(&fake.sent()[1], "user_type"), "Company");
    assert_eq!(bearer(&fake.sent()[2]), "Bearer SECRET-company-2");
    assert_eq!(
        grant.tokens.further["company_refresh"].expose(),
        "SECRET-company-refresh-2"
    );

    // The exchange fails after the agency's refresh: the spent token's successor is still handed back.
    let fake = in_order(vec![
        ("oauth.token", dead()),
        ("oauth.token", ok(company_answer(2))),
        ("oauth.location_token", Reply::Text(502, "<html>")),
    ]);
    fake.pass(2 * 86_400);
    let kept = refresh(&fake, &signed_in(tokens)).await.unwrap().tokens;
    assert_eq!(
        kept.further["company_refresh"].expose(),
        "SECRET-company-refresh-2"
    );
    assert_eq!(kept.expires, Some("2026-11-23T10:00:00Z".parse().unwrap()));
    // The next refresh begins with the agency's new token.
    let fake = in_order(vec![
        ("oauth.token", dead()),
        ("oauth.location_token", minted()),
    ]);
    fake.pass(2 * 86_400);
    refresh(&fake, &signed_in(kept)).await.unwrap();
    assert_eq!(bearer(&fake.sent()[1]), "Bearer SECRET-company-2");
}

#[tokio::test]
async fn an_exchange_without_a_refresh_token_lives_on_the_agencys() {
    let fake = Fake::new(|request| match request.operation {
        "oauth.token" => ok(company_answer(1)),
        _ => ok(
            json!({"access_token": "SECRET-minted", "expires_in": 86400, "locationId": LOCATION}),
        ),
    });
    let tokens = exchange(&fake).await.unwrap().tokens;
    assert!(tokens.refresh.is_some());
    let fake = in_order(vec![("oauth.location_token", minted())]);
    refresh(&fake, &signed_in(tokens)).await.unwrap();
}

#[tokio::test]
async fn lost_tokens_are_recovered_by_the_apps_own_credentials() {
    let tokens = location_tokens().await;
    let fake = in_order(vec![
        ("oauth.token", dead()),
        (
            "oauth.reconnect",
            ok(json!({"authorizationCode": "code2", "expiresAt": "x", "traceId": "t"})),
        ),
        ("oauth.token", ok(location_answer())),
    ]);
    refresh(&fake, &signed_in(tokens.clone())).await.unwrap();
    let Body::Json(body) = &fake.sent()[1].body else {
        panic!()
    };
    assert_eq!(body["locationId"], LOCATION);
    assert_eq!(form(&fake.sent()[2], "code"), "code2");

    let fake = in_order(vec![
        ("oauth.token", dead()),
        ("oauth.reconnect", no(403, "App is not installed")),
    ]);
    let error = refresh(&fake, &signed_in(tokens)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection was refused at oauth.token: sign in again (Invalid grant: refresh token is \
         invalid; reconnecting by the app's own credentials: App is not installed)"
    );
}

#[tokio::test]
async fn another_location_of_the_agency_is_connected_and_spends_no_refresh_token() {
    let of = signed_in(agency_tokens().await);
    let own = app();
    let covered = || json!({"location_id": LOCATION, "agency_install": true});
    let shared = |fake: Fake| {
        let (own, of) = (own.clone(), of.clone());
        async move {
            let grant = fake.connector.share(&fake, &own, &of).await;
            (grant, fake)
        }
    };
    // The agency's token still lives: it is the only thing used.
    let fake = Fake::with(covered(), |request| match request.operation {
        "oauth.location_token" => {
            assert_eq!(bearer(request), "Bearer SECRET-company-1");
            minted()
        }
        other => panic!("{other}"),
    });
    let (grant, _) = shared(fake).await;
    let tokens = grant.unwrap().unwrap().tokens;
    assert_eq!(tokens.refresh.unwrap().expose(), "SECRET-minted-refresh");
    assert!(tokens.further.contains_key("company_access"));
    // It works once, and the other connection needs it.
    assert!(!tokens.further.contains_key("company_refresh"));

    // It has ended: the app's own credentials buy another, with a pair that is nobody else's.
    let anew = |request: &Request| match request.operation {
        "oauth.reconnect" => {
            let Body::Json(body) = &request.body else {
                panic!()
            };
            assert_eq!(body["companyId"], "comp1");
            ok(json!({"authorizationCode": "code2"}))
        }
        "oauth.token" => {
            assert_eq!(form(request, "grant_type"), "authorization_code");
            ok(company_answer(2))
        }
        "oauth.location_token" => minted(),
        other => panic!("{other}"),
    };
    let fake = Fake::with(covered(), anew);
    fake.pass(2 * 86_400);
    let (grant, _) = shared(fake).await;
    let tokens = grant.unwrap().unwrap().tokens;
    let company = &tokens.further["company_refresh"];
    assert_eq!(company.expose(), "SECRET-company-refresh-2");

    // Nobody said that the agency's sign-in may be used.
    let alone = json!({"location_id": LOCATION});
    let (grant, fake) = shared(Fake::with(alone, |_| panic!("nothing is to be sent"))).await;
    assert!(grant.unwrap().is_none());
    assert!(fake.sent().is_empty());
}

#[tokio::test]
async fn all_pages_of_an_agencys_locations_are_read() {
    let of = signed_in(agency_tokens().await);
    let fake = Fake::with(json!({}), |request| {
        let skip = request
            .query
            .iter()
            .find(|(name, _)| name == "skip")
            .map(|(_, skip)| skip.parse::<usize>().unwrap());
        let rest = 130 - skip.unwrap();
        let page: Vec<Json> = (0..rest.min(100))
            .map(|number| json!({"_id": format!("l{}", number + skip.unwrap()), "name": "n"}))
            .collect();
        ok(json!({"locations": page, "count": 130}))
    });
    let reached = fake.connector.reaches(&fake, &of).await.unwrap().unwrap();
    assert_eq!(reached.len(), 130);
    assert_eq!(reached[129].id, "l129");
}

#[tokio::test]
async fn trouble_spends_nothing_and_says_what_it_is() {
    let tokens = agency_tokens().await;
    // A server in trouble is no reason to try other ways.
    let fake = in_order(vec![("oauth.token", Reply::Text(503, "<html>"))]);
    let error = refresh(&fake, &signed_in(tokens.clone()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Call(CallError::OutcomeUnknown { .. })),
        "{error:?}"
    );
    let fake = in_order(vec![("oauth.token", no(400, "Location is not active"))]);
    let error = refresh(&fake, &signed_in(tokens.clone()))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("works again once it is"), "{error}");

    // The location was changed by hand: nothing is sent, so the single-use token stays good.
    let fake = Fake::with(json!({"location_id": "mine"}), |_| {
        panic!("nothing is to be sent")
    });
    let error = refresh(&fake, &signed_in(tokens)).await.unwrap_err();
    assert!(matches!(error, Error::Setting { .. }));
    for credentials in [private_token(), app()] {
        let error = refresh(&fake, &credentials).await.unwrap_err();
        assert!(
            matches!(error, Error::Call(CallError::Credentials { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn requests_are_signed_with_what_the_connection_has() {
    let connector = highlevel::HighLevel::new();
    let sign = |credentials: &Credentials, settings: Json| {
        let mut request = Request::new(
            "contacts.get",
            connector::Effect::Read,
            http::Method::GET,
            "/contacts/c1",
        );
        connector
            .authorise(
                &mut request,
                credentials,
                &settings,
                jiff::Timestamp::UNIX_EPOCH,
            )
            .map(|()| request)
    };
    let request = sign(&private_token(), json!({})).unwrap();
    assert_eq!(bearer(&request), "Bearer pit-SECRET-0b5c");
    assert_eq!(request.headers["version"], "2021-07-28");
    let request = sign(
        &signed_in(location_tokens().await),
        json!({"api_version": "2023-02-21"}),
    )
    .unwrap();
    assert_eq!(bearer(&request), "Bearer SECRET-access-1");
    assert_eq!(request.headers["version"], "2023-02-21");
    assert!(!format!("{request:?}").contains("SECRET"));

    let mut odd = private_token();
    odd.given
        .insert("token".to_owned(), SecretText::new("pit-SECRET\n"));
    assert!(
        sign(&odd, json!({})).is_ok(),
        "a pasted line end is no harm"
    );
    odd.given
        .insert("token".to_owned(), SecretText::new("pit-\u{1}SECRET"));
    without_secrets(&sign(&odd, json!({})).unwrap_err());
    assert!(sign(&app(), json!({})).is_err());
}
