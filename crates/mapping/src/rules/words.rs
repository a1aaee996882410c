//! One word or a list of words, whichever is handier to write.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

/// One or several words. Numbers and `true`/`false` count as their spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Words(pub Vec<String>);

impl Words {
    /// The words.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The word, if it is one.
    pub fn only(&self) -> Option<&str> {
        match &self.0[..] {
            [word] => Some(word),
            _ => None,
        }
    }
}

impl From<&str> for Words {
    fn from(word: &str) -> Self {
        Self(vec![word.to_owned()])
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [word] => serializer.serialize_str(word),
            words => serializer.collect_seq(words),
        }
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of words")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element::<Word>()? {
                    words.push(word.0);
                }
                Ok(Words(words))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Words, E> {
                Ok(Words(vec![word.to_owned()]))
            }

            fn visit_bool<E: Error>(self, word: bool) -> Result<Words, E> {
                Ok(Words(vec![word.to_string()]))
            }

            fn visit_i64<E: Error>(self, word: i64) -> Result<Words, E> {
                Ok(Words(vec![word.to_string()]))
            }

            fn visit_u64<E: Error>(self, word: u64) -> Result<Words, E> {
                Ok(Words(vec![word.to_string()]))
            }

            fn visit_f64<E: Error>(self, word: f64) -> Result<Words, E> {
                Ok(Words(vec![word.to_string()]))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Words {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let word = ["string", "number", "boolean"];
        json_schema!({
            "description": "One word or a list of words.",
            "anyOf": [
                { "type": word },
                { "type": "array", "items": { "type": word } },
            ],
        })
    }
}

/// One word; numbers and `true`/`false` count as their spelling. The key of a value map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Word(pub(crate) String);

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Words::deserialize(deserializer)?;
        match words.only() {
            Some(word) => Ok(Self(word.to_owned())),
            None => Err(D::Error::custom("one word is needed here, not a list")),
        }
    }
}
