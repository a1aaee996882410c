//! The web UI: files out of memory, one page for every address of the UI, and headers that keep it to itself.

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::{Code, error::ApiError};

/// What the pages may do: load and ask what comes from here, nothing inline, and be framed by nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Addresses below these are no pages.
const NO_PAGES: [&str; 5] = ["/api/v1/", "/hooks/", "/connect/", "/oauth/", "/assets/"];

/// The API described, for people and for programs.
const DESCRIPTION: &str = include_str!("../openapi.json");

/// `/api/openapi.json`.
pub(crate) async fn description() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, DESCRIPTION).into_response()
}

/// A file of the UI; its page where a browser asks for one; else nothing.
pub(crate) async fn page(request: Request) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return nothing();
    }
    let name = match path.trim_start_matches('/') {
        "" => ui::INDEX,
        name => name,
    };
    match ui::asset(name) {
        Some(asset) => answer(asset, headers),
        None if wants_page(path, headers) => match ui::asset(ui::INDEX) {
            Some(asset) => answer(asset, headers),
            None => nothing(),
        },
        None => nothing(),
    }
}

fn nothing() -> Response {
    ApiError::not_found(Code::NotFound, "there is nothing at this address").into_response()
}

fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    !NO_PAGES.iter().any(|begin| path.starts_with(begin))
        && headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"))
}

/// Names of files do not change with their content, so a browser asks each time and mostly hears that
/// nothing changed.
fn answer(asset: ui::Asset, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", asset.tag);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| {
            known
                .split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        });
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(asset.body))
    };
    let set: [(HeaderName, &str); 6] = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    let mut response = (status, set, body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
