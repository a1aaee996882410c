//! The signatures of an action: version 2 (HMAC-SHA256 over four fields) and the legacy one (nested MD5 over everything).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::{Map, Value as Json};
use sha2::Sha256;

use super::errors::{Failure, fail, fail_with};
use super::php_json::encode;
use super::quirks::Quirks;

/// Everything that a signature may cover.
pub(crate) struct Signed<'a> {
    pub(crate) token: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) action_id: &'a str,
    pub(crate) resource_type: &'a str,
    /// As it was written.
    pub(crate) timestamp: &'a str,
    pub(crate) action: &'a Map<String, Json>,
}

/// Checks the signature of one action.
///
/// # Errors
/// 137 where it does not fit, 243 where a legacy signature covers a float that is no string.
pub(crate) fn check(signed: &Signed<'_>, quirks: &Quirks) -> Result<(), Failure> {
    let Some(Json::String(given)) = signed.action.get("hmac") else {
        return Err(fail(137));
    };
    let expected = match signed.action.get("hmac_version") {
        Some(Json::String(version)) if version == "2" => version2(signed),
        Some(Json::Number(version)) if version.as_i64() == Some(2) => version2(signed),
        None | Some(Json::Null) if quirks.hmac_v1 => version1(signed)?,
        _ => return Err(fail(137)),
    };
    if *given == expected {
        Ok(())
    } else {
        Err(fail(137))
    }
}

/// `base64(HMAC-SHA256(secret, timestamp + token + resourcetype + actionid))`.
fn version2(signed: &Signed<'_>) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(signed.secret.as_bytes())
        .expect("HMAC takes a key of any length");
    for part in [
        signed.timestamp,
        signed.token,
        signed.resource_type,
        signed.action_id,
    ] {
        mac.update(part.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// `md5(secret + md5(parameters + "," + fields))`, lower-case hex.
fn version1(signed: &Signed<'_>) -> Result<String, Failure> {
    let parameters = match signed.action.get("parameters") {
        Some(Json::Object(parameters)) if !parameters.is_empty() => {
            if let Some(name) = parameters
                .iter()
                .find_map(|(name, value)| has_float(value).then_some(name))
            {
                return Err(fail_with(243, name));
            }
            let mut sorted: Vec<(&String, &Json)> = parameters.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let sorted: Map<String, Json> = sorted
                .into_iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            encode(&Json::Object(sorted))
        }
        _ => "[]".to_owned(),
    };
    let text = |name: &str| match signed.action.get(name) {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let fields = [
        signed.token,
        signed.action_id,
        &text("identifier"),
        &text("resourceid"),
        signed.secret,
        signed.timestamp,
        signed.resource_type,
    ]
    .join(",");
    let inner = hex(&format!("{parameters},{fields}"));
    Ok(hex(&format!("{}{inner}", signed.secret)))
}

fn hex(text: &str) -> String {
    Md5::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn has_float(value: &Json) -> bool {
    match value {
        Json::Number(number) => number.is_f64(),
        Json::Array(items) => items.iter().any(has_float),
        Json::Object(members) => members.values().any(has_float),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_published_vectors_of_version_2() {
        let vectors = [
            (
                "testsecret",
                "1646228220",
                "testtoken",
                "calendar",
                "read",
                "w6ifKMmAdJoKhu0vl2twvfP+ltyOTQ7LqLpvsZkOnlg=",
            ),
            (
                "yOJobbhGLXdp90XxvxedFhH7073L9U",
                "123456789",
                "mgjIQkNRnaqggVzy9cZW",
                "estateCategories",
                "get",
                "dsvg3r4AFcQXges0MZ+3auzQVfnEB39pLkKSgmm9Wvg=",
            ),
            (
                "dhY8h7FeU9",
                "123456789",
                "dX5hkIIU6W",
                "estateCategories",
                "get",
                "F9OXyaJv7p+bLkwGDGV7ZUmfYgjH2E24zpsxY5/nVDk=",
            ),
            (
                "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss",
                "1700000000",
                "tttttttttttttttttttttttttttttttt",
                "address",
                "create",
                "VZbHVARuWVNtPb4rgrCqqmVyPV50/x2OguWytJUaSg4=",
            ),
        ];
        for (secret, timestamp, token, resource_type, verb, expected) in vectors {
            let action = Map::new();
            let action_id = format!("urn:onoffice-de-ns:smart:2.5:smartml:action:{verb}");
            let signed = Signed {
                token,
                secret,
                action_id: &action_id,
                resource_type,
                timestamp,
                action: &action,
            };
            assert_eq!(version2(&signed), expected);
        }
    }

    #[test]
    fn version_1_sorts_the_top_level_and_refuses_floats() {
        let sign = |action: Json| {
            let Json::Object(action) = action else {
                unreachable!()
            };
            version1(&Signed {
                token: "t",
                secret: "s",
                action_id: "a",
                resource_type: "address",
                timestamp: "1",
                action: &action,
            })
        };
        let one = sign(json!({"parameters": {"b": "ä/", "a": [1]}, "resourceid": "7"})).unwrap();
        let other = sign(json!({"parameters": {"a": [1], "b": "ä/"}, "resourceid": 7})).unwrap();
        assert_eq!(one, other);
        assert_eq!(
            one,
            hex(&format!(
                "s{}",
                hex("{\"a\":[1],\"b\":\"\\u00e4\\/\"},t,a,,7,s,1,address")
            ))
        );
        assert_eq!(
            sign(json!({"parameters": {"x": 1.5}})).unwrap_err().code,
            243
        );
        assert!(sign(json!({"parameters": []})).is_ok());
    }
}
