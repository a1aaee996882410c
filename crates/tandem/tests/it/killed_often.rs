//! `kill -9` a hundred times on each store, at random moments, while people edit and make records on both sides. What was done
//! is counted at the sandbox: nothing is lost, nothing is doubled, and the database is sound.

use std::{collections::BTreeMap, path::Path, time::Duration};

use sandbox::{
    Actor, Operation, System,
    judge::{Pair, Rules},
};
use serde_json::{Value as Json, json};
use store::{Options, PostgresOptions, SqlStore};

use crate::{
    killed::{begin_run, quiet},
    world::World,
};

/// How often the server is killed, on each store.
const KILLS: u64 = 100;

/// People who are on both sides from the beginning: so many that all edits together are no mass change.
const PEOPLE: usize = 300;

/// Longer than HighLevel's listings are behind.
const LAG: Duration = Duration::from_secs(4);

/// The same numbers each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Somebody in the shape of HighLevel's create call.
fn left(number: u64) -> Json {
    json!({
        "firstName": format!("Person{number}"), "lastName": "Brandt",
        "email": format!("person{number}@brandt.example"), "phone": format!("+493055{number:05}"),
        "address1": "Lindenstr. 4", "postalCode": "10969", "city": "Berlin", "country": "DE",
    })
}

/// The same person in the shape of onOffice's.
fn right(number: u64) -> Json {
    json!({
        "Vorname": format!("Person{number}"), "Name": "Brandt",
        "email": format!("person{number}@brandt.example"), "phone": format!("03055{number:05}"),
        "Strasse": "Lindenstr. 4", "Plz": "10969", "Ort": "Berlin", "Land": "Deutschland",
    })
}

/// People edit and make records on both sides, each field on one side only, so that no edit contradicts another.
struct People {
    pairs: Vec<(String, Json)>,
    made: u64,
    /// What each of them was last given, by place and field.
    given: BTreeMap<(usize, &'static str), String>,
}

impl People {
    fn work(&mut self, world: &World, dice: &mut Dice) {
        let at = usize::try_from(dice.below(self.pairs.len() as u64)).unwrap();
        let (highlevel, onoffice) = self.pairs[at].clone();
        let word = format!("wort{}", dice.below(1_000_000));
        if dice.below(2) == 0 {
            let input = json!({"id": highlevel, "fields": {"city": word}});
            world.act(System::HighLevel, "edit_contact", input);
            self.given.insert((at, "city"), word);
        } else {
            let fields = json!({"Homepage": format!("https://{word}.example")});
            world.act(
                System::OnOffice,
                "edit",
                json!({"id": onoffice, "fields": fields}),
            );
            self.given.insert((at, "Homepage"), word);
        }
        if dice.below(3) == 0 {
            self.made += 1;
            let number = 1_000 + self.made;
            if dice.below(2) == 0 {
                world.act(System::HighLevel, "create_contact", left(number));
            } else {
                world.act(System::OnOffice, "create", json!({"fields": right(number)}));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_a_hundred_times_under_load_nothing_is_lost_or_doubled() {
    killed_often(&World::start().await, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_a_hundred_times_on_postgresql_nothing_is_lost_or_doubled() {
    let cluster = scratch_postgres::Cluster::start();
    let mut world = World::start().await;
    let database = cluster.database();
    world.move_to(&database);
    killed_often(&world, Some(&database)).await;
}

async fn killed_often(world: &World, postgres: Option<&str>) {
    let control = world.sandbox.control();
    control
        .core()
        .switches
        .set("highlevel.rate_limit", &json!(false))
        .unwrap();
    control.core().clock.run_with_offset(-30 * 86_400_000);
    let pairs = (0..PEOPLE as u64)
        .map(|number| {
            let of = |system, person: Json| {
                let made = control.seed(system, &[person]).unwrap();
                made.into_iter().next().unwrap()
            };
            let onoffice = of(System::OnOffice, right(number));
            (
                of(System::HighLevel, left(number)),
                json!(onoffice.parse::<u64>().unwrap()),
            )
        })
        .collect();
    control.core().clock.run_with_offset(0);
    let text = world
        .config_text()
        .replace(
            "    settings:\n      authorize_url",
            "    limits: {documented: false, concurrency: 8}\n    settings:\n      authorize_url",
        )
        .replace(
            "overwrites: {share: 0.2, number: 500}",
            "overwrites: {share: 1.0, number: 100000}",
        );
    let config = world.write("tandem.yaml", &text);
    let mut server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    world.connect_both().await;
    let mut people = People {
        pairs,
        made: 0,
        given: BTreeMap::new(),
    };
    let mut dice = Dice(7);
    for _ in 0..KILLS {
        people.work(world, &mut dice);
        // After a start everything that changed is asked for; a full run is more of a load.
        if dice.below(4) == 0 {
            begin_run(&server, "people");
        }
        tokio::time::sleep(Duration::from_millis(dice.below(400))).await;
        people.work(world, &mut dice);
        tokio::time::sleep(Duration::from_millis(dice.below(100))).await;
        server.kill();
        server = world.serve_with(&[]).await;
    }
    quiet(world, &server).await;
    // HighLevel's listings are behind its records: what was edited just before the last kill is in them by now.
    tokio::time::sleep(LAG).await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    quiet(world, &server).await;
    counted(world, &people).await;
    assert_eq!(server.stop(), 0);
    sound(&world.database(), postgres).await;
}

/// Everybody is there once on each side, linked, and as the people wanted.
async fn counted(world: &World, people: &People) {
    let control = world.sandbox.control();
    let links = world.run(&["links", "people", "--json"]).await.json();
    let pairs: Vec<Pair> = links
        .as_array()
        .unwrap()
        .iter()
        .filter(|link| link["entity"] == "contact")
        .map(|link| Pair {
            highlevel: link["left"].as_str().unwrap().to_owned(),
            onoffice: link["right"].as_str().unwrap().to_owned(),
        })
        .collect();
    let judgement = control.judge(&pairs, &Rules::default(), None);
    assert!(judgement.agree(), "{judgement:#?}");
    assert_eq!(judgement.duplicates, [], "made twice");
    let wanted = PEOPLE + usize::try_from(people.made).unwrap();
    assert_eq!(pairs.len(), wanted);
    for system in [System::HighLevel, System::OnOffice] {
        let living = control.held(system).iter().filter(|one| !one.gone).count();
        assert_eq!(living, wanted, "{system}");
    }
    // each record that was made on one side was made on the other one by us, once
    let edits = control.core().edits.since(0);
    let made = edits
        .iter()
        .filter(|edit| edit.actor == Actor::Api && edit.operation == Operation::Create);
    assert_eq!(made.count(), usize::try_from(people.made).unwrap());
    for ((at, field), word) in &people.given {
        let (highlevel, onoffice) = &people.pairs[*at];
        let (left, right) = (
            world.act(System::HighLevel, "get_contact", json!({"id": highlevel})),
            world.act(System::OnOffice, "show", json!({"id": onoffice})),
        );
        // both of them have what was last written on one
        let holds = |json: &Json| json.to_string().contains(word.as_str());
        assert!(
            holds(&left) && holds(&right),
            "{field} of {highlevel} is not {word}: {left:#} {right:#}"
        );
    }
    // enough has happened for a kill to meet it
    assert!(people.made > 20, "{} made", people.made);
}

/// The database reads without a fault, from its first page to its last.
async fn sound(file: &Path, postgres: Option<&str>) {
    match postgres {
        None => {
            let store = SqlStore::open(&Options::at(file)).unwrap();
            store.verify().await.unwrap();
            store.close().await.unwrap();
        }
        Some(url) => {
            let store = SqlStore::connect(&PostgresOptions::parse(url).unwrap()).unwrap();
            store.close().await.unwrap();
        }
    }
}
