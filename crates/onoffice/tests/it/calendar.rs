//! Appointments: one answer holds 500 of them, and there is no paging.

use std::{collections::BTreeSet, ops::Range};

use connector::{Change, Connector, PageRequest, UpdateOutcome};
use jiff::{SignedDuration, civil::DateTime};
use onoffice::OnOffice;
use record::{Entity, Field, Fields, Record, Schema};
use serde_json::json;

use crate::fake::{Asked, Fake, NOW, Reply, done, found};

const MOST: usize = 500;

/// When an appointment begins: one each three hours, from a year before now.
fn begins(number: usize) -> DateTime {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let hours = SignedDuration::from_hours(3 * i64::try_from(number).unwrap());
    let first = jiff::tz::TimeZone::UTC.to_datetime(now);
    first - SignedDuration::from_hours(24 * 360) + hours
}

/// When an appointment was changed: a few each second, a minute ago.
fn changed(number: usize) -> DateTime {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let seconds = SignedDuration::from_secs(i64::try_from(number / 40).unwrap());
    jiff::tz::TimeZone::UTC.to_datetime(now) - SignedDuration::from_secs(60) + seconds
}

fn moment(asked: &Asked, key: &str) -> Option<DateTime> {
    let text = asked.parameters()[key].as_str()?;
    Some(text.replace(' ', "T").parse().unwrap())
}

/// A calendar with appointments of these numbers.
fn calendar(numbers: Range<usize>) -> Fake {
    Fake::new(move |asked| {
        let whole_days = |at: DateTime| at.date();
        let shown = numbers
            .clone()
            .filter(|number| {
                let (begins, changed) = (begins(*number), changed(*number));
                moment(asked, "datestart").is_none_or(|from| begins.date() >= whole_days(from))
                    && moment(asked, "dateend").is_none_or(|to| begins.date() <= whole_days(to))
                    && moment(asked, "modifiedstart").is_none_or(|from| changed >= from)
                    && moment(asked, "modifiedend").is_none_or(|to| changed <= to)
            })
            .take(MOST)
            .map(|number| {
                json!({"id": number + 1, "type": "calendar", "elements": {
                    "description": "Besichtigung",
                    "start_dt": begins(number).strftime("%Y-%m-%d %H:%M:%S").to_string(),
                    "modified": changed(number).strftime("%Y-%m-%d %H:%M:%S").to_string(),
                }})
            })
            .collect();
        Reply::Results(vec![found(shown, None)])
    })
}

async fn schema() -> Schema {
    let fake = Fake::new(|_| Reply::Results(vec![found(Vec::new(), None)]));
    let schema = OnOffice::new().schema(&fake, Entity::Appointment).await;
    schema.unwrap()
}

#[tokio::test]
async fn more_appointments_than_one_answer_holds_are_all_listed() {
    let schema = schema().await;
    for number in [0, 499, 500, 501, 2300] {
        let fake = calendar(0..number);
        let (mut listed, mut cursor) = (BTreeSet::new(), None);
        loop {
            let page = PageRequest { cursor, limit: 500 };
            let page = OnOffice::new().list(&fake, &schema, page).await.unwrap();
            assert!(page.reads.len() < MOST);
            listed.extend(page.reads.into_iter().map(|read| read.record.id));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(listed.len(), number);
    }
}

#[tokio::test]
async fn more_changes_than_one_answer_holds_are_all_told() {
    let schema = schema().await;
    let fake = calendar(0..1300);
    let page = |cursor| PageRequest { cursor, limit: 500 };
    let onoffice = OnOffice::new();
    let first = onoffice.changes(&fake, &schema, page(None)).await.unwrap();
    assert!(first.reads.is_empty(), "from now on");
    let then = onoffice.changes(&fake, &schema, page(first.resume)).await;
    assert_eq!(then.unwrap().reads.len(), 1300);
}

#[tokio::test]
async fn a_change_of_contact_keeps_the_guests() {
    let with = |addresses: &'static [u64], contact: &'static str| async move {
        let fake = Fake::new(move |asked| {
            let elements = json!({"assignedaddressids": addresses});
            let row = json!({"id": 7, "type": "calendar", "elements": elements});
            match asked.operation {
                "appointments.fetch" => Reply::Results(vec![found(vec![row], None)]),
                _ => Reply::Results(vec![done()]),
            }
        });
        let mut current = Fields::new();
        current.set("contact", Field::of(addresses[0].to_string()));
        let mut set = Fields::new();
        set.set("contact", Field::of(contact));
        let change = Change {
            current: Record {
                id: "7".into(),
                fields: current,
            },
            set,
            sets: std::collections::BTreeMap::new(),
        };
        let outcome = OnOffice::new()
            .update(&fake, &schema().await, &[change])
            .await;
        let sent = fake.log().last().unwrap().parameters()["relatedAddressIds"].clone();
        (outcome, sent)
    };
    let (outcome, sent) = with(&[10], "25").await;
    assert!(
        matches!(outcome[..], [UpdateOutcome::Done { .. }]),
        "{outcome:?}"
    );
    assert_eq!(sent, json!([25]));
    let (_, sent) = with(&[10, 20, 30], "15").await;
    assert_eq!(sent, json!([15, 20, 30]));
    let (outcome, sent) = with(&[10, 20, 30], "25").await;
    assert!(
        matches!(outcome[..], [UpdateOutcome::Refused { .. }]),
        "{outcome:?}"
    );
    assert_eq!(sent, json!(null), "nothing is written");
}
