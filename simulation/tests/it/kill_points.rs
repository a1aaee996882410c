//! Killed at every step. For each kind of effect the steps of the engine are counted once: each
//! request, before it leaves and after it took effect but before its answer arrives, and each command
//! of the store, before and after it is durable. Then the same happens again in a fresh world for each
//! step, the engine ends exactly there, another one starts, and the sandbox says what became of it.
//!
//! `STEP=12 cargo nextest run -p simulation kill_points::an_update_of_the_left` replays one.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use futures::StreamExt as _;
use mapping::DeleteRule;
use sandbox::{Operation, System, judge::Pair};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, Options, World};
use store::ReviewKind;

use crate::{
    journal::all_kept,
    support::{
        agrees, contact, has_kept, journal, link, numbers, on_the_left, on_the_right, options,
        questions, seed,
    },
};

/// How many worlds run beside each other: they mostly wait.
const AT_ONCE: usize = 4;

/// What the engine is doing when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    CreateLeft,
    CreateRight,
    CreateBatch,
    AdoptLeft,
    AdoptRight,
    /// Two who are there already are linked, and the right one gets what it does not have.
    FirstLink,
    /// Of somebody who has neither address nor number.
    KeylessLeft,
    /// The same.
    KeylessRight,
    UpdateLeft,
    UpdateRight,
    /// The right is edited once more before the next start.
    UpdateLeftAgain,
    Archive,
    Delete,
    ResolveConflict,
    ResolveLink,
    ResolveRemove,
    /// A record that we made is removed again, where deletes are carried to the record that it came from.
    Unmake,
}

/// Who is there before anything happens.
struct Scene {
    pair: Pair,
    bystander: Pair,
    /// A record without a counterpart, where there is one.
    third: Option<String>,
}

fn pace(options: Options) -> Options {
    Options {
        // One worker: the steps come in the same order each time.
        pace: sync::Options {
            live_workers: 0,
            workers: 1,
            ..options.pace
        },
        speed: 20,
        ..options
    }
}

async fn prepare(kind: Kind) -> Result<(World, Scene)> {
    let mut options = pace(options());
    let deletes = &mut contact(&mut options.rules).deletes;
    match kind {
        Kind::Archive | Kind::Unmake => deletes.left = DeleteRule::Archive,
        Kind::Delete => deletes.right = DeleteRule::Propagate,
        _ => {}
    }
    let world = World::new(options).await?;
    let (pair, bystander) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world, &[&pair, &bystander]).await?;
    // Stamps of whole seconds are final by then.
    world.wait(Duration::from_secs(3)).await;
    let mut third = None;
    match kind {
        Kind::AdoptLeft => drop(world.fault(
            json!({"system": "highlevel", "method": "POST", "path": "/contacts/", "count": 1,
                "fault": {"kind": "drop_after"}}),
        )?),
        Kind::AdoptRight => drop(world.fault(
            json!({"system": "onoffice", "action": "create address", "count": 1,
                "fault": {"kind": "drop_after"}}),
        )?),
        Kind::ResolveConflict => {
            // The one first that tells nobody.
            world.edit(
                ONOFFICE,
                &pair.onoffice,
                &json!({"Geburtsdatum": "1982-05-17"}),
            )?;
            world.edit(
                HIGHLEVEL,
                &pair.highlevel,
                &json!({"dateOfBirth": "1981-05-17"}),
            )?;
            world.poll().await?;
        }
        Kind::ResolveLink => {
            // The same address and number, another name: nobody can know.
            let mut emil = on_the_right("Clara");
            emil["Vorname"] = json!("Emil");
            emil["Geburtsdatum"] = json!("");
            third = Some(world.make(ONOFFICE, &emil)?);
            world.make(HIGHLEVEL, &on_the_left("Clara"))?;
            world.settle().await?;
            world.poll().await?;
        }
        Kind::ResolveRemove => {
            world.delete(HIGHLEVEL, &pair.highlevel)?;
            world.settle().await?;
        }
        Kind::Unmake => {
            third = Some(world.make(ONOFFICE, &on_the_right("Dora"))?);
            world.poll().await?;
            world.wait(Duration::from_secs(3)).await;
        }
        _ => {}
    }
    Ok((
        world,
        Scene {
            pair,
            bystander,
            third,
        },
    ))
}

fn keyless(mut record: Json) -> Json {
    for name in ["email", "phone"] {
        record
            .as_object_mut()
            .expect("a record is an object")
            .remove(name);
    }
    record
}

/// What people do. It is done when this returns; what the engine makes of it is not.
fn begin(kind: Kind, world: &World, scene: &Scene) -> Result<()> {
    let Scene { pair, .. } = scene;
    match kind {
        Kind::CreateLeft | Kind::AdoptLeft => drop(world.make(ONOFFICE, &on_the_right("Dora"))?),
        Kind::CreateRight | Kind::AdoptRight => drop(world.make(HIGHLEVEL, &on_the_left("Dora"))?),
        Kind::KeylessLeft => drop(world.make(ONOFFICE, &keyless(on_the_right("Dora")))?),
        Kind::KeylessRight => drop(world.make(HIGHLEVEL, &keyless(on_the_left("Dora")))?),
        Kind::CreateBatch => {
            world.lose_webhooks();
            for name in ["Dora", "Emil", "Frieda"] {
                world.make(HIGHLEVEL, &on_the_left(name))?;
            }
        }
        Kind::UpdateLeft => world.edit(
            ONOFFICE,
            &pair.onoffice,
            &json!({"Ort": "Potsdam", "Vorname": "Annegret", "Email": "anne@brandt.example",
                "Telefon1": "030 5559999", "ArtDaten": ["Eigentümer", "Makler"]}),
        )?,
        // All of it at once: seen between two edits, each of them would rightly be a write of its own.
        Kind::UpdateRight => world.edit(
            HIGHLEVEL,
            &pair.highlevel,
            &json!({"city": "Potsdam", "firstName": "Annegret",
                "email": "anne@brandt.example", "phone": "+49305559999",
                "tags": ["Eigentümer", "VIP"]}),
        )?,
        Kind::UpdateLeftAgain => world.edit(
            ONOFFICE,
            &pair.onoffice,
            &json!({"Ort": "Potsdam", "ArtDaten": ["Eigentümer"]}),
        )?,
        Kind::FirstLink => {
            // The one first that tells nobody.
            let mut sparse = on_the_right("Clara");
            for name in ["Strasse", "Plz", "Ort", "Land", "Geburtsdatum", "Zusatz1"] {
                sparse[name] = json!("");
            }
            world.make(ONOFFICE, &sparse)?;
            world.make(HIGHLEVEL, &on_the_left("Clara"))?;
        }
        Kind::Archive => world.delete(HIGHLEVEL, &pair.highlevel)?,
        Kind::Delete => world.delete(ONOFFICE, &pair.onoffice)?,
        Kind::ResolveConflict | Kind::ResolveLink | Kind::ResolveRemove | Kind::Unmake => {}
    }
    Ok(())
}

/// A person answers what is still open.
async fn answer_all(kind: Kind, world: &World, scene: &Scene) -> Result<()> {
    let wanted = match kind {
        Kind::ResolveConflict => "left".to_owned(),
        Kind::ResolveRemove => "remove".to_owned(),
        Kind::ResolveLink => {
            let right = scene.third.as_deref().context("somebody to link")?;
            let left = world
                .living(HIGHLEVEL)
                .into_iter()
                .find(|held| held.first_name == "Clara")
                .context("Clara")?;
            // Either may be the one that is asked about.
            let open = questions(world).await?;
            let Some(review) = open.first() else {
                return Ok(());
            };
            let about_right = review.details["side"] == "right";
            format!("link:{}", if about_right { &left.id } else { right })
        }
        Kind::Unmake => return unmake(world).await,
        _ => return Ok(()),
    };
    if let Some(review) = questions(world).await?.first() {
        world.engine().resolve(review.id, &wanted).await?;
    }
    Ok(())
}

/// A person takes back that Dora was made in HighLevel.
async fn unmake(world: &World) -> Result<()> {
    let living = world.living(HIGHLEVEL);
    let Some(dora) = living.iter().find(|held| held.first_name == "Dora") else {
        return Ok(());
    };
    let scope = sync::UndoScope {
        connection: Some("highlevel".into()),
        record: Some(dora.id.as_str().into()),
        ..sync::UndoScope::default()
    };
    let plan = world.engine().plan_undo(&scope).await?;
    if !plan.records.is_empty() {
        world.engine().undo(&scope, &plan.fingerprint).await?;
    }
    Ok(())
}

async fn work(kind: Kind, world: &World, scene: &Scene) -> Result<()> {
    answer_all(kind, world, scene).await?;
    world.engine().poll_now().await?;
    world.settle().await?;
    if kind == Kind::Delete {
        // onOffice tells nobody of a delete.
        world.sweep().await?;
    }
    Ok(())
}

/// One run, killed at a step or not at all. Says which steps were passed.
async fn run(kind: Kind, step: Option<usize>) -> Result<Run> {
    let (mut world, scene) = prepare(kind).await?;
    let mark = world.edit_mark();
    let life = world.life();
    life.count(step);
    begin(kind, &world, &scene)?;
    tokio::select! {
        biased;
        () = life.ended() => {}
        worked = work(kind, &world, &scene) => worked?,
    }
    let passed = life.passed();
    life.count(None);
    let killed = life.is_over();
    if kind == Kind::UpdateLeftAgain {
        let Scene { pair, .. } = &scene;
        let again = json!({"Ort": "Bernau", "ArtDaten": ["Eigentümer", "Makler"]});
        world.edit(ONOFFICE, &pair.onoffice, &again)?;
        // Another field, later: the record there is the one that was changed last.
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"postalCode": "14467"}))?;
    }
    if killed {
        world.kill_and_restart()?;
    }
    let told = async {
        world.settle().await?;
        work(kind, &world, &scene).await?;
        world.sweep().await?;
        judge(kind, &world, &scene, mark).await?;
        // And nothing more happens.
        let writes = world.writes();
        world.sweep().await?;
        ensure!(world.writes() == writes, "it does not come to rest");
        anyhow::Ok(())
    };
    told.await.with_context(|| {
        format!(
            "the last steps were {:#?}",
            &passed[passed.len().saturating_sub(6)..]
        )
    })?;
    Ok(Run { passed, killed })
}

/// What became of one run.
struct Run {
    passed: Vec<String>,
    killed: bool,
}

async fn judge(kind: Kind, world: &World, scene: &Scene, mark: u64) -> Result<()> {
    let Scene {
        pair, bystander, ..
    } = scene;
    let open = questions(world).await?;
    if matches!(kind, Kind::KeylessLeft | Kind::KeylessRight) && !open.is_empty() {
        // Nothing proves that it was made, or that it was not: a person is asked, once, and nothing is
        // made meanwhile.
        ensure!(
            open.len() == 1 && open[0].kind == ReviewKind::UnprovenCreate,
            "{open:#?}"
        );
        let (left, right) = numbers(world);
        let (origin, target) = if kind == Kind::KeylessLeft {
            (right, left)
        } else {
            (left, right)
        };
        ensure!(origin == 3 && target <= 3, "there are {left} and {right}");
        return Ok(());
    }
    ensure!(open.is_empty(), "{open:#?}");
    ensure!(world.pairs().await?.contains(bystander));
    let (people, links) = match kind {
        Kind::CreateBatch => ((5, 5), 5),
        Kind::CreateLeft
        | Kind::CreateRight
        | Kind::AdoptLeft
        | Kind::AdoptRight
        | Kind::KeylessLeft
        | Kind::KeylessRight
        | Kind::FirstLink
        | Kind::ResolveLink => ((3, 3), 3),
        Kind::UpdateLeft | Kind::UpdateRight | Kind::UpdateLeftAgain | Kind::ResolveConflict => {
            ((2, 2), 2)
        }
        // An archived address is still there.
        Kind::Archive | Kind::ResolveRemove => ((1, 2), 1),
        Kind::Delete => ((1, 1), 1),
        Kind::Unmake => ((2, 3), 2),
    };
    ensure!(numbers(world) == people, "there are {:?}", numbers(world));
    ensure!(world.pairs().await?.len() == links);
    if kind != Kind::Unmake {
        agrees(world).await?;
    }
    if kind != Kind::UpdateLeftAgain {
        once(world, mark)?;
    }
    match kind {
        Kind::UpdateLeftAgain => {
            let (left, right) = (
                world.held(HIGHLEVEL, &pair.highlevel)?,
                world.held(ONOFFICE, &pair.onoffice)?,
            );
            ensure!(
                right.city == "Bernau",
                "our own write won over an edit: {right:#?}"
            );
            ensure!(
                left.city == "Bernau",
                "the last edit has not crossed: {left:#?}"
            );
            let ours = world.api_edits(mark);
            let back = ours.iter().find(|edit| {
                edit.system == System::OnOffice
                    && edit.fields.iter().any(|field| {
                        let field = field.to_string();
                        field == "Ort" || field == "ArtDaten"
                    })
            });
            ensure!(back.is_none(), "what crossed came back: {back:#?}");
            ensure!(has_kept(world, &pair.highlevel, "city", "Berlin").await?);
        }
        Kind::Unmake => {
            let dora = scene.third.as_deref().context("Dora")?;
            ensure!(
                !world.held(ONOFFICE, dora)?.archived,
                "the original was archived"
            );
        }
        Kind::FirstLink => {
            let pairs = world.pairs().await?;
            let clara = pairs
                .iter()
                .find(|linked| *linked != pair && *linked != bystander)
                .context("Clara is linked")?;
            ensure!(world.held(ONOFFICE, &clara.onoffice)?.city == "Berlin");
            let scope = sync::UndoScope {
                connection: Some("onoffice".into()),
                record: Some(clara.onoffice.as_str().into()),
                field: Some("Ort".to_owned()),
                ..sync::UndoScope::default()
            };
            let plan = world.engine().plan_undo(&scope).await?;
            ensure!(plan.fields.len() == 1, "it cannot be undone: {plan:#?}");
            all_kept(world, clara, mark).await?;
        }
        Kind::UpdateLeft | Kind::UpdateRight => {
            all_kept(world, pair, mark).await?;
            let (record, was) = if kind == Kind::UpdateLeft {
                (&pair.highlevel, [("city", "Berlin"), ("firstName", "Anna")])
            } else {
                (&pair.onoffice, [("Ort", "Berlin"), ("Vorname", "Anna")])
            };
            for (field, value) in was {
                ensure!(has_kept(world, record, field, value).await?, "{field}");
            }
        }
        Kind::ResolveConflict => {
            ensure!(world.held(ONOFFICE, &pair.onoffice)?.birthday == "1981-05-17");
            let kept = journal(world, &pair.onoffice).await?;
            ensure!(
                kept.iter()
                    .any(|row| format!("{:?}", row.entry.before).contains("1982")),
                "the birthday that lost is nowhere"
            );
        }
        Kind::Archive | Kind::ResolveRemove => {
            ensure!(world.held(ONOFFICE, &pair.onoffice)?.archived);
            ensure!(has_kept(world, &pair.onoffice, "Ort", "Berlin").await?);
        }
        Kind::Delete => {
            ensure!(has_kept(world, &pair.highlevel, "city", "Berlin").await?);
        }
        _ => {}
    }
    Ok(())
}

/// No field was written twice, and nothing was made or removed twice.
fn once(world: &World, mark: u64) -> Result<()> {
    let mut times: BTreeMap<(System, String, String), usize> = BTreeMap::new();
    for edit in world.api_edits(mark) {
        let id = edit.id.to_string();
        if edit.operation == Operation::Update {
            for field in &edit.fields {
                *times
                    .entry((edit.system, id.clone(), field.to_string()))
                    .or_default() += 1;
            }
        } else {
            let what = format!("{:?}", edit.operation);
            *times.entry((edit.system, id, what)).or_default() += 1;
        }
    }
    // Tags are added by one call and removed by another.
    times.retain(|(_, _, what), number| *number > 1 + usize::from(what == "tags"));
    ensure!(times.is_empty(), "more than once: {times:#?}");
    Ok(())
}

/// Kills it at each step.
async fn everywhere(kind: Kind, name: &str) -> Result<()> {
    if let Some(step) = std::env::var("STEP")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        let run = run(kind, Some(step)).await?;
        ensure!(run.killed, "there is no such step: {:#?}", run.passed);
        return Ok(());
    }
    let steps = run(kind, None).await.context("nobody was killed")?.passed;
    ensure!(steps.len() > 4, "there is nothing to kill: {steps:#?}");
    let number = steps.len();
    let runs = futures::stream::iter(steps.into_iter().enumerate()).map(|(step, what)| async move {
        let told = tokio::spawn(run(kind, Some(step))).await?;
        told.with_context(|| {
            format!(
                "killed {what}, step {step} of {number}; replay it with: STEP={step} cargo nextest run -p simulation kill_points::{name}"
            )
        })
    });
    let mut runs = std::pin::pin!(runs.buffer_unordered(AT_ONCE));
    let mut killed = 0;
    while let Some(told) = runs.next().await {
        killed += usize::from(told?.killed);
    }
    // How often it looks whether an outcome is known by now differs, at the end.
    ensure!(
        killed * 2 >= number,
        "killed at {killed} of {number} steps only"
    );
    tracing::info!(name, killed, number, "killed at so many steps");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_the_left() -> Result<()> {
    everywhere(Kind::CreateLeft, "a_create_on_the_left").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_the_right() -> Result<()> {
    everywhere(Kind::CreateRight, "a_create_on_the_right").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_creates() -> Result<()> {
    everywhere(Kind::CreateBatch, "a_batch_of_creates").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_the_left_without_an_answer() -> Result<()> {
    everywhere(Kind::AdoptLeft, "a_create_on_the_left_without_an_answer").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_the_right_without_an_answer() -> Result<()> {
    everywhere(Kind::AdoptRight, "a_create_on_the_right_without_an_answer").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_link_that_fills_what_is_empty() -> Result<()> {
    everywhere(Kind::FirstLink, "a_first_link_that_fills_what_is_empty").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_the_left() -> Result<()> {
    everywhere(Kind::UpdateLeft, "an_update_of_the_left").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_the_right() -> Result<()> {
    everywhere(Kind::UpdateRight, "an_update_of_the_right").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_and_another_edit_before_the_restart() -> Result<()> {
    everywhere(
        Kind::UpdateLeftAgain,
        "an_update_and_another_edit_before_the_restart",
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archiving() -> Result<()> {
    everywhere(Kind::Archive, "an_archiving").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete() -> Result<()> {
    everywhere(Kind::Delete, "a_delete").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undone_create() -> Result<()> {
    everywhere(Kind::Unmake, "an_undone_create").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_a_conflict() -> Result<()> {
    everywhere(Kind::ResolveConflict, "an_answer_to_a_conflict").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_links() -> Result<()> {
    everywhere(Kind::ResolveLink, "an_answer_that_links").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_removes() -> Result<()> {
    everywhere(Kind::ResolveRemove, "an_answer_that_removes").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_the_left_that_nothing_can_find_again() -> Result<()> {
    everywhere(
        Kind::KeylessLeft,
        "a_create_on_the_left_that_nothing_can_find_again",
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_the_right_that_nothing_can_find_again() -> Result<()> {
    everywhere(
        Kind::KeylessRight,
        "a_create_on_the_right_that_nothing_can_find_again",
    )
    .await
}
