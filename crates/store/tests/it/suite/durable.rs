//! What is there after a process has died: the store is dropped, never closed, and opened again.

use record::{Entity, Side};
use serde_json::json;
use store::{Commit, JournalFilter, Saved};

use super::{
    Bed,
    sweeps::{page, rows, unseen},
    things::*,
};

pub(crate) async fn everything_answered_is_there_after_a_crash(bed: &mut impl Bed) {
    let store = bed.store();
    store.apply_config(&ws(), "config", at(0)).await.unwrap();
    let saved = store
        .save_credentials(&ws(), &crm(), b"sealed", 0)
        .await
        .unwrap();
    assert_eq!(saved, Saved::Version(1));
    store
        .accept_delivery(&ws(), delivery(Some("d1"), "a", at(0)))
        .await
        .unwrap();
    let whole = Commit {
        links: vec![link(1, "a", "x")],
        journal: vec![entry("a", "email")],
        snapshots: vec![snapshot("a", 4)],
        meters: [("writes".to_owned(), 1)].into(),
        ..Commit::default()
    };
    commit(&store, whole).await;
    drop(store);
    bed.crash().await;
    let store = bed.store();
    let config = store.applied_config(&ws()).await.unwrap().unwrap();
    assert_eq!(config.document, "config");
    let row = store.credentials(&ws(), &crm()).await.unwrap().unwrap();
    assert_eq!(row.sealed, b"sealed");
    let repeat = delivery(Some("d1"), "a", at(0));
    let repeat = store.accept_delivery(&ws(), repeat).await.unwrap();
    assert_eq!(repeat, store::Accepted::Duplicate);
    assert_eq!(records(&claim(&store, at(0)).await), ["a"]);
    let links = store
        .links_of(&ws(), &people(), Entity::Contact, Side::Left, &ids(&["a"]))
        .await
        .unwrap();
    assert_eq!(links, [link(1, "a", "x")]);
    let journal = store
        .journal(&ws(), &JournalFilter::default())
        .await
        .unwrap();
    assert_eq!(journal[0].entry, entry("a", "email"));
    let kept = store
        .snapshots(&ws(), &crm(), Entity::Contact, &ids(&["a"]))
        .await
        .unwrap();
    assert_eq!(kept[0].as_ref().unwrap().read, Some(read("a", "Ada")));
    assert_eq!(store.overview(&ws()).await.unwrap().meters["writes"], 1);
}

pub(crate) async fn claims_of_a_dead_process_are_free_again(bed: &mut impl Bed) {
    let store = bed.store();
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let before = claim(&store, at(0)).await;
    drop(store);
    bed.crash().await;
    let store = bed.store();
    assert_eq!(store.end_leases(&ws()).await.unwrap(), 1);
    let after = claim(&store, at(0)).await;
    assert_eq!(records(&after), ["a"]);
    settle(&store, &after).await;
    store.signal(&ws(), &[signal("a", at(1))]).await.unwrap();
    settle(&store, &before).await;
    settle(&store, &after).await;
    assert_eq!(
        records(&claim(&store, at(1)).await),
        ["a"],
        "no generation is given out twice"
    );
}

pub(crate) async fn a_sweep_goes_on_after_a_crash(bed: &mut impl Bed) {
    let store = bed.store();
    keep(&store, vec![snapshot("a", 1), snapshot("b", 1)]).await;
    let seen = rows(&store, &["b"]).await;
    let sweep = store
        .begin_sweep(&ws(), &crm(), Entity::Contact, at(0))
        .await
        .unwrap();
    store
        .commit_page(&ws(), page(sweep.id, &seen, Some("page 2")))
        .await
        .unwrap();
    drop(store);
    bed.crash().await;
    let store = bed.store();
    let again = store
        .begin_sweep(&ws(), &crm(), Entity::Contact, at(9))
        .await
        .unwrap();
    assert!(again.resumed);
    assert_eq!((again.id, again.cursor), (sweep.id, Some(json!("page 2"))));
    assert_eq!(unseen(&store, sweep.id).await, ["a"]);
}

pub(crate) async fn intents_are_doubted_after_a_crash(bed: &mut impl Bed) {
    let store = bed.store();
    store.open_intents(&ws(), &[intent(1, "a")]).await.unwrap();
    drop(store);
    bed.crash().await;
    let store = bed.store();
    assert_eq!(store.doubt_intents(&ws(), at(30)).await.unwrap(), 1);
    let due = store
        .intents_due(&ws(), &people(), at(30), 10)
        .await
        .unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].draft, intent(1, "a").draft);
}
