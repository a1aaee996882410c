//! Small worlds and what is asked of them again and again.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use mapping::MappingRules;
use record::{Entity, RecordId};
use sandbox::{
    judge::{Both, Judgement, Pair},
    people::Plan,
};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, people};
use store::{
    JournalEntry, JournalFilter, Review, ReviewFilter, ReviewKind, ReviewState, Store as _,
    Workspace,
};

/// `RUST_LOG` shows what the engine does.
pub(crate) fn log() {
    if std::env::var_os("RUST_LOG").is_some() {
        drop(
            tracing_subscriber::fmt()
                .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
                .with_test_writer()
                .try_init(),
        );
    }
}

/// An empty world on fast time, without limits and lag.
pub(crate) fn options() -> Options {
    log();
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

pub(crate) async fn world() -> Result<World> {
    World::new(options()).await
}

/// One mapping of the rules.
pub(crate) fn mapping_of<'a>(
    rules: &'a mut mapping::SyncRules,
    name: &str,
) -> &'a mut MappingRules {
    contact(rules)
        .fields
        .iter_mut()
        .find(|mapping| mapping.name.as_deref() == Some(name))
        .expect("the shipped rules have this mapping")
}

/// The rules of contacts.
pub(crate) fn contact(rules: &mut mapping::SyncRules) -> &mut mapping::EntityRules {
    rules
        .entities
        .get_mut(&Entity::Contact)
        .expect("the shipped rules are about contacts")
}

/// A person in the shape of HighLevel's create call.
pub(crate) fn on_the_left(name: &str) -> Json {
    json!({
        "firstName": name, "lastName": "Brandt",
        "email": format!("{}@brandt.example", name.to_lowercase()),
        "phone": format!("+4930555{:04}", number(name)),
        "address1": "Lindenstr. 4", "postalCode": "10969", "city": "Berlin", "country": "DE",
        "dateOfBirth": "1980-05-17", "companyName": "Brandt GmbH", "tags": ["Kunde", "VIP"],
    })
}

/// The same person in the shape of onOffice's create call.
pub(crate) fn on_the_right(name: &str) -> Json {
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

/// Seeds a person on both sides.
pub(crate) fn seed(world: &World, name: &str) -> Result<Pair> {
    world.seed_pair(&on_the_left(name), &on_the_right(name))
}

/// The first run, which must link just these.
pub(crate) async fn link(world: &World, pairs: &[&Pair]) -> Result<()> {
    world.sync().await?;
    world.settle().await?;
    let linked: BTreeSet<Pair> = world.pairs().await?.into_iter().collect();
    let wanted: BTreeSet<Pair> = pairs.iter().map(|pair| (*pair).clone()).collect();
    ensure!(linked == wanted, "linked {linked:?}, not {wanted:?}");
    Ok(())
}

/// A world with one linked person.
pub(crate) async fn one_pair(options: Options) -> Result<(World, Pair)> {
    let world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    Ok((world, pair))
}

/// Both sides agree wholly, nobody is double, and no write was in vain.
pub(crate) async fn agrees(world: &World) -> Result<Judgement> {
    let judgement = world.judge().await?;
    ensure!(judgement.agree(), "{judgement:#?}");
    ensure!(judgement.duplicates.is_empty(), "{judgement:#?}");
    ensure!(judgement.echo_writes == Both::default(), "{judgement:#?}");
    Ok(judgement)
}

/// Open questions.
pub(crate) async fn questions(world: &World) -> Result<Vec<Review>> {
    Ok(world
        .engine()
        .reviews(&ReviewFilter {
            state: Some(ReviewState::Open),
            ..ReviewFilter::default()
        })
        .await?)
}

/// The one open question, which must be of this kind.
pub(crate) async fn question(world: &World, kind: ReviewKind) -> Result<Review> {
    let mut open = questions(world).await?;
    ensure!(open.len() == 1, "{open:#?}");
    let review = open.pop().context("one")?;
    ensure!(review.kind == kind, "{review:#?}");
    Ok(review)
}

/// Answers a question and works off what follows.
pub(crate) async fn answer(world: &World, review: &Review, choice: &str) -> Result<()> {
    world.engine().resolve(review.id, choice).await?;
    world.settle().await
}

/// The keys of the answers that a question offers.
pub(crate) fn choices(review: &Review) -> Vec<&str> {
    review.details["choices"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|choice| choice["key"].as_str())
        .collect()
}

/// The journal of one record, newest first.
pub(crate) async fn journal(world: &World, record: &str) -> Result<Vec<JournalEntry>> {
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
pub(crate) fn is_named(logged: &str, ours: &str) -> bool {
    let kind = logged.to_lowercase();
    if kind.contains("mail") {
        ["email", "emails"].contains(&ours)
    } else if kind.contains("phone") || kind.contains("mobile") || logged.starts_with("Tele") {
        ["phone", "phones"].contains(&ours)
    } else {
        logged == ours
    }
}

/// Whether the journal of a record has this value of a field as overwritten.
pub(crate) async fn has_kept(
    world: &World,
    record: &str,
    field: &str,
    value: &str,
) -> Result<bool> {
    Ok(journal(world, record).await?.iter().any(|row| {
        row.entry.field.as_ref().map(ToString::to_string) == Some(field.to_owned())
            && row.entry.before.text() == Some(value)
    }))
}

/// A counter of the engine.
pub(crate) async fn meter(world: &World, name: &str) -> Result<i64> {
    let overview = world.store.overview(&Workspace::from("default")).await?;
    Ok(overview
        .meters
        .get(&format!("{}:{name}", people()))
        .copied()
        .unwrap_or(0))
}

/// How many fields are blocked.
pub(crate) async fn blocked(world: &World) -> Result<Vec<store::Blocked>> {
    Ok(world
        .store
        .blocked(&Workspace::from("default"), &people(), None)
        .await?)
}

/// How many records live on each side.
pub(crate) fn numbers(world: &World) -> (usize, usize) {
    (world.living(HIGHLEVEL).len(), world.living(ONOFFICE).len())
}
