//! The two pages that a browser sees on the way through a vendor's sign-in.

use axum::{
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use connector::SecretText;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use store::ConnectionName;

use crate::{
    Code,
    app::AppState,
    error::{ApiError, ApiResult},
    sharing::{self, Joined, SignedIn},
};

#[derive(Deserialize)]
pub(crate) struct Begin {
    ticket: Option<String>,
}

/// `/connect/{name}?ticket=…`: on to the vendor's page.
pub(crate) async fn begin(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Query(query): Query<Begin>,
) -> Response {
    match to_vendor(&app, &name, query.ticket.as_deref()).await {
        Ok(url) => (no_traces(), Redirect::to(&url)).into_response(),
        Err(error) => page_of(&error),
    }
}

async fn to_vendor(app: &AppState, name: &str, ticket: Option<&str>) -> ApiResult<String> {
    let now = app.clock.steady();
    let used_up = || {
        ApiError::new(
            StatusCode::FORBIDDEN,
            Code::ConnectionSignIn,
            "this link is not good: it was used before, is too old, or is not complete",
        )
        .hint(format!("make a new one with `tandem connect {name}`"))
    };
    let ticket = ticket.ok_or_else(used_up)?;
    let given = app.tickets.open(ticket, name, now).ok_or_else(used_up)?;
    let connection = ConnectionName::from(name);
    let begun = app
        .purpose(&connection)
        .await
        .and_then(|purpose| {
            let redirect_uri = app.redirect_uri()?;
            let redirect =
                app.connections
                    .begin_sign_in(&connection, purpose, &redirect_uri, given)?;
            Ok(redirect)
        })
        .inspect_err(|error| app.tickets.over(ticket, Err(error.clone()), now))?;
    app.tickets.begun(ticket, begun.state, now);
    Ok(begun.url)
}

#[derive(Deserialize)]
pub(crate) struct Callback {
    code: Option<SecretText>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `/oauth/callback`: the user is back.
pub(crate) async fn callback(
    State(app): State<AppState>,
    Query(query): Query<Callback>,
) -> Response {
    let now = app.clock.steady();
    let state = query.state.as_deref();
    let ticket = app.tickets.of_state(state, now);
    let outcome = match (&query.code, &query.error) {
        (Some(code), _) => app
            .connections
            .finish_sign_in(state, code)
            .await
            .map_err(ApiError::from),
        (None, Some(error)) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            Code::ConnectionSignIn,
            format!(
                "the vendor says: {}",
                query.error_description.as_deref().unwrap_or(error)
            ),
        )),
        (None, None) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            Code::ConnectionSignIn,
            "the vendor sent no code",
        )),
    };
    let outcome = match outcome {
        Ok(connected) => {
            let beside = sharing::connect_all(&app).await;
            app.engine.signed_in(&connected.connection).await;
            Ok(SignedIn { connected, beside })
        }
        Err(error) => Err(error),
    };
    let answer = match &outcome {
        Ok(SignedIn { connected, beside }) => {
            let account = &connected.account;
            let missing = if account.missing.is_empty() {
                String::new()
            } else {
                format!(
                    "<p>Missing: {}. Grant these at the vendor and sign in again.</p>",
                    escape(&account.missing.join(", "))
                )
            };
            page(
                StatusCode::OK,
                "Connected",
                &format!(
                    "<p><b>{}</b> is connected to <b>{}</b> ({}).</p>{missing}{}<p>You can close this page.</p>",
                    escape(connected.connection.as_str()),
                    escape(&account.name),
                    escape(&account.id),
                    beside.iter().map(line).collect::<String>(),
                ),
            )
        }
        Err(error) => page_of(error),
    };
    if let Some(ticket) = ticket {
        app.tickets.over(&ticket, outcome, now);
    }
    answer
}

/// What became of a connection beside the one that was signed in to.
fn line(joined: &Joined) -> String {
    let said = match (&joined.connected, &joined.problem) {
        (Some(connected), _) => format!(
            "is connected to <b>{}</b> ({}), too",
            escape(&connected.account.name),
            escape(&connected.account.id)
        ),
        (None, problem) => format!(
            "is not connected: {}",
            escape(problem.as_deref().unwrap_or_default())
        ),
    };
    format!(
        "<p><b>{}</b> {said}.</p>",
        escape(joined.connection.as_str())
    )
}

fn page_of(error: &ApiError) -> Response {
    let hint = error
        .hint
        .as_ref()
        .map(|hint| format!("<p>{}</p>", escape(hint)))
        .unwrap_or_default();
    page(
        error.status,
        "Not connected",
        &format!(
            "<p>{} ({})</p>{hint}<p>Nothing was changed.</p>",
            escape(&error.message),
            error.code
        ),
    )
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · Tandem</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}</style>\
         <h1>{title}</h1>{body}</html>"
    );
    (status, no_traces(), Html(html)).into_response()
}

/// The address held a code or a ticket: nobody keeps it or passes it on.
fn no_traces() -> [(HeaderName, HeaderValue); 4] {
    [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            ),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ]
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_vendor_says_cannot_become_markup() {
        assert_eq!(
            super::escape("<b a='\"&\">"),
            "&lt;b a=&#39;&quot;&amp;&quot;&gt;"
        );
    }
}
