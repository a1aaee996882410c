//! A key: 32 bytes, and a short name made of them.

use std::fmt;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How many bytes a key has.
pub(crate) const KEY_BYTES: usize = 32;

/// A secret key. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: KeyId,
}

/// The name of a key: the first 8 bytes of a hash of it. Tells keys apart and gives nothing away.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 8]);

/// Why some text or bytes are no key. Never repeats them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Wrong number of bytes.
    #[error("a key has 32 bytes, this has {0}")]
    Length(usize),
    /// Neither hexadecimal nor base64.
    #[error("a key is 64 hexadecimal digits, or 32 bytes in base64; this is neither")]
    Encoding,
    /// The same byte 32 times is no key.
    #[error("this is a placeholder, no key; make one with `openssl rand -hex 32`")]
    Placeholder,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(String),
}

impl Key {
    /// A key of these bytes.
    ///
    /// # Errors
    /// When they are not 32, or all the same.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: Zeroizing<[u8; KEY_BYTES]> = bytes
            .try_into()
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Length(bytes.len()))?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(KeyError::Placeholder);
        }
        let digest = Sha256::new()
            .chain_update(b"tandem vault key id\0")
            .chain_update(bytes.as_slice())
            .finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Ok(Self {
            bytes,
            id: KeyId(id),
        })
    }

    /// A key written as 64 hexadecimal digits or as base64, with white space around it.
    ///
    /// # Errors
    /// When it is neither, or has not 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes = match from_hex(text) {
            Some(bytes) => bytes,
            None => Zeroizing::new(
                [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
                    .into_iter()
                    .find_map(|form| form.decode(text).ok())
                    .ok_or(KeyError::Encoding)?,
            ),
        };
        Self::from_bytes(&bytes)
    }

    /// A new random key.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice())
            .map_err(|error| KeyError::Random(error.to_string()))?;
        Self::from_bytes(bytes.as_slice())
    }

    /// The key's name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// As 64 hexadecimal digits, for the key file.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(self.bytes.as_slice()))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// 64 hexadecimal digits; anything else is left to base64 (43 or 44 characters for 32 bytes).
fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() != KEY_BYTES * 2 || !text.is_ascii() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES));
    for pair in text.as_bytes().chunks(2) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn a_key_is_read_in_every_usual_spelling() {
        let expected = Key::parse(HEX).unwrap();
        let base64 = STANDARD.encode(expected.bytes());
        for text in [
            HEX.to_uppercase(),
            format!(" {HEX}\n"),
            base64.clone(),
            base64.trim_end_matches('=').to_owned(),
        ] {
            assert_eq!(Key::parse(&text).unwrap().bytes(), expected.bytes());
        }
        assert_eq!(expected.to_hex().as_str(), HEX);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        assert_eq!(Key::parse("").unwrap_err(), KeyError::Length(0));
        assert_eq!(Key::parse("c2VjcmV0").unwrap_err(), KeyError::Length(6));
        assert_eq!(
            Key::parse("my pass phrase").unwrap_err(),
            KeyError::Encoding
        );
        assert_eq!(
            Key::parse(&"0".repeat(64)).unwrap_err(),
            KeyError::Placeholder
        );
        let key = Key::parse(HEX).unwrap();
        assert_eq!(format!("{key:?}"), format!("Key({})", key.id()));
        assert!(!HEX.contains(&key.id().to_string()));
    }
}
