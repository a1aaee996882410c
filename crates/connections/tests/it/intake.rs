//! Webhooks: verified, routed, durable before they are acknowledged.

use std::sync::Mutex;

use async_trait::async_trait;
use connections::{Clock, Health, IntakeError, IntakeSink, IntakeSinkError, Receipt};
use connector::{Calls, Delivery, Incoming, WebhookError};
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::json;
use store::{Accepted, ConnectionName};

use record::Entity;

use crate::support::{SECOND, SECRET, World, office, read};

/// Keeps what it took, or answers as it is told to.
#[derive(Default)]
struct Sink {
    taken: Mutex<Vec<(ConnectionName, String)>>,
    answer: Option<Accepted>,
    broken: bool,
}

#[async_trait]
impl IntakeSink for Sink {
    async fn accept(
        &self,
        connection: &ConnectionName,
        delivery: &Delivery,
    ) -> Result<Accepted, IntakeSinkError> {
        if self.broken {
            return Err(IntakeSinkError("the disk is full".to_owned()));
        }
        let taken = (connection.clone(), delivery.event.clone());
        self.taken.lock().unwrap().push(taken);
        Ok(self.answer.unwrap_or(Accepted::New))
    }
}

async fn receive(
    world: &World,
    signature: &str,
    body: &serde_json::Value,
    sink: &Sink,
) -> Result<Receipt, IntakeError> {
    let mut headers = HeaderMap::new();
    headers.insert("signature", signature.parse().unwrap());
    let body = body.to_string();
    let incoming = Incoming {
        headers: &headers,
        query: "",
        body: body.as_bytes(),
        received: Timestamp::UNIX_EPOCH,
    };
    world.connections.receive("example", &incoming, sink).await
}

#[tokio::test(start_paused = true)]
async fn a_webhook_reaches_the_connection_of_its_account() {
    let world = World::signed_in().await;
    let sink = Sink::default();
    let receipt = receive(
        &world,
        "built-in",
        &json!({"account": "acme", "event": "e"}),
        &sink,
    )
    .await;
    let expected = Receipt::Accepted {
        event: "e".to_owned(),
        connections: vec![office()],
    };
    assert_eq!(receipt.unwrap(), expected);
    assert_eq!(*sink.taken.lock().unwrap(), [(office(), "e".to_owned())]);

    let receipt = receive(&world, "built-in", &json!({"account": "rival"}), &sink).await;
    assert!(
        matches!(receipt.unwrap(), Receipt::NoConnection { account, .. } if account == "rival")
    );
    assert_eq!(sink.taken.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_signed_by_the_vendor_goes_nowhere() {
    let world = World::signed_in().await;
    let sink = Sink::default();
    let error = receive(&world, "forged", &json!({"account": "acme"}), &sink)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        IntakeError::Webhook(WebhookError::Signature(_))
    ));
    assert!(sink.taken.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_what_is_durable_is_accepted() {
    let world = World::signed_in().await;
    let body = json!({"account": "acme"});
    let full = Sink {
        answer: Some(Accepted::Full),
        ..Sink::default()
    };
    assert_eq!(
        receive(&world, "built-in", &body, &full).await.unwrap(),
        Receipt::Full
    );
    let seen = Sink {
        answer: Some(Accepted::Duplicate),
        ..Sink::default()
    };
    assert_eq!(
        receive(&world, "built-in", &body, &seen).await.unwrap(),
        Receipt::Duplicate
    );
    let broken = Sink {
        broken: true,
        ..Sink::default()
    };
    let error = receive(&world, "built-in", &body, &broken)
        .await
        .unwrap_err();
    assert!(matches!(error, IntakeError::Sink(_)));
}

#[tokio::test(start_paused = true)]
async fn a_removed_app_needs_a_person() {
    let world = World::signed_in().await;
    let sink = Sink::default();
    let body = json!({"account": "acme", "event": "removed"});
    receive(&world, "built-in", &body, &sink).await.unwrap();
    let health = world.connections.health(&office()).unwrap();
    assert!(matches!(health, Health::NeedsSignIn { .. }), "{health:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_subscribed_verifies_and_routes_and_is_kept_sealed() {
    let world = World::signed_in().await;
    let sink = Sink::default();
    let signed = format!("{SECRET}-signs");
    // says no account: its key does
    let body = json!({"event": "e"});
    let refused = receive(&world, &signed, &body, &sink).await;
    assert!(matches!(
        refused,
        Err(IntakeError::Webhook(WebhookError::Signature(_)))
    ));
    let address = "https://tandem.example.org/hooks/example";
    for _ in 0..2 {
        let subscribes = world
            .connections
            .subscribe(&office(), address, &[Entity::Contact], &[])
            .await;
        assert!(subscribes.unwrap());
    }
    assert_eq!(world.vendor.requests("/subscribe").len(), 1);
    let receipt = receive(&world, &signed, &body, &sink).await.unwrap();
    assert!(matches!(receipt, Receipt::Accepted { .. }), "{receipt:?}");
    // another process, and one after a renewal, verify by the same key
    world.clock.sleep(SECOND * 25 * 3_600).await;
    world.session().send(read("/contacts")).await.unwrap();
    let other = world.another_process().await;
    for connections in [&world.connections, &other] {
        assert_eq!(
            connections.subscribed_to(&office()).unwrap().as_deref(),
            Some(address)
        );
    }
    let sealed = world.memory.rows.lock().unwrap()[&office()].sealed.clone();
    assert!(!String::from_utf8_lossy(&sealed).contains("signs"));
}
