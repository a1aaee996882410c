//! Webhooks of approved marketplace providers: signed GET requests without a body.
//!
//! A plain API user has none (there is no call that registers a webhook). onOffice sets them up for an
//! approved provider; the installation's config then has the provider's secret and the public address
//! that onOffice calls. The signature covers that address and the query with its parameters sorted
//! (from the vendor's provider examples).

use connector::{Delivery, Hint, Incoming, WebhookError, WebhookKeys, catalog::trigger::Happened};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use record::{Entity, RecordId};
use serde_json::json;
use sha2::Sha256;
use url::form_urlencoded;

/// The provider's secret, in the config's webhook keys. It is not an API secret.
const SECRET: &str = "provider_secret";
/// The address that onOffice calls: scheme, host, port if any, and path.
const ADDRESS: &str = "provider_url";
/// The client that the connection is, as these webhooks call it. No call of the API tells it.
const CUSTOMER: &str = "customer_web_id";

/// The parameters that name a record, and the events that we make of them. That of estates and addresses is documented; what a provider
/// gets for tasks and appointments is agreed with the vendor, so several names are taken.
const SAVED: [(&str, &str); 5] = [
    ("addressId", "address.saved"),
    ("estateId", "estate.saved"),
    ("taskId", "task.saved"),
    ("appointmentId", "calendar.saved"),
    ("calendarId", "calendar.saved"),
];

/// Verifies a marketplace webhook and reads which record was saved.
///
/// # Errors
/// [`WebhookError::None`] unless the config makes this installation a provider.
pub(crate) fn webhook(
    incoming: &Incoming<'_>,
    keys: &WebhookKeys,
) -> Result<Delivery, WebhookError> {
    let (Some(secret), Some(address)) = (keys.keys.get(SECRET), keys.keys.get(ADDRESS)) else {
        return Err(WebhookError::None("onOffice"));
    };
    // one provider found `+` in a claim undone on the way: so both readings of `+` are tried
    let readings = [
        incoming.query.to_owned(),
        incoming.query.replace('+', "%2B"),
    ];
    let parameters = readings
        .iter()
        .find_map(|query| verified(secret, address, query))
        .ok_or(WebhookError::Signature(
            "the query is not signed with the provider's secret",
        ))?;
    let get = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let account = get("customerWebId")
        .ok_or_else(|| WebhookError::Body("the query has no customerWebId".into()))?;
    // what a connection knows of its account is another name for it
    let addressed = match keys.keys.get(CUSTOMER) {
        Some(own) if own == account => None,
        Some(_) => {
            return Err(WebhookError::Body(format!(
                "the query is about a client that is not the connection's `{CUSTOMER}`"
            )));
        }
        None => Some(account.to_owned()),
    };
    let at = get("timestamp")
        .and_then(|text| text.parse().ok())
        .and_then(|at| Timestamp::from_second(at).ok());
    let named = SAVED
        .iter()
        .find_map(|(name, event)| Some((*event, get(name).filter(|id| !id.is_empty())?)));
    let event = named.map_or("saved", |(event, _)| event);
    let happened = crate::catalog::catalog().told_by(event).zip(named);
    let saved = get("addressId").filter(|id| id.parse::<u64>().is_ok_and(|id| id > 0));
    Ok(Delivery {
        id: form_urlencoded::parse(incoming.query.as_bytes())
            .find(|(key, _)| key == "signature")
            .map(|(_, signature)| signature.into_owned()),
        account: addressed,
        hints: saved
            .map(|id| Hint {
                entity: Entity::Contact,
                id: RecordId::from(id),
                not_older_than: at,
                born: false,
                shown: None,
            })
            .into_iter()
            .collect(),
        happened: happened
            .map(|(trigger, (event, id))| Happened {
                trigger: trigger.id.clone(),
                id: id.to_owned(),
                item: json!({"event": event, "id": id, "customerWebId": account, "userId": get("userId")}),
            })
            .into_iter()
            .collect(),
        unnamed: Vec::new(),
        lifecycle: None,
        event: event.to_owned(),
        form: Vec::new(),
    })
}

/// The sorted parameters, if the signature is that of the provider.
fn verified(secret: &str, address: &str, query: &str) -> Option<Vec<(String, String)>> {
    let mut signature = None;
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "signature" => signature = hex(&value),
            _ => parameters.push((key.into_owned(), value.into_owned())),
        }
    }
    parameters.sort();
    let begin = address.len() + 1;
    let query = form_urlencoded::Serializer::for_suffix(format!("{address}?"), begin)
        .extend_pairs(&parameters)
        .finish();
    // PHP encodes the one character that the web's form encoding leaves alone
    let signed = format!("{}{}", &query[..begin], query[begin..].replace('*', "%2A"));
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    // in constant time
    mac.verify_slice(&signature?).ok().map(|()| parameters)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(&text[place..place + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    const HOOK: &str = "https://provider.example/hooks/estate";
    const SIGNATURE: &str = "3d146248013f4f692f90d38d735df4716cc2ee47b4330896869970d575c0aba8";

    fn receive(query: &str, keys: &WebhookKeys) -> Result<Delivery, WebhookError> {
        let headers = HeaderMap::new();
        webhook(
            &Incoming {
                headers: &headers,
                query,
                body: b"",
                received: Timestamp::UNIX_EPOCH,
            },
            keys,
        )
    }

    fn keys(secret: &str) -> WebhookKeys {
        WebhookKeys {
            keys: [(SECRET, secret), (ADDRESS, HOOK)]
                .map(|(k, v)| (k.into(), v.into()))
                .into(),
        }
    }

    fn query(more: &str) -> String {
        format!(
            "userId=21&apiClaim=abc%2B%2F%3D&customerName=muster+gmbh&customerWebId=1234-5678{more}&timestamp=1700000000"
        )
    }

    #[test]
    fn a_signed_query_is_accepted_in_any_order_and_either_spelling() {
        let signed = format!("{}&signature={SIGNATURE}", query("&estateId=409"));
        let delivery = receive(&signed, &keys("providersecret")).unwrap();
        assert_eq!(delivery.account.as_deref().unwrap(), "1234-5678");
        // estates are no entity in sync: an event, and nothing to look at
        assert!(delivery.hints.is_empty());
        assert_eq!(delivery.event, "estate.saved");
        assert_eq!(delivery.id.as_deref(), Some(SIGNATURE));
    }

    #[test]
    fn the_connection_whose_client_it_is_takes_it_and_no_other() {
        let signed = format!("{}&signature={SIGNATURE}", query("&estateId=409"));
        let of = |customer: &str| {
            let mut keys = keys("providersecret");
            keys.keys.insert(CUSTOMER.into(), customer.into());
            receive(&signed, &keys)
        };
        let delivery = of("1234-5678").unwrap();
        assert_eq!(delivery.account, None, "it is about the one whose keys fit");
        assert_eq!(delivery.happened[0].trigger, "marketplace.saved");
        assert!(matches!(of("8765-4321"), Err(WebhookError::Body(_))));
    }

    #[test]
    fn anything_else_is_not() {
        let signed = format!("{}&signature={SIGNATURE}", query("&estateId=409"));
        for (query, keys) in [
            (signed.clone(), keys("anothersecret")),
            (signed.replace("409", "410"), keys("providersecret")),
            (signed.replace("3d14", "3d15"), keys("providersecret")),
            (signed.replace("3d14", "zz14"), keys("providersecret")),
            (signed.replace("3d14", "d14"), keys("providersecret")),
            (query("&estateId=409"), keys("providersecret")),
            (format!("{signed}&estateId=410"), keys("providersecret")),
            (String::new(), keys("providersecret")),
        ] {
            assert!(
                matches!(receive(&query, &keys), Err(WebhookError::Signature(_))),
                "{query}"
            );
        }
        assert!(matches!(
            receive(&signed, &WebhookKeys::default()),
            Err(WebhookError::None(_))
        ));
    }
}
