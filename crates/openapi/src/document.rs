//! The document itself: which version, and what its references mean.

use serde_json::Value as Json;

/// Most steps from one reference to the next.
const STEPS: usize = 32;

/// Why a text is no document that can be imported.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON.
    #[error("it is not JSON: {0}; a YAML document has to be turned into JSON first")]
    Json(#[from] serde_json::Error),
    /// Another format, or another version.
    #[error("it says it is {0:?}; this reads OpenAPI 3.0 and 3.1")]
    Version(String),
    /// A name that the system cannot have.
    #[error(
        "`{0}` is no name for a system: small letters, digits and _ only, beginning with a letter, and none that Tandem has already"
    )]
    Name(String),
    /// No call of it can be made.
    #[error("it describes no call that can be made")]
    Empty,
    /// What was made of it is no catalog.
    #[error(transparent)]
    Catalog(#[from] connector::catalog::CatalogError),
}

/// A parsed document.
#[derive(Debug)]
pub(crate) struct Document(Json);

impl Document {
    pub(crate) fn parse(text: &str) -> Result<Self, Unreadable> {
        let root: Json = serde_json::from_str(text)?;
        let version = root["openapi"].as_str().or(root["swagger"].as_str());
        match version {
            Some(version) if version.starts_with("3.") => Ok(Self(root)),
            other => Err(Unreadable::Version(other.unwrap_or_default().to_owned())),
        }
    }

    pub(crate) fn root(&self) -> &Json {
        &self.0
    }

    /// What a value means: what its reference, and that one's, leads to. References into other files lead nowhere.
    pub(crate) fn meant<'a>(&'a self, value: &'a Json) -> &'a Json {
        let mut value = value;
        for _ in 0..STEPS {
            let Some(reference) = value["$ref"].as_str() else {
                return value;
            };
            value = reference
                .strip_prefix('#')
                .and_then(|pointer| self.0.pointer(&decoded(pointer)))
                .unwrap_or(&Json::Null);
        }
        &Json::Null
    }
}

/// A pointer stands in a fragment percent-encoded.
fn decoded(pointer: &str) -> String {
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_on_and_circles_nowhere() {
        let text = r##"{"openapi": "3.0.1", "components": {"a/b": {"$ref": "#/components/c"}, "c": {"type": "string"},
            "round": {"$ref": "#/components/round"}}, "x": [{"$ref": "#/components/a~1b"},
            {"$ref": "#/components/a%7E1b"}, {"$ref": "#/components/round"}, {"$ref": "other.json#/c"}]}"##;
        let document = Document::parse(text).unwrap();
        let meant = |place: usize| document.meant(&document.root()["x"][place]).clone();
        assert_eq!(meant(0)["type"], "string");
        assert_eq!(meant(1)["type"], "string");
        assert_eq!((meant(2), meant(3)), (Json::Null, Json::Null));
    }

    #[test]
    fn another_version_is_named() {
        let refused = Document::parse(r#"{"swagger": "2.0"}"#)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("2.0"), "{refused}");
        assert!(matches!(
            Document::parse("openapi: 3.0.0"),
            Err(Unreadable::Json(_))
        ));
    }
}
