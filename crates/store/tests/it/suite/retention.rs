//! What is kept no longer goes: the oldest first, no more than asked for, and nothing else.

use std::collections::BTreeMap;

use record::Field;
use store::{
    CallFilter, CallRow, Commit, JournalFilter, Keep, Kept, ReviewFilter, ReviewKind, ReviewState,
    Run, RunId, RunKind, RunState,
};

use super::things::*;

fn keep(what: Kept, since: i64, most: Option<u64>) -> Keep {
    Keep {
        what,
        since: at(since),
        most,
    }
}

async fn rows(store: &Under, what: Kept) -> (u64, Option<jiff::Timestamp>) {
    let kept = store.kept(&ws()).await.unwrap();
    let row = kept.rows.iter().find(|row| row.what == what).unwrap();
    (row.rows, row.oldest)
}

/// Ten entries of one record, a second apart, each a commit with two fields.
async fn ten_edits(store: &Under) {
    for second in 0..10 {
        let journal = ["email", "phone"].map(|field| store::NewJournalEntry {
            at: at(second),
            cause: cause(u128::from(second.unsigned_abs())),
            ..entry("a", field)
        });
        let commit_ = Commit {
            journal: journal.to_vec(),
            ..Commit::default()
        };
        commit(store, commit_).await;
    }
}

pub(crate) async fn values_of_the_journal_go_and_its_entries_stay(store: Under) {
    ten_edits(&store).await;
    assert_eq!(rows(&store, Kept::JournalValues).await, (20, Some(at(0))));
    let old = keep(Kept::JournalValues, 4, None);
    // in slices: three rows, then the one that is left of those from before
    assert_eq!(store.drop_old(&ws(), &old, 3).await.unwrap(), 3);
    assert_eq!(store.drop_old(&ws(), &old, 3).await.unwrap(), 1);
    assert_eq!(store.drop_old(&ws(), &old, 3).await.unwrap(), 0);
    let journal = store
        .journal(&ws(), &JournalFilter::default())
        .await
        .unwrap();
    assert_eq!(journal.len(), 20);
    for row in &journal {
        let gone = row.entry.at < at(4);
        assert_eq!(row.values_gone, gone, "{row:?}");
        assert_eq!(row.entry.after == Field::Unknown, gone, "{row:?}");
        assert_eq!(row.entry.before == Field::Unknown, gone, "{row:?}");
    }
    // each in its place, with its number and its cause
    let numbers: Vec<i64> = journal.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=20).rev().collect::<Vec<_>>());
    assert_eq!(journal[19].entry.cause, cause(0));
    assert_eq!(rows(&store, Kept::JournalValues).await, (12, Some(at(4))));
    assert_eq!(rows(&store, Kept::Journal).await, (20, Some(at(0))));
}

pub(crate) async fn the_journal_is_dropped_from_its_beginning_by_age_and_count(store: Under) {
    ten_edits(&store).await;
    let by_age = keep(Kept::Journal, 3, None);
    assert_eq!(store.drop_old(&ws(), &by_age, 2).await.unwrap(), 2);
    assert_eq!(store.drop_old(&ws(), &by_age, 2).await.unwrap(), 1);
    let by_count = keep(Kept::Journal, 0, Some(7));
    assert_eq!(store.drop_old(&ws(), &by_count, 100).await.unwrap(), 3);
    let journal = store
        .journal(&ws(), &JournalFilter::default())
        .await
        .unwrap();
    // whole rows: the one that the count cuts stays
    let numbers: Vec<i64> = journal.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (13..=20).rev().collect::<Vec<_>>());
    assert_eq!(journal[0].entry.cause, cause(9));
    assert_eq!(journal[7].entry.cause, cause(6));
    // what comes later gets new numbers, also where nothing is left
    let all = keep(Kept::Journal, 100, None);
    assert_eq!(store.drop_old(&ws(), &all, 100).await.unwrap(), 4);
    ten_edits(&store).await;
    let journal = store
        .journal(&ws(), &JournalFilter::default())
        .await
        .unwrap();
    assert_eq!(journal.last().unwrap().seq, 21);
    assert_eq!(journal.last().unwrap().entry.cause, cause(0));
}

pub(crate) async fn calls_reviews_and_runs_go_by_age_and_count(store: Under) {
    let calls: Vec<CallRow> = (0..10)
        .map(|second| CallRow {
            at: at(second),
            connection: crm(),
            operation: "list".to_owned(),
            write: false,
            status: Some(200),
            milliseconds: 1,
            attempt: 1,
            lane: "live".to_owned(),
            cause: None,
            outcome: "ok".to_owned(),
            records: 1,
        })
        .collect();
    store.log_calls(&ws(), &calls, None).await.unwrap();
    for number in 0..10 {
        let closed = [review(number, ReviewKind::Circle, &format!("s{number}"))];
        let run = Run {
            id: RunId(id(number)),
            sync: people(),
            kind: RunKind::Full,
            state: RunState::Running,
            started: at(0),
            ended: None,
            counts: BTreeMap::from([("created_left".to_owned(), 1)]),
        };
        store.begin_run(&ws(), &run).await.unwrap();
        let ask = Commit {
            reviews: closed.to_vec(),
            ..Commit::default()
        };
        commit(&store, ask).await;
        // the last one of each is not over
        let second = i64::try_from(number).unwrap();
        if second < 9 {
            let id = closed[0].id;
            let answer = Commit {
                closed_reviews: vec![(id, ReviewState::Decided, None)],
                at: Some(at(second)),
                ..Commit::default()
            };
            commit(&store, answer).await;
            store
                .finish_run(&ws(), run.id, RunState::Done, at(second))
                .await
                .unwrap();
        }
    }
    for (what, there) in [(Kept::Calls, 10), (Kept::Reviews, 9), (Kept::SyncRuns, 9)] {
        assert_eq!(rows(&store, what).await, (there, Some(at(0))), "{what:?}");
        let by_age = keep(what, 2, None);
        assert_eq!(store.drop_old(&ws(), &by_age, 1).await.unwrap(), 1);
        assert_eq!(store.drop_old(&ws(), &by_age, 5).await.unwrap(), 1);
        assert_eq!(store.drop_old(&ws(), &by_age, 5).await.unwrap(), 0);
        let by_count = keep(what, 2, Some(3));
        let gone = store.drop_old(&ws(), &by_count, 100).await.unwrap();
        assert_eq!(gone, there - 5, "{what:?}");
        let (left, oldest) = rows(&store, what).await;
        let last = if what == Kept::Calls { 9 } else { 8 };
        assert_eq!((left, oldest), (3, Some(at(last - 2))), "{what:?}");
    }
    let calls = store.calls(&ws(), &CallFilter::default()).await.unwrap();
    assert_eq!(calls.len(), 3);
    let reviews = store
        .reviews(&ws(), &ReviewFilter::default())
        .await
        .unwrap();
    assert_eq!(reviews.len(), 4);
    assert!(
        reviews
            .iter()
            .any(|review| review.state == ReviewState::Open)
    );
    let runs = store.runs(&ws(), None, 0).await.unwrap();
    assert_eq!(runs.len(), 4);
    assert_eq!(runs[1].counts["created_left"], 1);
    // nothing of the database is kept for what is gone
    assert!(store.kept(&ws()).await.unwrap().bytes > 0);
}

pub(crate) async fn many_runs_leave_the_database_as_large_as_a_few(store: Under) {
    let mut sizes = Vec::new();
    for round in 0..30_i64 {
        let journal: Vec<_> = (0..400)
            .map(|number| store::NewJournalEntry {
                at: at(round),
                cause: cause(u128::from(number as u32)),
                note: Some("x".repeat(200)),
                ..entry(&format!("r{number}"), "email")
            })
            .collect();
        let commit_ = Commit {
            journal,
            ..Commit::default()
        };
        commit(&store, commit_).await;
        let old = keep(Kept::Journal, round - 3, Some(1_200));
        while store.drop_old(&ws(), &old, 500).await.unwrap() == 500 {}
        sizes.push(store.kept(&ws()).await.unwrap().bytes);
    }
    let (then, now) = (sizes[9], sizes[29]);
    assert!(now <= then + then / 4, "{sizes:?}");
    assert_eq!(rows(&store, Kept::Journal).await.0, 1_200);
}
