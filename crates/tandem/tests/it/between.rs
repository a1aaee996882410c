//! `kill -9` exactly between an effect at a vendor and the local commit: the sandbox carries a request out and holds its
//! answer back, the server is killed meanwhile, and another one goes on. For each kind of effect in each system, and for
//! the read-back after one. Judged by what the systems hold and by their log of edits: nothing is made or written twice,
//! nothing is lost.

mod cases;

use std::time::{Duration, Instant};

use sandbox::{
    Actor, Edit, System,
    judge::{Entity, Question, Rules, Scope, Terms},
};
use serde_json::{Value as Json, json};

use crate::{
    killed::{begin_run, quiet, wait_until},
    world::{Server, World},
};

use cases::{Case, Person, with_officernd, with_onoffice};

/// Longer than anything here waits.
const HELD_MS: u64 = 60_000;

/// Long enough to place the rule that holds the read-back.
const BRIEFLY_MS: u64 = 2_000;

const LONGEST: Duration = Duration::from_secs(90);

/// A server on all three systems, with these many people linked in HighLevel and another one.
async fn linked(world: &World, other: System, count: usize) -> (Server, Vec<Person>) {
    let control = world.sandbox.control();
    for (switch, value) in [
        ("highlevel.rate_limit", json!(false)),
        ("officernd.rate_limit", json!(false)),
    ] {
        control.core().switches.set(switch, &value).unwrap();
    }
    control.core().clock.run_with_offset(-30 * 86_400_000);
    let people: Vec<Person> = (0..count)
        .map(|number| {
            let first = ["Anna", "Berta", "Clara", "Dora", "Emil"][number % 5];
            let last = format!("Brandt{number}");
            let email = format!("person{number}@brandt.example");
            let contact = json!({"firstName": first, "lastName": last, "email": email,
                "address1": "Lindenstr. 4", "postalCode": "10969", "city": "Berlin", "country": "DE",
                "tags": ["Kunde"]});
            let theirs = match other {
                System::OnOffice => json!({"Vorname": first, "Name": last, "email": email,
                    "Strasse": "Lindenstr. 4", "Plz": "10969", "Ort": "Berlin", "Land": "DEU",
                    "ArtDaten": ["Kunde"]}),
                _ => json!({"name": format!("{first} {last}"), "email": email,
                    "address": {"street": "Lindenstr. 4", "zip": "10969", "city": "Berlin",
                        "country": "Germany"}}),
            };
            let seed = |system, record| control.seed(system, &[record]).unwrap().remove(0);
            Person {
                number,
                highlevel: seed(System::HighLevel, contact),
                other: seed(other, theirs),
            }
        })
        .collect();
    if other == System::OfficeRnd {
        let firm = json!({"name": "Werft", "email": "post@werft.example"});
        world.act(System::HighLevel, "create_business", firm.clone());
        world.act(System::OfficeRnd, "create_company", firm);
    }
    control.core().clock.run_with_offset(0);
    let rule = "deletes: {left: unlink_and_ask, right: unlink_and_ask}";
    let mut text = world.config_of_three();
    for now in [
        "deletes: {left: archive, right: propagate}",
        "deletes: {left: unlink_and_ask,  right: unlink_and_ask}",
        "deletes: {left: propagate, right: propagate}",
    ] {
        text = text.replacen(rule, now, 1);
    }
    let text = text
        .replace(
            "deletes: {share: 0.05, number: 100}",
            "deletes: {share: 1.0, number: 100}",
        )
        .replace(
            "    settings:\n      authorize_url",
            "    limits: {documented: false, concurrency: 8}\n    settings:\n      authorize_url",
        )
        .replace(
            "    settings:\n      token_url",
            "    limits: {documented: false, concurrency: 8}\n    settings:\n      token_url",
        );
    let config = world.write("tandem.yaml", &text);
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    world.connect_both().await;
    world.connect_coworking().await;
    if other == System::OnOffice {
        // of the other sync there is nothing to do
        let paused = world.run(&["pause", "members"]).await;
        assert_eq!(paused.code, 0, "{paused:#?}");
    } else {
        let paused = world.run(&["pause", "people"]).await;
        assert_eq!(paused.code, 0, "{paused:#?}");
    }
    let sync = if other == System::OnOffice {
        "people"
    } else {
        "members"
    };
    let run = world.run(&["sync", sync, "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    quiet(world, &server).await;
    (server, people)
}

/// What the simulated systems hold agrees wholly.
async fn agree(world: &World, sync: &str, name: &str) {
    let links = world.run(&["links", sync, "--json"]).await.json();
    let pairs = |entity: &str| {
        let all = links.as_array().unwrap().iter();
        all.filter(|link| link["entity"] == entity)
            .map(|link| {
                let id = |side: &str| link[side].as_str().unwrap().to_owned();
                (id("left"), id("right"))
            })
            .collect()
    };
    let questions = if sync == "people" {
        vec![Question {
            terms: Rules::default().terms(),
            pairs: pairs("contact"),
        }]
    } else {
        let terms = Terms {
            left_needs: Scope::Tagged(vec!["coworking".to_owned()]),
            ..Terms::highlevel_officernd(false).with_company_links()
        };
        let companies = Terms::highlevel_officernd_companies();
        assert_eq!(companies.entity, Entity::Companies);
        vec![
            Question {
                terms,
                pairs: pairs("contact"),
            },
            Question {
                terms: companies,
                pairs: pairs("company"),
            },
        ]
    };
    let findings = world.sandbox.control().judge_syncs(&questions, None);
    let told = async || {
        let status = world.run(&["status", "--json"]).await.json();
        let broken = findings.syncs.iter().flat_map(|sync| &sync.broken);
        let broken: Vec<_> = broken.map(|broken| broken.left.clone()).collect();
        let rows: Vec<_> = links
            .as_array()
            .unwrap()
            .iter()
            .filter(|link| broken.iter().any(|id| link["left"] == id.as_str()))
            .collect();
        format!("{name}: {findings:#?}\n{rows:#?}\n{status:#}")
    };
    assert!(findings.agree(), "{}", told().await);
    let lost: Vec<_> = findings
        .syncs
        .iter()
        .flat_map(|sync| &sync.losses)
        .collect();
    assert!(lost.is_empty(), "{name}: {lost:#?}");
    assert!(findings.echo_writes.is_empty(), "{name}: {findings:#?}");
}

/// Plays all cases, one after the other, each on a person of its own.
async fn play(other: System, cases: Vec<Case>) {
    let world = World::start().await;
    let control = world.sandbox.control();
    let (mut server, people) = linked(&world, other, cases.len()).await;
    for (case, person) in cases.into_iter().zip(people) {
        let mark = control.core().edits.last_sequence();
        let ours = || -> Vec<Edit> {
            let edits = control.core().edits.since(mark).into_iter();
            edits.filter(|edit| edit.actor == Actor::Api).collect()
        };
        let rule = |request: &Json, ms: u64| {
            let mut rule = request.clone();
            rule["count"] = json!(1);
            rule["fault"] = json!({"kind": "delay_answer", "ms": ms});
            control
                .core()
                .faults
                .add(serde_json::from_value(rule).unwrap())
        };
        let struck = |id: u64| {
            let standing = control.core().faults.all();
            standing.iter().any(|each| each.id == id && each.struck > 0)
        };
        let held = if case.read_back.is_some() {
            BRIEFLY_MS
        } else {
            HELD_MS
        };
        let effect = rule(&case.effect, held);
        (case.act)(&world, &person);
        let name = case.name;
        let mut asked: Option<Instant> = None;
        wait_until(name, LONGEST, async || {
            // what a search does not show yet, a later run finds
            if asked.is_none_or(|asked| asked.elapsed() > Duration::from_secs(10)) {
                begin_run(&server, case.sync);
                asked = Some(Instant::now());
            }
            struck(effect)
                && ours()
                    .iter()
                    .any(|edit| edit.system == case.at && edit.operation == case.operation)
        })
        .await;
        if let Some(read_back) = &case.read_back {
            let read_back = rule(read_back, HELD_MS);
            wait_until(name, LONGEST, async || struck(read_back)).await;
        }
        server.kill();
        control.core().faults.clear();
        server = world.serve_with(&[]).await;
        for _ in 0..2 {
            let run = world.run(&["sync", case.sync, "--json"]).await.json();
            assert_eq!(run["state"], "done", "{name}: {run:#}");
            quiet(&world, &server).await;
        }
        agree(&world, case.sync, name).await;
        let reviews = world.run(&["reviews", "--json"]).await.json();
        assert_eq!(reviews, json!([]), "{name}");
        let ours = ours();
        let there = |edit: &&Edit| edit.system == case.at;
        assert_eq!(ours.iter().filter(there).count(), 1, "{name}: {ours:#?}");
        assert_eq!(ours.len(), 1, "{name}: {ours:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_any_effect_in_highlevel_or_onoffice_and_its_commit() {
    play(System::OnOffice, with_onoffice()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_any_effect_in_highlevel_or_officernd_and_its_commit() {
    play(System::OfficeRnd, with_officernd()).await;
}
