//! Sealing and opening secrets.
//!
//! A secret is sealed with XChaCha20-Poly1305 under a [`Key`] that is never in the database, and is
//! bound to its [`Place`]: bytes copied to another connection, workspace or key do not open. A
//! [`KeyRing`] seals with its current key and still opens what older keys sealed, so that keys can be
//! changed one sealed secret at a time.
//!
//! This crate stores nothing but the key file. Where sealed bytes are kept is the caller's affair.

mod key;

mod seal;

mod source;

pub use key::{Key, KeyError, KeyId};
pub use seal::{KeyRing, OpenError, Place, RotateError, SealError};
pub use source::{
    KEY_VARIABLE, KeyOrigin, Loaded, OLD_KEYS_VARIABLE, Source, SourceError, forget_old_keys,
    new_key_in_file,
};
