//! Writes JSON the way PHP's `json_encode` does by default: compact, `/` as `\/`, everything outside ASCII as `\uXXXX`
//! (pairs of surrogates above the basic plane).

use serde_json::Value;

/// A JSON text under construction. The caller writes the punctuation; this writes strings and values.
#[derive(Debug)]
pub(crate) struct PhpJson {
    out: String,
    escape: bool,
}

impl PhpJson {
    /// An empty text. Without `escape` slashes and non-ASCII are written as they are.
    pub(crate) fn new(escape: bool) -> Self {
        Self {
            out: String::with_capacity(1024),
            escape,
        }
    }

    /// Appends punctuation or a number as it is.
    pub(crate) fn raw(&mut self, text: &str) -> &mut Self {
        self.out.push_str(text);
        self
    }

    /// Appends a string literal.
    pub(crate) fn string(&mut self, text: &str) -> &mut Self {
        self.out.push('"');
        let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'/');
        if text.as_bytes().iter().all(plain) {
            self.out.push_str(text);
        } else {
            for character in text.chars() {
                self.character(character);
            }
        }
        self.out.push('"');
        self
    }

    /// Appends `"key":`.
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.string(key);
        self.out.push(':');
        self
    }

    /// Appends an integer.
    pub(crate) fn number(&mut self, number: i64) -> &mut Self {
        self.out.push_str(&number.to_string());
        self
    }

    /// Appends a whole value.
    pub(crate) fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Null => self.raw("null"),
            Value::Bool(true) => self.raw("true"),
            Value::Bool(false) => self.raw("false"),
            Value::Number(number) => {
                self.out.push_str(&number.to_string());
                self
            }
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.raw("[");
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        self.raw(",");
                    }
                    self.value(item);
                }
                self.raw("]")
            }
            Value::Object(members) => {
                self.raw("{");
                for (position, (key, item)) in members.iter().enumerate() {
                    if position > 0 {
                        self.raw(",");
                    }
                    self.key(key).value(item);
                }
                self.raw("}")
            }
        }
    }

    /// The finished text.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    fn character(&mut self, character: char) {
        match character {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '/' if self.escape => self.out.push_str("\\/"),
            '\u{8}' => self.out.push_str("\\b"),
            '\u{c}' => self.out.push_str("\\f"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            control if control < ' ' => self.unit(control as u16),
            plain if plain.is_ascii() || !self.escape => self.out.push(plain),
            other => {
                let mut units = [0_u16; 2];
                for &unit in other.encode_utf16(&mut units).iter() {
                    self.unit(unit);
                }
            }
        }
    }

    fn unit(&mut self, unit: u16) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.out.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            self.out
                .push(char::from(HEX[usize::from((unit >> shift) & 0xf)]));
        }
    }
}

/// `json_encode` of a whole value.
pub(crate) fn encode(value: &Value) -> String {
    let mut text = PhpJson::new(true);
    text.value(value);
    text.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn escapes_as_php_does() {
        let value = json!({"a/b": "Köln € 😀 \"x\" \\ \u{1} \n", "n": [1, null, true, 2.5]});
        assert_eq!(
            encode(&value),
            r#"{"a\/b":"K\u00f6ln \u20ac \ud83d\ude00 \"x\" \\ \u0001 \n","n":[1,null,true,2.5]}"#
        );
    }
}
