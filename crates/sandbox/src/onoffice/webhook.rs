//! The marketplace webhook: a signed GET that says which record was saved in the user interface.
//!
//! Only the vendor sets one up, for approved providers, so there is none until the act `set_webhook`. Writes through the API fire it
//! only when a client asks with `executeMarketplaceWebhooks`. What the vendor does when a receiver fails is not documented; here it
//! is not tried again.

use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::state::Change;
use crate::core::Core;
use crate::deliveries::{Message, RetryPolicy};
use crate::system::System;

/// Where saves are announced.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// The provider's URL, without a query.
    pub(crate) url: String,
    /// The provider secret; not the secret of an API user.
    pub(crate) secret: String,
}

impl Webhook {
    /// Queues the announcement of a saved record. The names for other records than addresses and estates are guesses: what a
    /// provider gets is agreed with the vendor.
    pub(crate) fn announce(&self, core: &Core, seconds: i64, user: u32, change: &Change) {
        let (name, event) = match change.entity {
            "address" => ("addressId", "AddressSaved"),
            "estate" => ("estateId", "EstateSaved"),
            "task" => ("taskId", "TaskSaved"),
            "calendar" => ("appointmentId", "AppointmentSaved"),
            // nothing else is announced
            _ => return,
        };
        let id = core.random.uuid();
        let query = [
            (name, change.id.to_string()),
            ("apiClaim", format!("{user}+{id}")),
            ("customerName", "maklerhaus beispiel".to_owned()),
            ("customerWebId", "10421-7".to_owned()),
            ("parameterCacheId", core.random.text::<24>()),
            ("timestamp", seconds.to_string()),
            ("userId", user.to_string()),
        ];
        core.send(Message {
            system: System::OnOffice,
            event,
            id,
            subject: change.id.to_string(),
            method: http::Method::GET,
            url: self.signed(&query).into(),
            render: Arc::new(|_| (Bytes::new(), Vec::new())),
            retry: RetryPolicy {
                only_on_429: true,
                retries: 0,
                pause_ms: 0,
                factor: 1,
                jitter_ms: 0,
            },
        });
    }

    /// The URL with its query, sorted by key, and `signature`: hex HMAC-SHA256 over everything before it.
    fn signed(&self, query: &[(&str, String)]) -> String {
        let mut sorted: Vec<&(&str, String)> = query.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(sorted.iter().map(|(key, value)| (*key, value.as_str())))
            .finish();
        let unsigned = format!("{}?{query}", self.url);
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(unsigned.as_bytes());
        let signature: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{unsigned}&signature={signature}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_signature() {
        let webhook = Webhook {
            url: "https://provider.example/hooks/estate".to_owned(),
            secret: "providersecret".to_owned(),
        };
        let pairs = [
            ("userId", "21"),
            ("apiClaim", "abc+/="),
            ("customerName", "muster gmbh"),
            ("customerWebId", "1234-5678"),
            ("estateId", "409"),
            ("timestamp", "1700000000"),
        ];
        let url = webhook.signed(&pairs.map(|(key, value)| (key, value.to_owned())));
        assert_eq!(
            url,
            concat!(
                "https://provider.example/hooks/estate?apiClaim=abc%2B%2F%3D&customerName=muster+gmbh",
                "&customerWebId=1234-5678&estateId=409&timestamp=1700000000&userId=21",
                "&signature=3d146248013f4f692f90d38d735df4716cc2ee47b4330896869970d575c0aba8",
            )
        );
    }
}
