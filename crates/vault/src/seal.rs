//! The sealed form, and the ring of keys that makes and opens it.
//!
//! ```text
//! byte 0       the form's version: 1
//! bytes 1-8    the id of the key
//! bytes 9-32   a random nonce
//! then         the ciphertext with its 16-byte tag
//! ```
//! Authenticated but not stored: the version, the key's id, workspace and connection, each with its
//! length before it.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::{Key, KeyId};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const HEAD_BYTES: usize = 1 + 8 + NONCE_BYTES;

/// What a secret belongs to. Sealed bytes open at their own place only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The workspace.
    pub workspace: &'a str,
    /// The connection in it.
    pub connection: &'a str,
}

/// The key that seals, and the older ones that still open.
#[derive(Debug, Clone)]
pub struct KeyRing {
    current: Key,
    old: Vec<Key>,
}

/// A secret could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The operating system gave no random bytes.
    #[error("seal the secret: the operating system gave no random bytes: {0}")]
    Random(String),
    /// Too long for the cipher (256 GB).
    #[error("seal the secret: it is too long")]
    TooLong,
}

/// Sealed bytes could not be opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not in a form that this version knows.
    #[error("open the secret: its form {0:?} is not known to this version")]
    Form(Option<u8>),
    /// Cut short.
    #[error("open the secret: it is cut short")]
    Short,
    /// Sealed with a key that is not in the ring.
    #[error(
        "open the secret: it was sealed with the key {sealed_with}, which is not at hand; at hand is {current}"
    )]
    UnknownKey {
        /// What is needed.
        sealed_with: KeyId,
        /// What there is.
        current: KeyId,
    },
    /// Changed, or belonging to another connection.
    #[error("open the secret: it was changed, or it belongs to another connection")]
    Tampered,
}

impl KeyRing {
    /// A ring with one key.
    pub fn new(current: Key) -> Self {
        Self {
            current,
            old: Vec::new(),
        }
    }

    /// With one more key that only opens.
    #[must_use]
    pub fn and_old(mut self, key: Key) -> Self {
        if key.id() != self.current.id() {
            self.old.push(key);
        }
        self
    }

    /// The key that seals.
    pub fn current(&self) -> KeyId {
        self.current.id()
    }

    /// The keys that only open.
    pub fn old(&self) -> impl Iterator<Item = KeyId> {
        self.old.iter().map(Key::id)
    }

    /// Seals a secret for its place, under the current key and a fresh nonce.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| SealError::Random(error.to_string()))?;
        let key = &self.current;
        let ciphertext = cipher(key)
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: secret,
                    aad: &associated(place, key.id()),
                },
            )
            .map_err(|_| SealError::TooLong)?;
        let mut sealed = Vec::with_capacity(HEAD_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id().0);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens a sealed secret. The result is wiped when dropped.
    ///
    /// # Errors
    /// When the bytes were changed, belong elsewhere, or need a key that is not in the ring.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (id, nonce, ciphertext) = split(sealed)?;
        let key = self.key(id).ok_or(OpenError::UnknownKey {
            sealed_with: id,
            current: self.current.id(),
        })?;
        cipher(key)
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: ciphertext,
                    aad: &associated(place, id),
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Tampered)
    }

    /// Whether bytes are sealed with the current key already.
    ///
    /// # Errors
    /// When they are in no known form.
    pub fn is_current(&self, sealed: &[u8]) -> Result<bool, OpenError> {
        split(sealed).map(|(id, ..)| id == self.current.id())
    }

    /// Seals anew with the current key. `None`: it is sealed with that one already (and opens).
    ///
    /// # Errors
    /// When the bytes cannot be opened, or not be sealed.
    pub fn rotate(&self, place: Place<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>, RotateError> {
        let secret = self.open(place, sealed)?;
        if self.is_current(sealed)? {
            return Ok(None);
        }
        Ok(Some(self.seal(place, &secret)?))
    }

    fn key(&self, id: KeyId) -> Option<&Key> {
        std::iter::once(&self.current)
            .chain(&self.old)
            .find(|key| key.id() == id)
    }
}

/// A secret could not be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It does not seal.
    #[error(transparent)]
    Seal(#[from] SealError),
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

fn split(sealed: &[u8]) -> Result<(KeyId, [u8; NONCE_BYTES], &[u8]), OpenError> {
    match sealed.first() {
        Some(&VERSION) => {}
        other => return Err(OpenError::Form(other.copied())),
    }
    let (id, rest) = sealed[1..].split_first_chunk().ok_or(OpenError::Short)?;
    let (nonce, ciphertext) = rest.split_first_chunk().ok_or(OpenError::Short)?;
    Ok((KeyId(*id), *nonce, ciphertext))
}

fn associated(place: Place<'_>, key: KeyId) -> Vec<u8> {
    let mut data = vec![VERSION];
    for part in [
        key.0.as_slice(),
        place.workspace.as_bytes(),
        place.connection.as_bytes(),
    ] {
        data.extend_from_slice(&(part.len() as u64).to_le_bytes());
        data.extend_from_slice(part);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'static> = Place {
        workspace: "w",
        connection: "agency",
    };

    fn key(seed: u8) -> Key {
        let bytes: Vec<u8> = (0..32).map(|index| index ^ seed).collect();
        Key::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn a_secret_opens_at_its_place_only() {
        let ring = KeyRing::new(key(0));
        let sealed = ring.seal(HERE, b"token").unwrap();
        assert_eq!(ring.open(HERE, &sealed).unwrap().as_slice(), b"token");
        for (workspace, connection) in [
            ("w", "office"),
            ("v", "agency"),
            ("wa", "gency"),
            ("", "wagency"),
        ] {
            let place = Place {
                workspace,
                connection,
            };
            assert_eq!(ring.open(place, &sealed), Err(OpenError::Tampered));
        }
        assert_ne!(sealed, ring.seal(HERE, b"token").unwrap());
        assert!(!sealed.windows(5).any(|window| window == b"token"));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let ring = KeyRing::new(key(0));
        let sealed = ring.seal(HERE, b"token").unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(ring.open(HERE, &changed).is_err(), "byte {index}");
            assert!(ring.open(HERE, &sealed[..index]).is_err(), "cut at {index}");
        }
        assert_eq!(ring.open(HERE, &[]), Err(OpenError::Form(None)));
        assert_eq!(ring.open(HERE, &[9, 1, 2]), Err(OpenError::Form(Some(9))));
    }

    #[test]
    fn an_old_key_opens_until_everything_is_sealed_anew() {
        let sealed = KeyRing::new(key(1)).seal(HERE, b"token").unwrap();
        let alone = KeyRing::new(key(2));
        assert_eq!(
            alone.open(HERE, &sealed),
            Err(OpenError::UnknownKey {
                sealed_with: key(1).id(),
                current: key(2).id(),
            })
        );
        let both = alone.clone().and_old(key(1));
        assert_eq!(both.open(HERE, &sealed).unwrap().as_slice(), b"token");
        let anew = both.rotate(HERE, &sealed).unwrap().unwrap();
        assert_eq!(alone.open(HERE, &anew).unwrap().as_slice(), b"token");
        assert!(both.rotate(HERE, &anew).unwrap().is_none());
    }

    /// Form 1 as it stood when it was first released: stored rows stay readable.
    #[test]
    fn a_stored_secret_of_form_1_still_opens() {
        let stored = include_bytes!("../fixtures/form_1.bin");
        let ring = KeyRing::new(key(7));
        assert_eq!(
            ring.open(HERE, stored).unwrap().as_slice(),
            b"an old secret"
        );
    }
}
