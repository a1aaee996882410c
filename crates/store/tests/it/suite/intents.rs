//! Intents to create.

use record::{Entity, Side};
use store::{Commit, Intent, IntentEnd, IntentState};

use super::things::*;

async fn end(store: &Under, number: u128, end: IntentEnd) {
    commit(
        store,
        Commit {
            intents: vec![(intent(number, "").id, end)],
            ..Commit::default()
        },
    )
    .await;
}

async fn of(store: &Under, names: &[&str]) -> Vec<Intent> {
    store
        .intents_of(&ws(), &people(), Entity::Contact, Side::Right, &ids(names))
        .await
        .unwrap()
}

pub(crate) async fn a_source_has_one_intent_for_a_side(store: Under) {
    let taken = store
        .open_intents(&ws(), &[intent(1, "a"), intent(2, "a"), intent(3, "b")])
        .await
        .unwrap();
    assert_eq!(taken, [intent(1, "a").id, intent(3, "b").id]);
    let other_side = Intent {
        target: Side::Left,
        ..intent(4, "a")
    };
    let taken = store
        .open_intents(&ws(), &[intent(5, "b"), other_side.clone()])
        .await
        .unwrap();
    assert_eq!(taken, [other_side.id]);
    assert_eq!(
        of(&store, &["b", "x", "a"]).await,
        [intent(3, "b"), intent(1, "a")]
    );
    end(&store, 1, IntentEnd::Closed).await;
    assert!(of(&store, &["a"]).await.is_empty());
    let taken = store.open_intents(&ws(), &[intent(6, "a")]).await.unwrap();
    assert_eq!(taken, [intent(6, "a").id], "the source is free again");
}

pub(crate) async fn an_intent_is_looked_for_when_its_call_ended_without_answer(store: Under) {
    store
        .open_intents(&ws(), &[intent(1, "a"), intent(2, "b"), intent(3, "c")])
        .await
        .unwrap();
    let due = async |now| -> Vec<(u128, u32)> {
        store
            .intents_due(&ws(), &people(), at(now), 10)
            .await
            .unwrap()
            .into_iter()
            .map(|intent| (intent.id.0.as_u128(), intent.looks))
            .collect()
    };
    assert!(due(1000).await.is_empty(), "their calls are under way");
    end(&store, 2, IntentEnd::LookAfter(at(30))).await;
    assert!(due(29).await.is_empty());
    assert_eq!(due(30).await, [(2, 0)], "nobody has looked yet");
    end(&store, 2, IntentEnd::LookAfter(at(60))).await;
    assert!(due(59).await.is_empty());
    assert_eq!(due(60).await, [(2, 1)]);
    end(&store, 2, IntentEnd::Postponed(at(70))).await;
    assert!(due(69).await.is_empty());
    assert_eq!(due(70).await, [(2, 1)], "nobody could look");
    end(&store, 2, IntentEnd::Postponed(at(60))).await;
    assert_eq!(store.doubt_intents(&ws(), at(40)).await.unwrap(), 2);
    assert_eq!(store.doubt_intents(&ws(), at(90)).await.unwrap(), 0);
    assert_eq!(due(60).await, [(1, 0), (2, 1), (3, 0)]);
    end(&store, 3, IntentEnd::Asked).await;
    assert_eq!(due(1000).await, [(1, 0), (2, 1)]);
    assert_eq!(of(&store, &["c"]).await[0].state, IntentState::Asked);
    let overview = store.overview(&ws()).await.unwrap();
    assert_eq!(overview.intents["people"], 2, "one waits for a person");
}
