//! Plans that are kept, and what is listed to make them.

use std::collections::BTreeMap;

use record::Entity;
use serde_json::json;
use store::{Overview, PlanId, PlanRow, PlanRowState, PlanState, StoredPlan, Workspace};

use super::things::*;

fn plan(number: u128, sync: &str) -> StoredPlan {
    StoredPlan {
        id: PlanId(id(number)),
        sync: sync.into(),
        state: PlanState::Making,
        made: at(1),
        body: json!({"counts": number.to_string()}),
    }
}

fn row(number: u64, state: PlanRowState) -> PlanRow {
    PlanRow {
        number,
        entity: Entity::Contact,
        left: Some("a".into()),
        right: None,
        state,
        note: None,
        body: json!({"number": number}),
    }
}

pub(crate) async fn rows_of_a_plan_are_kept_in_order_and_marked(store: Under) {
    let (one, other) = (plan(1, "people"), plan(2, "others"));
    for plan in [&one, &other] {
        store.save_plan(&ws(), plan).await.unwrap();
    }
    let ready = StoredPlan {
        state: PlanState::Ready,
        body: json!({"counts": [1, 2]}),
        ..one.clone()
    };
    store.save_plan(&ws(), &ready).await.unwrap();
    assert_eq!(
        store.plan(&ws(), one.id).await.unwrap(),
        Some(ready.clone())
    );
    assert_eq!(
        store.plans(&ws(), None, 0).await.unwrap(),
        [other.clone(), ready.clone()]
    );
    let of_people = store.plans(&ws(), Some(&people()), 0).await.unwrap();
    assert_eq!(of_people, [ready]);

    let rows: Vec<PlanRow> = (1..=5)
        .map(|number| row(number, PlanRowState::Waiting))
        .collect();
    for chunk in rows.chunks(2) {
        store.add_plan_rows(&ws(), one.id, chunk).await.unwrap();
    }
    let foreign = row(1, PlanRowState::Question);
    store
        .add_plan_rows(&ws(), other.id, std::slice::from_ref(&foreign))
        .await
        .unwrap();
    let read = |state, after, limit| {
        let store = store.clone();
        async move {
            let found = store
                .plan_rows(&ws(), PlanId(id(1)), state, after, limit)
                .await
                .unwrap();
            found.into_iter().map(|row| row.number).collect::<Vec<_>>()
        }
    };
    assert_eq!(read(None, 0, 3).await, [1, 2, 3]);
    assert_eq!(read(None, 3, 0).await, [4, 5]);
    let why = Some("the left was edited".to_owned());
    store
        .mark_plan_rows(
            &ws(),
            one.id,
            &[
                (2, PlanRowState::Done, None),
                (4, PlanRowState::LeftOut, why.clone()),
            ],
        )
        .await
        .unwrap();
    assert_eq!(read(Some(PlanRowState::Waiting), 0, 0).await, [1, 3, 5]);
    let left_out = store
        .plan_rows(&ws(), one.id, Some(PlanRowState::LeftOut), 0, 0)
        .await
        .unwrap();
    assert_eq!(
        left_out,
        [PlanRow {
            note: why,
            ..row(4, PlanRowState::LeftOut)
        }]
    );
    assert_eq!(
        store.count_plan_rows(&ws(), one.id).await.unwrap(),
        BTreeMap::from([
            (PlanRowState::Waiting, 3),
            (PlanRowState::Done, 1),
            (PlanRowState::LeftOut, 1)
        ])
    );
    assert!(!store.drop_plan(&ws(), one.id, 3).await.unwrap());
    assert!(store.plan(&ws(), one.id).await.unwrap().is_some());
    assert!(store.drop_plan(&ws(), one.id, 3).await.unwrap());
    assert_eq!(store.plan(&ws(), one.id).await.unwrap(), None);
    assert!(read(None, 0, 0).await.is_empty());
    let kept = store.plan_rows(&ws(), other.id, None, 0, 0).await.unwrap();
    assert_eq!(kept, [foreign]);
}

pub(crate) async fn what_was_listed_to_try_something_out_goes_without_a_trace(store: Under) {
    let trial: Workspace = "main/plan/people".into();
    let list = |workspace: Workspace| {
        let store = store.clone();
        async move {
            let sweep = store
                .begin_sweep(&workspace, &crm(), Entity::Contact, at(0))
                .await
                .unwrap();
            assert!(!sweep.resumed);
            let page = store::SweepPage {
                sweep: sweep.id,
                connection: crm(),
                entity: Entity::Contact,
                unchanged: Vec::new(),
                changed: ["a", "b", "c"]
                    .map(|name| store::Listed {
                        snapshot: snapshot(name, 1),
                        signal: Some(signal(name, at(0))),
                    })
                    .into(),
                cursor: Some(json!(1)),
                at: at(0),
            };
            store.commit_page(&workspace, page).await.unwrap();
        }
    };
    list(ws()).await;
    list(trial.clone()).await;
    let mine = store.overview(&ws()).await.unwrap();
    let mut rounds = 0;
    while !store.drop_listings(&trial, 2).await.unwrap() {
        rounds += 1;
        assert!(rounds < 100, "it never ends");
    }
    assert!(rounds > 3, "in small steps");
    assert_eq!(store.overview(&ws()).await.unwrap(), mine);
    assert_eq!(store.overview(&trial).await.unwrap(), Overview::default());
    let known = |workspace: Workspace| {
        let store = store.clone();
        async move {
            let known = store
                .known_count(&workspace, &crm(), Entity::Contact)
                .await
                .unwrap();
            let page = store
                .snapshots_after(&workspace, &crm(), Entity::Contact, 0, 0)
                .await
                .unwrap();
            (known, page.len())
        }
    };
    assert_eq!(known(trial.clone()).await, (0, 0));
    assert_eq!(known(ws()).await, (3, 3));
    // The next trial begins from the start.
    list(trial.clone()).await;
    assert_eq!(known(trial).await, (3, 3));
}
