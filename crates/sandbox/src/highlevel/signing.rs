//! The sandbox's own webhook keys: Ed25519 from the seed, RSA-4096 made when it is first asked for.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::core::Core;

/// What goes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const ED25519_SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Making one takes seconds, so a process has one.
static RSA: OnceLock<RsaKeyPair> = OnceLock::new();

/// The signing keys of one sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    ed25519: Arc<Ed25519KeyPair>,
}

impl Keys {
    pub(crate) fn new(core: &Core) -> Self {
        let seed: [u8; 32] = core.random.bytes();
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are an Ed25519 seed");
        Self {
            ed25519: Arc::new(pair),
        }
    }

    /// The value of `X-GHL-Signature`.
    pub(crate) fn ed25519(&self, body: &[u8]) -> String {
        STANDARD.encode(self.ed25519.sign(body))
    }

    /// The value of `X-WH-Signature`.
    pub(crate) fn rsa(body: &[u8]) -> String {
        let pair = rsa();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            body,
            &mut signature,
        )
        .expect("a fresh RSA-4096 key signs any message");
        STANDARD.encode(signature)
    }

    pub(crate) fn ed25519_pem(&self) -> String {
        let mut der = ED25519_SPKI.to_vec();
        der.extend_from_slice(self.ed25519.public_key().as_ref());
        pem(&der)
    }

    pub(crate) fn rsa_pem() -> String {
        let der = rsa()
            .public_key()
            .as_der()
            .expect("an RSA public key has a DER form");
        pem(der.as_ref())
    }
}

fn rsa() -> &'static RsaKeyPair {
    RSA.get_or_init(|| {
        RsaKeyPair::generate(KeySize::Rsa4096).expect("the machine can make an RSA key")
    })
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap_or(""))
        .collect();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    )
}
