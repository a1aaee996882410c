//! No secret, code, query or record value in anything that people read: logs at every level, errors,
//! health, the call log, `Debug` forms.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use connections::Clock;
use connector::Calls;
use serde_json::json;

use crate::support::{Reply, SECOND, SECRET, World, given, office, purpose, read, secret, write};

/// Collects what is logged.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_people_read_holds_a_secret() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut shown = Vec::new();

    let mut world = World::new(json!({"scheme": "oauth", "client_id": "7"}), json!({})).await;
    let mut note = |what: &dyn std::fmt::Debug| shown.push(format!("{what:?}"));
    note(&world.sign_in("bad").await.unwrap_err());
    note(&world.sign_in("good").await.unwrap());
    let wrong = given(&[("client_secret", &format!("{SECRET}-x")), ("more", "x")]);
    note(
        &world
            .connections
            .connect(&office(), wrong, &purpose())
            .await
            .unwrap_err(),
    );
    note(&secret("good"));

    // every kind of trouble, with a vendor that repeats what it was sent
    let echo = |status| Reply::Answer(status, format!("you sent {SECRET}-access-1 for Erika"));
    let marked = || write("/contacts").query("email", "Erika");
    world.vendor.script([echo(500)]);
    note(&world.session().send(marked()).await.unwrap_err());
    world.vendor.script([echo(401)]);
    note(&world.session().send(marked()).await.unwrap_err());
    note(&world.connections.health(&office()).unwrap());
    world
        .connections
        .check(&office(), &purpose())
        .await
        .unwrap();
    world.clock.sleep(SECOND * 25 * 3600).await;
    world.session().send(marked()).await.unwrap();
    note(&world.session().send(read("/contacts")).await.unwrap());
    world.vendor.state().refresh = "another".to_owned();
    world.clock.sleep(SECOND * 25 * 3600).await;
    note(&world.session().send(marked()).await.unwrap_err());
    note(&world.connections.health(&office()).unwrap());
    note(&world.connections.describe(&office()).unwrap());
    note(
        &world
            .connections
            .check(&office(), &purpose())
            .await
            .unwrap_err(),
    );
    note(&marked());
    for call in world.logged() {
        note(&call);
    }

    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("token renewed and saved") && log.contains("contacts.create"),
        "{log}"
    );
    assert!(!log.contains(SECRET) && !log.contains("Erika"), "{log}");
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
        // what a vendor says of a record may stand in the error for its caller, and nowhere else
    }
}
