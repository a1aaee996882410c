//! The request that would be sent, shown instead: built and authorised in the very way in which it goes out, with
//! everything masked that authorisation added.

use connector::{Body, Credentials, Request};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::{Session, credentials::scrub, exchange::Authority};

/// What stands in the place of a secret.
const MASK: &str = "[secret]";

/// A request that was not sent. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The HTTP method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers, in the order of their names.
    pub headers: Vec<(String, String)>,
    /// The body: JSON as it is, a form as an object; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Json>,
    /// Whether it is authorised: false while nobody has signed in.
    pub authorised: bool,
}

impl Session {
    /// Shows what would go out for a request now. Sends nothing, renews nothing.
    ///
    /// # Errors
    /// When the request cannot be made, in words for people.
    pub fn preview(&self, request: &Request) -> Result<Preview, String> {
        let connection = self.inner();
        let held = connection.tokens.held();
        let credentials = held.as_deref().map(|held| &held.kept.credentials);
        let exchange = self.exchange(Authority::Own);
        let mask = |text: &str| masked(text, credentials);
        let (authorised, url, mut headers) = match exchange.authorised(request, credentials) {
            Ok((authorised, outgoing)) => (authorised, outgoing.url, outgoing.headers),
            Err(why) => return Err(mask(&why)),
        };
        headers.remove(http::header::CONTENT_LENGTH);
        let mut shown: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| {
                let text = match value.is_sensitive() {
                    true => MASK.to_owned(),
                    false => mask(&String::from_utf8_lossy(value.as_bytes())),
                };
                (name.as_str().to_owned(), text)
            })
            .collect();
        shown.sort();
        Ok(Preview {
            method: request.method.to_string(),
            url: masked_url(&url, request, mask),
            headers: shown,
            body: body(&request.body, &authorised.body).map(|mut body| {
                mask_in(&mut body, &mask);
                body
            }),
            authorised: credentials.is_some(),
        })
    }
}

fn masked(text: &str, credentials: Option<&Credentials>) -> String {
    credentials.map_or_else(|| text.to_owned(), |credentials| scrub(text, credentials))
}

/// The address, with the values of parameters that authorisation added masked.
fn masked_url(url: &Url, before: &Request, mask: impl Fn(&str) -> String) -> String {
    let mut shown = url.clone();
    let added = |name: &str| before.query.iter().all(|(own, _)| own != name);
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let value = match added(&name) {
                true => MASK.to_owned(),
                false => mask(&value),
            };
            (name.into_owned(), value)
        })
        .collect();
    shown.set_query(None);
    if !pairs.is_empty() {
        shown.query_pairs_mut().extend_pairs(pairs);
    }
    shown.into()
}

/// The body after authorisation, with what that added masked.
fn body(before: &Body, after: &Body) -> Option<Json> {
    let (before, mut after) = (plain(before), plain(after)?);
    if let Some(before) = before {
        mask_added(&before, &mut after);
    }
    Some(after)
}

fn plain(body: &Body) -> Option<Json> {
    match body {
        Body::Empty => None,
        Body::Json(json) => Some(json.clone()),
        Body::Form(pairs) => Some(
            pairs
                .iter()
                .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
                .collect::<Map<String, Json>>()
                .into(),
        ),
    }
}

fn mask_added(before: &Json, after: &mut Json) {
    match (before, after) {
        (Json::Object(before), Json::Object(after)) => {
            for (name, value) in after {
                match before.get(name) {
                    Some(before) => mask_added(before, value),
                    None => *value = Json::from(MASK),
                }
            }
        }
        (Json::Array(before), Json::Array(after)) => {
            for (before, after) in before.iter().zip(after) {
                mask_added(before, after);
            }
        }
        (before, after) if before != after => *after = Json::from(MASK),
        _ => {}
    }
}

/// No secret of the connection survives in a text, wherever it came from.
fn mask_in(value: &mut Json, mask: &impl Fn(&str) -> String) {
    match value {
        Json::String(text) => *text = mask(text),
        Json::Array(items) => items.iter_mut().for_each(|item| mask_in(item, mask)),
        Json::Object(object) => object.values_mut().for_each(|item| mask_in(item, mask)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_authorisation_adds_to_a_body_is_masked_however_deep() {
        let before = Body::Json(json!({"actions": [{"id": "read", "timestamp": null}]}));
        let after = Body::Json(json!({"token": "t0ken", "actions": [
            {"id": "read", "timestamp": 17, "hmac": "abc"}]}));
        assert_eq!(
            body(&before, &after),
            Some(
                json!({"token": MASK, "actions": [{"id": "read", "timestamp": MASK, "hmac": MASK}]})
            )
        );
    }
}
