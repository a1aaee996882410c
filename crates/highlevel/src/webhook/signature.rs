//! The signature of a webhook.
//!
//! `X-GHL-Signature` is Ed25519 over the raw body, base64, with one published key for all apps. Before it
//! there was `X-WH-Signature`, RSA with SHA-256, which is no longer sent (the vendor's newest SDK); it
//! is taken only where the installation's keys ask for it, and only when the first is missing.
//!
//! Keys by their name in the config: those that begin with `ed25519` (several, for a rotation; none:
//! the published one) and those that begin with `rsa` (none: off; `builtin`: the published one).

use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use connector::{WebhookError, WebhookKeys};
use http::HeaderMap;

const ED25519_HEADER: &str = "x-ghl-signature";
const RSA_HEADER: &str = "x-wh-signature";

/// The value that stands for a published key.
const BUILTIN: &str = "builtin";

/// The published Ed25519 key (the vendor's webhook integration guide).
const ED25519_KEY: &str = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";

/// The published RSA key (the vendor's page on webhook authentication).
const RSA_KEY: &str = "
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==";

/// Before the 32 bytes of a key in a `SubjectPublicKeyInfo` for Ed25519 (RFC 8410).
const ED25519_SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Fails unless a trusted key signed exactly these bytes.
pub(crate) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    keys: &WebhookKeys,
) -> Result<(), WebhookError> {
    let rsa = configured(keys, "rsa", rsa_key)?;
    if let Some(signature) = signature(headers, ED25519_HEADER) {
        let mut trusted = configured(keys, "ed25519", ed25519_key)?;
        if trusted.is_empty() {
            trusted.extend(ed25519_key(BUILTIN));
        }
        return check(&ED25519, &trusted, body, signature);
    }
    match signature(headers, RSA_HEADER) {
        Some(signature) if !rsa.is_empty() => {
            check(&RSA_PKCS1_2048_8192_SHA256, &rsa, body, signature)
        }
        Some(_) => Err(WebhookError::Signature(
            "only the old X-WH-Signature is there, which is not enabled",
        )),
        None => Err(WebhookError::Signature("there is no X-GHL-Signature")),
    }
}

/// Which signatures a message carries.
pub(super) fn kinds(headers: &HeaderMap) -> &'static str {
    let has = |name: &str| signature(headers, name).is_some();
    match (has(ED25519_HEADER), has(RSA_HEADER)) {
        (true, false) => "ed25519",
        (true, true) => "both",
        (false, true) => "rsa",
        (false, false) => "none",
    }
}

/// The header's text; `N/A` is how the vendor says that there is none.
fn signature<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty() && text != "N/A").then_some(text)
}

fn check(
    algorithm: &'static dyn VerificationAlgorithm,
    trusted: &[Vec<u8>],
    body: &[u8],
    signature: &str,
) -> Result<(), WebhookError> {
    let signature = BASE64
        .decode(signature)
        .map_err(|_| WebhookError::Signature("it is not base64"))?;
    let fits = trusted.iter().any(|key| {
        UnparsedPublicKey::new(algorithm, key)
            .verify(body, &signature)
            .is_ok()
    });
    if fits {
        Ok(())
    } else {
        Err(WebhookError::Signature("no trusted key made it"))
    }
}

/// The keys whose name begins so. One that cannot be read fails all: to go on without it would hide it.
fn configured(
    keys: &WebhookKeys,
    prefix: &str,
    read: fn(&str) -> Option<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, WebhookError> {
    keys.keys
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(_, text)| {
            read(text.trim()).ok_or(WebhookError::Signature(
                "a key in the configuration cannot be read",
            ))
        })
        .collect()
}

/// 32 bytes out of PEM, base64 of either the bare key or its `SubjectPublicKeyInfo`, or 64 hex digits.
fn ed25519_key(text: &str) -> Option<Vec<u8>> {
    let text = if text == BUILTIN { ED25519_KEY } else { text };
    if let Some(bytes) = hex(text) {
        return Some(bytes);
    }
    let bytes = pem_or_base64(text)?;
    let key = bytes.strip_prefix(&ED25519_SPKI).unwrap_or(&bytes);
    (key.len() == 32).then(|| key.to_vec())
}

/// DER out of PEM or base64.
fn rsa_key(text: &str) -> Option<Vec<u8>> {
    let der = pem_or_base64(if text == BUILTIN { RSA_KEY } else { text })?;
    // Whether it is a key at all shows at the first signature; that it is DER shows here.
    (der.first() == Some(&0x30)).then_some(der)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32)
        .map(|index| u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok())
        .collect()
}

fn pem_or_base64(text: &str) -> Option<Vec<u8>> {
    // A key pasted on one line may have its line ends written out.
    let lines: String = text
        .replace("\\n", "\n")
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    BASE64.decode(lines).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_keys_can_be_read_in_every_form() {
        let key = ed25519_key(BUILTIN).unwrap();
        assert_eq!(key.len(), 32);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{ED25519_KEY}\n-----END PUBLIC KEY-----\n");
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let bare = BASE64.encode(&key);
        let one_line = pem.replace('\n', "\\n");
        for form in [&pem, &one_line, &hex, &bare, bare.trim_end_matches('=')] {
            assert_eq!(ed25519_key(form), Some(key.clone()), "{form}");
        }
        for nonsense in ["", "key", &hex[..62], "MCowBQYDK2VwAyEA"] {
            assert_eq!(ed25519_key(nonsense), None);
        }
        assert_eq!(rsa_key(BUILTIN).unwrap().len(), 550);
    }
}
