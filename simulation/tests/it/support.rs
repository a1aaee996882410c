//! Small worlds and what is asked of them again and again.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use mapping::MappingRules;
use record::Entity;
use sandbox::judge::{Both, Judgement, Pair};
pub(crate) use simulation::history::{
    choices, is_named, journal, on_the_left, on_the_right, questions,
};
use simulation::{HIGHLEVEL, OFFICERND, ONOFFICE, Options, World, people};
use store::{Review, ReviewKind, Store as _, Workspace};

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
    simulation::history::empty()
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

/// How often an update of a member was refused.
pub(crate) fn refused_members(world: &World) -> u64 {
    let counts = world.control.core().counts.all();
    let routes = counts[&OFFICERND].routes.iter();
    let refusals = routes.filter(|route| {
        route.route == "/members/{memberId}" && route.method == "PUT" && route.status == 400
    });
    refusals.map(|route| route.count).sum()
}
