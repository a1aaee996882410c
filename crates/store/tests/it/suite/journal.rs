//! The journal.

use record::{Entity, Field};
use store::{Commit, Effect, JournalFilter, LinkId, NewJournalEntry, RunId};

use super::things::*;

pub(crate) async fn rows_are_numbered_and_found_by_each_filter(store: Under) {
    let run = RunId(id(40));
    let rows = vec![
        entry("a", "email"),
        NewJournalEntry {
            cause: cause(2),
            before: Field::Unknown,
            note: Some("matched by e-mail".to_owned()),
            run: Some(run),
            ..entry("a", "phone")
        },
        NewJournalEntry {
            connection: estate(),
            entity: Entity::Company,
            link: Some(LinkId(id(2))),
            sync: None,
            effect: Effect::Observed,
            field: None,
            ..entry("firm", "")
        },
    ];
    for row in &rows {
        commit(
            &store,
            Commit {
                journal: vec![row.clone()],
                ..Commit::default()
            },
        )
        .await;
    }
    let more = NewJournalEntry {
        link: None,
        ..entry("b", "email")
    };
    commit(
        &store,
        Commit {
            journal: vec![more.clone(), more.clone()],
            ..Commit::default()
        },
    )
    .await;
    let fields = ["x", "y", "z"].map(|field| entry("c", field)).to_vec();
    let at_once = Commit {
        journal: fields,
        ..Commit::default()
    };
    commit(&store, at_once).await;
    let of_c = JournalFilter {
        record: Some("c".into()),
        limit: 2,
        ..JournalFilter::default()
    };
    let newest = store.journal(&ws(), &of_c).await.unwrap();
    let oldest = JournalFilter {
        before: Some(newest[1].seq),
        ..of_c
    };
    let oldest = store.journal(&ws(), &oldest).await.unwrap();
    let pages: Vec<_> = newest.iter().chain(&oldest).collect();
    let of = |field: &str, seq| store::JournalEntry {
        values_gone: false,
        seq,
        entry: entry("c", field),
    };
    let last = newest[0].seq;
    assert_eq!(
        pages,
        [&of("z", last), &of("y", last - 1), &of("x", last - 2)]
    );

    let none = JournalFilter::default;
    let list = async |filter: JournalFilter| store.journal(&ws(), &filter).await.unwrap();
    let all = list(JournalFilter {
        before: Some(last - 2),
        ..none()
    })
    .await;
    assert!(all.is_sorted_by(|newer, older| newer.seq > older.seq));
    let entries: Vec<_> = all.iter().rev().map(|row| row.entry.clone()).collect();
    let mut expected = rows.clone();
    expected.extend([more.clone(), more.clone()]);
    assert_eq!(entries, expected, "as they were given");

    let records = async |filter: JournalFilter| -> Vec<String> {
        list(filter)
            .await
            .iter()
            .map(|row| {
                let field = row.entry.field.as_ref().map_or("", |field| field.as_str());
                format!("{} {field}", row.entry.record)
            })
            .collect()
    };
    let by_record = JournalFilter {
        connection: Some(crm()),
        entity: Some(Entity::Contact),
        record: Some("a".into()),
        ..none()
    };
    assert_eq!(records(by_record.clone()).await, ["a phone", "a email"]);
    let by_field = JournalFilter {
        field: Some("email".into()),
        ..by_record.clone()
    };
    assert_eq!(records(by_field).await, ["a email"]);
    let other_place = JournalFilter {
        connection: Some(estate()),
        ..by_record
    };
    assert!(list(other_place).await.is_empty());
    let by_run = JournalFilter {
        run: Some(run),
        ..none()
    };
    assert_eq!(records(by_run).await, ["a phone"]);
    let by_link = JournalFilter {
        link: Some(LinkId(id(2))),
        ..none()
    };
    assert_eq!(records(by_link).await, ["firm "]);
    let by_sync = JournalFilter {
        sync: Some(people()),
        before: Some(last - 2),
        limit: 3,
        ..none()
    };
    assert_eq!(records(by_sync).await, ["b email", "b email", "a phone"]);
    let by_connection = JournalFilter {
        connection: Some(estate()),
        ..none()
    };
    assert_eq!(records(by_connection).await, ["firm "]);
    let by_entity = JournalFilter {
        entity: Some(Entity::Company),
        ..none()
    };
    assert_eq!(records(by_entity).await, ["firm "]);
    let older = JournalFilter {
        before: Some(all[2].seq),
        limit: 1,
        ..none()
    };
    assert_eq!(records(older).await, ["a phone"]);
}
