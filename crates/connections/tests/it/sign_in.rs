//! Connecting accounts, and connecting them again.

use connections::{CheckError, Clock, ConnectError, ConnectionConfig, Health, Restart};
use connector::Calls;
use serde_json::json;
use store::ConnectionName;

use crate::support::{Reply, SECOND, SECRET, World, given, office, purpose, read, secret};

fn oauth() -> serde_json::Value {
    json!({"scheme": "oauth", "client_id": "7"})
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_by_redirect_asks_for_the_scopes_it_needs_and_finds_the_account() {
    let world = World::new(oauth(), json!({})).await;
    let health = world.connections.health(&office()).unwrap();
    assert!(matches!(health, Health::NeedsSignIn { .. }));
    let client = format!("{SECRET}-client");
    let redirect = world
        .connections
        .begin_sign_in(
            &office(),
            purpose(),
            "https://t.example.org/cb",
            given(&[("client_secret", &client)]),
        )
        .unwrap();
    assert!(
        redirect
            .url
            .starts_with("https://api.example.org/authorize?client_id=7&")
    );
    assert!(redirect.url.contains("scope=all") && redirect.url.ends_with(&redirect.state));
    assert_eq!(redirect.state.len(), 64);
    let connected = world
        .connections
        .finish_sign_in(Some(&redirect.state), &secret("good"))
        .await
        .unwrap();
    assert_eq!(connected.account.id, "acme");
    assert!(!connected.replaced);
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
    assert_eq!(world.session().settings()["location"], "acme");

    let again = world
        .connections
        .finish_sign_in(Some(&redirect.state), &secret("good"))
        .await;
    assert!(
        matches!(again, Err(ConnectError::State)),
        "a state works once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_callback_must_belong_to_a_sign_in_that_was_begun_here() {
    let world = World::new(oauth(), json!({})).await;
    let begin = || {
        let client = format!("{SECRET}-client");
        world
            .connections
            .begin_sign_in(
                &office(),
                purpose(),
                "https://t.example.org/cb",
                given(&[("client_secret", &client)]),
            )
            .unwrap()
    };
    let code = secret("good");
    let finish = async |state: Option<&str>| world.connections.finish_sign_in(state, &code).await;
    assert!(matches!(finish(None).await, Err(ConnectError::State)));
    let (first, second) = (begin(), begin());
    assert!(matches!(
        finish(Some("guessed")).await,
        Err(ConnectError::State)
    ));
    assert!(
        matches!(finish(None).await, Err(ConnectError::State)),
        "two are under way"
    );
    finish(Some(&first.state)).await.unwrap();
    finish(None).await.unwrap();
    assert!(matches!(
        finish(Some(&second.state)).await,
        Err(ConnectError::State)
    ));
    let third = begin();
    world.clock.sleep(SECOND * 16 * 60).await;
    assert!(
        matches!(finish(Some(&third.state)).await, Err(ConnectError::State)),
        "too late"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_vendor_echoes_is_not_repeated() {
    let world = World::new(oauth(), json!({})).await;
    let error = world.sign_in("bad").await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("bad code [code]"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
}

#[tokio::test(start_paused = true)]
async fn pasted_credentials_are_tried_before_they_are_saved() {
    let world = World::new(json!({"scheme": "key"}), json!({})).await;
    let connect = async |key: &str| {
        world
            .connections
            .connect(&office(), given(&[("key", key)]), &purpose())
            .await
    };
    let echo = Reply::Answer(401, format!("unknown key {SECRET}-wrong"));
    world.vendor.script([echo]);
    let error = connect(&format!("{SECRET}-wrong")).await.unwrap_err();
    assert!(
        error.to_string().contains("unknown key [secret]"),
        "{error}"
    );
    assert!(world.memory.rows.lock().unwrap().is_empty());
    let missing = world
        .connections
        .connect(&office(), given(&[]), &purpose())
        .await;
    assert!(matches!(
        missing,
        Err(ConnectError::Missing { field: "key", .. })
    ));
    let unknown = world
        .connections
        .connect(&office(), given(&[("kee", "x")]), &purpose())
        .await;
    assert!(matches!(unknown, Err(ConnectError::NotNeeded(_))));

    let access = world.vendor.state().access.clone();
    let connected = connect(&access).await.unwrap();
    assert_eq!(connected.account.missing, ["write"]);
    world.session().send(read("/contacts")).await.unwrap();
    let sealed = world.memory.rows.lock().unwrap()[&office()].sealed.clone();
    assert!(!String::from_utf8_lossy(&sealed).contains(SECRET));
}

#[tokio::test(start_paused = true)]
async fn a_scheme_without_a_user_gets_its_tokens_by_itself() {
    let world = World::new(json!({"scheme": "app", "client_id": "7"}), json!({})).await;
    let client = given(&[("client_secret", "hush-client")]);
    world
        .connections
        .connect(&office(), client, &purpose())
        .await
        .unwrap();
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_account_is_refused_until_a_person_confirms_it() {
    let world = World::signed_in().await;
    assert!(world.sign_in("good").await.unwrap().replaced);
    world.vendor.state().account = "rival".to_owned();
    let error = world.sign_in("good").await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("(acme)") && text.contains("(rival)"),
        "{text}"
    );
    assert_eq!(
        world.connections.account(&office()).unwrap().unwrap().id,
        "acme"
    );

    let connected = world.connections.confirm_account(&office()).await.unwrap();
    assert_eq!(connected.account.id, "rival");
    assert_eq!(
        world.connections.account(&office()).unwrap().unwrap().id,
        "rival"
    );
    let again = world.connections.confirm_account(&office()).await;
    assert!(matches!(again, Err(ConnectError::NothingToConfirm)));

    world.vendor.state().account = "third".to_owned();
    world.sign_in("good").await.unwrap_err();
    world.clock.sleep(SECOND * 16 * 60).await;
    let late = world.connections.confirm_account(&office()).await;
    assert!(matches!(late, Err(ConnectError::NothingToConfirm)));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_has_a_connection_gets_no_second_one() {
    let world = World::signed_in().await;
    let twin = ConnectionName::from("twin");
    let config: ConnectionConfig = serde_json::from_value(world.config.clone()).unwrap();
    let configs = [(office(), config.clone()), (twin.clone(), config)].into();
    let fresh = |_: &ConnectionName| Restart::default();
    world.connections.apply(configs, fresh).await.unwrap();
    let sign_in = || async {
        let client = format!("{SECRET}-client");
        let redirect = world.connections.begin_sign_in(
            &twin,
            purpose(),
            "https://t.example.org/cb",
            given(&[("client_secret", &client)]),
        )?;
        let code = secret("good");
        world
            .connections
            .finish_sign_in(Some(&redirect.state), &code)
            .await
    };
    let error = sign_in().await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Twin { other, .. } if *other == office().to_string()),
        "{error}"
    );
    assert!(world.connections.account(&twin).unwrap().is_none());
    // The one that has it signs in again as ever, and another account is welcome.
    assert!(world.sign_in("good").await.unwrap().replaced);
    world.vendor.state().account = "rival".to_owned();
    assert_eq!(sign_in().await.unwrap().account.id, "rival");
    let error = world.sign_in("good").await.unwrap_err();
    assert!(matches!(error, ConnectError::Twin { .. }), "{error}");
    // Neither is a move confirmed onto an account that was taken meanwhile.
    world.vendor.state().account = "third".to_owned();
    world.sign_in("good").await.unwrap_err();
    sign_in().await.unwrap_err();
    let moved = world.connections.confirm_account(&twin).await.unwrap();
    assert_eq!(moved.account.id, "third");
    let late = world.connections.confirm_account(&office()).await;
    assert!(matches!(late, Err(ConnectError::Twin { .. })), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_for_another_account_than_the_config_names_is_refused() {
    let world = World::new(oauth(), json!({"settings": {"location": "elsewhere"}})).await;
    let error = world.sign_in("good").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the config says location "elsewhere", but the sign-in is for "acme""#
    );
    assert!(world.memory.rows.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_finds_another_account_stops_everything() {
    let world = World::signed_in().await;
    assert_eq!(
        world
            .connections
            .check(&office(), &purpose())
            .await
            .unwrap()
            .id,
        "acme"
    );
    world.vendor.state().account = "rival".to_owned();
    let error = world
        .connections
        .check(&office(), &purpose())
        .await
        .unwrap_err();
    assert!(matches!(error, CheckError::OtherAccount { .. }), "{error}");
    let before = world.vendor.state().seen.len();
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(error.to_string().contains("rival"), "{error}");
    assert_eq!(world.vendor.state().seen.len(), before);

    world.vendor.state().account = "acme".to_owned();
    world
        .connections
        .check(&office(), &purpose())
        .await
        .unwrap();
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn credentials_that_cannot_be_opened_are_told_and_can_be_replaced() {
    let world = World::signed_in().await;
    world
        .memory
        .rows
        .lock()
        .unwrap()
        .get_mut(&office())
        .unwrap()
        .sealed[40] ^= 1;
    let next = world.another_process().await;
    let health = next.health(&office()).unwrap();
    assert!(
        matches!(&health, Health::NeedsSignIn { why, .. } if why.contains("it was changed")),
        "{health:?}"
    );
    let redirect = next
        .begin_sign_in(
            &office(),
            purpose(),
            "https://t.example.org/cb",
            given(&[("client_secret", "hush-client")]),
        )
        .unwrap();
    next.finish_sign_in(Some(&redirect.state), &secret("good"))
        .await
        .unwrap();
    assert_eq!(next.health(&office()).unwrap(), Health::Ok);
}

#[tokio::test(start_paused = true)]
async fn connections_of_one_client_share_its_sign_ins() {
    let limits = || connector::Limits {
        windows: vec![connector::Window {
            requests: 5,
            per: SECOND * 60,
            effect: Some(connector::Effect::SignIn),
        }],
        ..crate::support::limits()
    };
    for (clients, span) in [(["7", "7"], SECOND * 60), (["7", "8"], SECOND)] {
        let world = World::new(json!({"scheme": "app"}), json!({})).await;
        let connections = world.several(&["one", "two"], limits()).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..3 {
            for (name, client) in ["one", "two"].into_iter().zip(clients) {
                let connections = std::sync::Arc::clone(&connections);
                tasks.spawn(async move {
                    let secret = format!("{SECRET}-client");
                    let given = given(&[("client_id", client), ("client_secret", &secret)]);
                    let signed_in = connections.connect(&name.into(), given, &purpose()).await;
                    // the vendor knows one token at a time, so another sign-in may have ended this one's
                    drop(signed_in);
                });
            }
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let asked = world.vendor.requests("/token");
        assert_eq!(asked.len(), 6);
        let (first, sixth) = (asked[0].at, asked[5].at);
        match span {
            long if long > SECOND => assert!(sixth - first >= long, "{first:?} {sixth:?}"),
            short => assert!(sixth - first < short, "{first:?} {sixth:?}"),
        }
    }
}
