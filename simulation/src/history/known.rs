//! Empty worlds, the people that are put into them, and what is asked of them again and again.

use std::time::Duration;

use anyhow::Result;
use record::RecordId;
use sandbox::people::Plan;
use serde_json::{Value as Json, json};
use store::{
    JournalEntry, JournalFilter, Review, ReviewFilter, ReviewState, Store as _, Workspace,
};

use crate::{Options, World};

/// An empty world on fast time, without limits and lag.
pub fn empty() -> Options {
    Options {
        people: Plan {
            seed: 1,
            both: 0,
            highlevel_only: 0,
            onoffice_only: 0,
            officernd_percent: 0,
            officernd_only: 0,
            duplicate_percent: 0,
            dirty: false,
        },
        switches: vec![
            ("highlevel.rate_limit".to_owned(), json!(false)),
            ("highlevel.search_lag_ms".to_owned(), json!(0)),
        ],
        pace: sync::Options {
            retry_longest: Duration::from_secs(5),
            ..Options::default().pace
        },
        speed: 10,
        ..Options::default()
    }
}

/// A person in the shape of HighLevel's create call.
pub fn on_the_left(name: &str) -> Json {
    json!({
        "firstName": name, "lastName": "Brandt",
        "email": format!("{}@brandt.example", name.to_lowercase()),
        "phone": format!("+4930555{:04}", number(name)),
        "address1": "Lindenstr. 4", "postalCode": "10969", "city": "Berlin", "country": "DE",
        "dateOfBirth": "1980-05-17", "companyName": "Brandt GmbH", "tags": ["Kunde", "VIP"],
    })
}

/// The same person in the shape of onOffice's create call.
pub fn on_the_right(name: &str) -> Json {
    json!({
        "Vorname": name, "Name": "Brandt",
        "email": format!("{}@brandt.example", name.to_lowercase()),
        "phone": format!("030 555{:04}", number(name)),
        "Strasse": "Lindenstr. 4", "Plz": "10969", "Ort": "Berlin", "Land": "Deutschland",
        "Geburtsdatum": "1980-05-17", "Zusatz1": "Brandt GmbH", "ArtDaten": ["Kunde", "Makler"],
    })
}

fn number(name: &str) -> u32 {
    name.bytes()
        .fold(0u32, |sum, byte| sum * 31 % 9_000 + u32::from(byte))
        % 9_000
        + 1_000
}

/// Open questions.
///
/// # Errors
/// When the store fails.
pub async fn questions(world: &World) -> Result<Vec<Review>> {
    Ok(world
        .engine()
        .reviews(&ReviewFilter {
            state: Some(ReviewState::Open),
            ..ReviewFilter::default()
        })
        .await?)
}

/// The keys of the answers that a question offers.
pub fn choices(review: &Review) -> Vec<&str> {
    review.details["choices"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|choice| choice["key"].as_str())
        .collect()
}

/// The journal of one record, newest first.
///
/// # Errors
/// When the store fails.
pub async fn journal(world: &World, record: &str) -> Result<Vec<JournalEntry>> {
    Ok(world
        .store
        .journal(
            &Workspace::from("default"),
            &JournalFilter {
                record: Some(RecordId::from(record)),
                ..JournalFilter::default()
            },
        )
        .await?)
}

/// Whether a field of the vendor's edit log is this field of ours. The log names contact entries by
/// their kind.
pub fn is_named(logged: &str, ours: &str) -> bool {
    let kind = logged.to_lowercase();
    if kind.contains("mail") {
        ["email", "emails"].contains(&ours)
    } else if kind.contains("phone") || kind.contains("mobile") || logged.starts_with("Tele") {
        ["phone", "phones"].contains(&ours)
    } else {
        logged == ours
    }
}
