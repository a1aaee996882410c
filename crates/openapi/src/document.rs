//! The document itself: which version, and what its references mean.

use serde_json::Value as Json;
use serde_yaml_ng::Value as Yaml;

/// Most steps from one reference to the next.
const STEPS: usize = 32;

/// Why a text is no document that can be imported.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Neither JSON nor YAML.
    #[error("it is neither JSON nor YAML: {0}")]
    Text(String),
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
        let root = parsed(text)?;
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

/// A text as JSON; what does not begin as JSON does is YAML.
fn parsed(text: &str) -> Result<Json, Unreadable> {
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| Unreadable::Text(error.to_string()));
    }
    let value: Yaml =
        serde_yaml_ng::from_str(text).map_err(|error| Unreadable::Text(error.to_string()))?;
    Ok(plain(value))
}

/// YAML as JSON. Keys that are numbers, as the statuses of answers often are, become text; tags say nothing here.
fn plain(value: Yaml) -> Json {
    match value {
        Yaml::Null => Json::Null,
        Yaml::Bool(flag) => Json::Bool(flag),
        Yaml::Number(number) => {
            if let Some(number) = number.as_i64() {
                Json::from(number)
            } else if let Some(number) = number.as_u64() {
                Json::from(number)
            } else {
                number.as_f64().map_or(Json::Null, Json::from)
            }
        }
        Yaml::String(text) => Json::String(text),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(members) => members
            .into_iter()
            .map(|(name, member)| {
                let name = match plain(name) {
                    Json::String(name) => name,
                    other => other.to_string(),
                };
                (name, plain(member))
            })
            .collect(),
        Yaml::Tagged(tagged) => plain(tagged.value),
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
    fn yaml_says_the_same_as_json() {
        let yaml = "openapi: 3.0.3\nx-kept: &kept {limit: 5}\npaths:\n  /a:\n    get:\n      x: *kept\n      responses:\n        200: {description: ok}\n";
        let json = r#"{"openapi": "3.0.3", "x-kept": {"limit": 5}, "paths": {"/a": {"get": {"x": {"limit": 5},
            "responses": {"200": {"description": "ok"}}}}}}"#;
        let (yaml, json) = (
            Document::parse(yaml).unwrap(),
            Document::parse(json).unwrap(),
        );
        assert_eq!(yaml.root(), json.root());
    }

    #[test]
    fn another_version_is_named() {
        let refused = Document::parse(r#"{"swagger": "2.0"}"#)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("2.0"), "{refused}");
        assert!(matches!(
            Document::parse("openapi: [3"),
            Err(Unreadable::Text(_))
        ));
    }
}
