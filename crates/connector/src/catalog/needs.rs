//! What an entry needs, as data: a list of scopes or rights, or the words that the vendor names none. Nothing at all is neither.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Stands for the scopes or rights of an entry where the vendor documents none.
pub const NONE_DOCUMENTED: &str = "none documented";

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Listed(Vec<String>),
    Said(String),
}

/// # Errors
/// When nothing is listed, and that is not said.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Listed(listed) if !listed.is_empty() => Ok(listed),
        Written::Said(words) if words == NONE_DOCUMENTED => Ok(Vec::new()),
        _ => Err(D::Error::custom(format!(
            "`needs` must list scopes or rights, or say \"{NONE_DOCUMENTED}\""
        ))),
    }
}

/// # Errors
/// When the serializer has one.
pub fn serialize<S: Serializer>(needs: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    if needs.is_empty() {
        NONE_DOCUMENTED.serialize(serializer)
    } else {
        needs.serialize(serializer)
    }
}

/// For people: each in these marks, or that none is documented.
#[must_use]
pub fn shown(needs: &[String], mark: &str) -> String {
    if needs.is_empty() {
        return NONE_DOCUMENTED.to_owned();
    }
    let each: Vec<String> = needs
        .iter()
        .map(|need| format!("{mark}{need}{mark}"))
        .collect();
    each.join(" or ")
}
