//! The ready pair HighLevel and OfficeRnD, from `init` to a sync, against the sandbox.

use std::time::Duration;

use sandbox::{
    System,
    judge::{Belonging, Question, Terms},
};
use serde_json::{Value as Json, json};

use crate::{killed::wait_until, recipes::subscribed, webhooks::meter, world::World};

/// What `init` writes for people and companies: the blocks of what belongs to them are deleted, as a user would.
pub(crate) async fn ready(world: &World, settings: &str) -> String {
    let whole = whole(world, settings).await;
    let (people, _) = whole
        .split_once("      # What belongs to contacts.")
        .unwrap();
    people.to_owned()
}

/// What `init` writes, pointed at the sandbox.
async fn whole(world: &World, settings: &str) -> String {
    let printed = world
        .run_bare(&["init", "highlevel-officernd", "--out", "-"])
        .await;
    pointed(world, &printed.out, settings)
}

/// A config of `init`, pointed at the sandbox; `settings` stands in the place of the commented location.
fn pointed(world: &World, text: &str, settings: &str) -> String {
    let url = world.sandbox.url();
    let at =
        |path: &str| format!("base_url: {url}/{path}\n    allow_private_addresses: true\n    ");
    let slug = world.act(System::OfficeRnd, "access", json!({}))["slug"].clone();
    let slug = slug.as_str().unwrap();
    let text = text
        .replace("127.0.0.1:8484", "127.0.0.1:0")
        .replace("env:HIGHLEVEL_CLIENT_ID", "env:TANDEM_TEST_ID")
        .replace("env:HIGHLEVEL_CLIENT_SECRET", "env:TANDEM_TEST_SECRET")
        .replace("# organization: my-space", &format!("organization: {slug}"))
        .replace("# location: 60c0ffee0000000000000001", settings)
        .replacen("auth:", &format!("{}auth:", at("highlevel")), 1);
    let (marketing, coworking) = text.split_once("system: officernd\n    ").unwrap();
    format!(
        "{marketing}system: officernd\n    {}{coworking}",
        at("officernd")
    )
    .replacen(
        "    settings:\n",
        &format!("    settings:\n      authorize_url: {url}/highlevel/v2/oauth/chooselocation\n"),
        1,
    )
}

pub(crate) fn location(world: &World) -> String {
    let access = world.act(System::OfficeRnd, "access", json!({}));
    let id = ["_id", "id"]
        .iter()
        .find_map(|key| access["locations"][0][*key].as_str());
    id.unwrap_or_else(|| panic!("{access:#}")).to_owned()
}

async fn connect(world: &World) -> Json {
    let ran = world.connect_marketing("first").await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    world.run(&["connect", "coworking", "--json"]).await.json()
}

async fn apply(world: &World, settings: &str) -> crate::world::Ran {
    let config = world.write("tandem.yaml", &ready(world, settings).await);
    world.run(&["apply", config.to_str().unwrap()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_missing_location_is_asked_for_and_then_both_sides_agree() {
    let world = World::start().await;
    let first = apply(&world, "").await;
    assert_eq!(first.code, 0, "{first:#?}");
    let connected = connect(&world).await;
    assert!(
        connected.to_string().contains(&location(&world)),
        "{connected:#}"
    );
    // now that the account is known, so is what it lacks
    apply(&world, "")
        .await
        .refused(3, &["TDM-C011", "`location`", "create.right"]);
    let filled = apply(&world, &format!("location: {}", location(&world))).await;
    assert_eq!(filled.code, 0, "{filled:#?}");

    let control = world.sandbox.control();
    let anna = json!({"firstName": "Anna Maria", "lastName": "von der Heide",
        "email": "anna@example.org", "phone": "+4930901820", "city": "Berlin", "country": "DE"});
    let bernd = json!({"firstName": "Bernd", "lastName": "Cramer", "email": "bernd@example.org"});
    control.seed(System::HighLevel, &[anna, bernd]).unwrap();
    let both = json!({"name": "Bernd Cramer", "email": "Bernd@example.org"});
    let doris = json!({"name": "Doris Ehm", "email": "doris@example.org", "phone": "030 901821"});
    control.seed(System::OfficeRnd, &[both, doris]).unwrap();

    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    assert_eq!(report["counts"]["created_left"], 1, "{report:#}");
    assert_eq!(report["counts"]["created_right"], 1, "{report:#}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert_eq!(links.as_array().unwrap().len(), 3, "{links:#}");
    let made = links
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["right"].as_str().unwrap().to_owned())
        .map(|id| world.act(System::OfficeRnd, "get_member", json!({ "id": id })))
        .find(|member| member.to_string().contains("anna@example.org"))
        .unwrap();
    let made = made.to_string();
    for part in ["Anna Maria von der Heide", "Berlin", &location(&world)] {
        assert!(made.contains(part), "{part}: {made}");
    }
    // a second run finds nothing to do
    let again = world.run(&["sync", "people", "--json"]).await.json();
    for count in [
        "created_left",
        "created_right",
        "updated_left",
        "updated_right",
    ] {
        let count = again["counts"][count].as_u64().unwrap_or(0);
        assert_eq!(count, 0, "{again:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_checked_with_the_settings_that_change_in_the_same_apply() {
    let world = World::start().await;
    let apply = async |text: &str| {
        let config = world.write("tandem.yaml", text);
        world.run(&["apply", config.to_str().unwrap()]).await
    };
    let without = ready(&world, "").await;
    let signed_out = apply(&without).await;
    assert_eq!(signed_out.code, 0, "{signed_out:#?}");
    for part in ["`people` were not checked", "nobody has signed in yet"] {
        assert!(signed_out.err.contains(part), "{part}: {signed_out:#?}");
    }
    connect(&world).await;
    let good = ready(&world, &format!("location: {}", location(&world))).await;
    let filled = apply(&good).await;
    assert_eq!((filled.code, &*filled.err), (0, ""), "{filled:#?}");

    // one setting of one connection is another one, and so is a rule
    let started = good.replace("start_date: today", "start_date: \"2026-02-01\"");
    assert_ne!(started, good);
    let unnamed = started.replace("name_check: true", "name_check: false");
    let lost = started.replace("right: phone}", "right: phoneX}");
    let of_other = good
        .replace("country: DE", "country: AT")
        .replace("right: phone}", "right: phoneX}");
    for (text, named) in [
        (&unnamed, "contact.match.name_check"),
        (&lost, "phoneX"),
        (&of_other, "phoneX"),
    ] {
        assert!(*text != started && *text != good, "{text}");
        apply(text)
            .await
            .refused(3, &["TDM-C011", named, "nothing was changed"]);
    }
    // a setting that does not fit the account, with the words of what would
    apply(&good.replace(&location(&world), "60c0ffee0000000000000001"))
        .await
        .refused(
            3,
            &[
                "TDM-C011",
                "`location`",
                &location(&world),
                "syncs.people.right",
            ],
        );
    // a setting that is taken away is missed at once
    apply(&without)
        .await
        .refused(3, &["TDM-C011", "`location`", "create.right"]);
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["config"]["revision"], 2, "{status:#}");
    let changed = apply(&started).await;
    assert_eq!((changed.code, &*changed.err), (0, ""), "{changed:#?}");

    // what the sign-in is not good for is said as it is
    let pasted = started.replace(
        "scheme: oauth\n      client_id: env:TANDEM_TEST_ID\n      client_secret: env:TANDEM_TEST_SECRET",
        "scheme: private_token",
    );
    assert_ne!(pasted, started);
    let pasted = apply(&pasted).await;
    assert_eq!(pasted.code, 0, "{pasted:#?}");
    for part in [
        "`people` were not checked",
        "`marketing`",
        "`oauth`",
        "`private_token`",
    ] {
        assert!(pasted.err.contains(part), "{part}: {pasted:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_block_names_what_it_lacks_and_is_filled_in() {
    let world = World::start().await;
    let control = world.sandbox.control();
    for switch in ["highlevel.rate_limit", "officernd.rate_limit"] {
        control.core().switches.set(switch, &json!(false)).unwrap();
    }
    let calendar = json!({"kind": "calendar", "fields": {"name": "Rooms"}});
    let calendar = world.act(System::HighLevel, "make_thing", calendar);
    let apply = async |text: String| {
        let config = world.write("tandem.yaml", &text);
        world.run(&["apply", config.to_str().unwrap()]).await
    };
    let first = apply(whole(&world, "").await).await;
    assert_eq!(first.code, 0, "{first:#?}");
    connect(&world).await;
    let lacks = apply(whole(&world, "").await).await;
    let notes = json!({"key": "Notes", "type": "Text", "targets": ["member"]});
    let room = world.act(System::OfficeRnd, "things", json!({"kind": "resource"}));
    // each says what is there to choose from: nobody has to look ids up
    let choice = |id: &Json| format!("`{}` (", id.as_str().unwrap());
    let named = [
        "TDM-C011".to_owned(),
        "`location`".to_owned(),
        format!("`{}` (", location(&world)),
        "`calendar`".to_owned(),
        choice(&calendar["id"]) + "Rooms)",
        "`resource`".to_owned(),
        choice(&room[0]["_id"]),
        "`ticket_type`".to_owned(),
        "`notes_property`".to_owned(),
        "`crm_id`".to_owned(),
        "PIPELINE: FIRST STAGE".to_owned(),
        "(Sales: New lead)".to_owned(),
    ];
    let said = lacks.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in &named {
        assert!(said.contains(words), "`{words}` is not in {said}");
    }
    lacks.refused(3, &["9 problems found"]);
    world.act(System::OfficeRnd, "add_property", notes);
    let settings = format!(
        "location: {}\n      resource: {}\n      notes_property: Notes\n      {}",
        location(&world),
        room[0]["_id"],
        ticket_options(&world),
    );
    let filled = whole(&world, &settings)
        .await
        .replace(
            "# calendar: ve9EPM428h8vShlRW1KT",
            &format!("calendar: {}", calendar["id"]),
        )
        .replace("PIPELINE: FIRST STAGE", "Sales: New lead");
    let filled = apply(filled).await;
    assert_eq!(filled.code, 0, "{filled:#?}");

    let contact = control
        .seed(
            System::HighLevel,
            &[json!({"firstName": "Bernd", "lastName": "Cramer", "email": "bernd@example.org"})],
        )
        .unwrap()
        .remove(0);
    let pipeline = world.act(System::HighLevel, "things", json!({"kind": "pipeline"}))[0].clone();
    for (act, kind, fields) in [
        (
            "create_item",
            "task",
            json!({"contactId": contact, "title": "Drucker", "dueDate": "2027-01-15T09:00:00.000Z"}),
        ),
        (
            "create_item",
            "note",
            json!({"contactId": contact, "body": "mag Fensterplätze"}),
        ),
        (
            "make_thing",
            "appointment",
            json!({"contactId": contact, "title": "Talk", "calendarId": calendar["id"], "appointmentStatus": "confirmed",
                "startTime": "2027-03-29T07:00:00Z", "endTime": "2027-03-29T08:00:00Z"}),
        ),
        (
            "make_thing",
            "opportunity",
            json!({"contactId": contact, "name": "Two desks", "status": "open", "pipelineId": pipeline["id"],
                "pipelineStageId": pipeline["stages"][0]["id"]}),
        ),
    ] {
        let made = json!({"kind": kind, "fields": fields});
        world.act(System::HighLevel, act, made);
    }
    for _ in 0..2 {
        let report = world.run(&["sync", "people", "--json"]).await.json();
        assert_eq!(report["state"], "done", "{report:#}");
    }
    let member = control.held(System::OfficeRnd).pop().unwrap().id;
    let booked = world.act(System::OfficeRnd, "things", json!({"kind": "booking"}));
    let ticket = world.act(System::OfficeRnd, "tickets", json!({}))["tickets"].clone();
    for (made, key, word) in [(booked, "title", "Talk"), (ticket, "subject", "Drucker")] {
        assert_eq!(made[0][key], word, "{made:#}");
        assert_eq!(made[0]["member"], *member, "{made:#}");
    }
    let shown = world.act(System::OfficeRnd, "get_member", json!({ "id": member }));
    let held = shown["properties"]["Notes"].as_str().unwrap_or_default();
    assert!(held.ends_with("]\nmag Fensterplätze"), "{shown:#}");
    let deals = control.belongings(System::OfficeRnd, Belonging::Opportunities);
    assert_eq!(deals, [(member, "Two desks".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_few_kinds_of_records_fills_in_nothing_but_the_location() {
    let world = World::start().await;
    let pair = ["init", "highlevel-officernd", "--out", "-", "--only"];
    let init = async |only: &'static str| {
        let ran = world
            .run_bare(&pair.into_iter().chain([only]).collect::<Vec<_>>())
            .await;
        assert_eq!(ran.code, 0, "{ran:#?}");
        ran.out
    };
    let kinds = |text: &str| -> Vec<String> {
        let config: Json = serde_yaml_ng::from_str(text).unwrap();
        let entities = config["syncs"]["people"]["entities"].as_object().unwrap();
        entities.keys().cloned().collect()
    };
    let people = init("contact").await;
    assert_eq!(kinds(&people), ["contact"]);
    assert!(!people.contains("name: company"), "{people}");
    assert!(people.contains("name_check: true"), "{people}");
    assert_eq!(kinds(&init("company").await), ["company", "contact"]);
    assert_eq!(
        kinds(&init("task,company").await),
        ["company", "contact", "task"]
    );
    // nothing is said of blocks that are not there
    assert!(!people.contains("blocks at the end"), "{people}");
    assert!(
        people.contains("4. Fill in `location` below, and tandem apply"),
        "{people}"
    );
    assert!(!people.contains("ticket_type"), "{people}");
    assert!(!people.contains("flex.space.bookings"), "{people}");
    let with_task = init("task").await;
    for words in [
        "blocks at the end",
        "# ticket_type: ",
        "#   task: flex.collaboration",
    ] {
        assert!(with_task.contains(words), "{words}: {with_task}");
    }
    // what is left is what stands in the whole one
    let whole = world
        .run_bare(&["init", "highlevel-officernd", "--out", "-"])
        .await
        .out;
    let lines: std::collections::BTreeSet<&str> = whole.lines().collect();
    let is_left = |line: &str| lines.contains(line) || line.starts_with("#   4. ");
    assert!(people.lines().all(is_left));
    let refused = world
        .run_bare(&[
            "init",
            "highlevel-officernd",
            "--out",
            "-",
            "--only",
            "deals",
        ])
        .await;
    assert_ne!(refused.code, 0, "{refused:#?}");

    // and it works: the location is all that is asked for, and it is said which there are
    let text = pointed(&world, &init("company").await, "");
    let apply = async |text: &str| {
        let config = world.write("tandem.yaml", text);
        world.run(&["apply", config.to_str().unwrap()]).await
    };
    assert_eq!(apply(&text).await.code, 0);
    connect(&world).await;
    let lacks = apply(&text).await;
    let id = location(&world);
    lacks.refused(3, &["2 problems found", "`location`", &id]);
    let shown = world
        .run(&["fields", "coworking", "--field", "location"])
        .await;
    assert!(shown.out.contains(&id), "{shown:#?}");
    let all = world
        .run(&["fields", "coworking", "--entity", "contact"])
        .await;
    assert!(all.out.contains(&format!("{id} (")), "{all:#?}");
    let none = world.run(&["fields", "coworking", "--field", "shoe"]).await;
    none.refused(1, &["has no field `shoe`"]);
    let filled = pointed(&world, &init("company").await, &format!("location: {id}"));
    assert_eq!(apply(&filled).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_token_requests_a_minute_are_kept_by_processes_one_after_the_other() {
    let world = World::start().await;
    let settings = format!("location: {}", location(&world));
    let config = world.write("tandem.yaml", &ready(&world, &settings).await);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let requests = || {
        let counts = world.sandbox.control().core().counts.all();
        let counts = counts.get(&System::OfficeRnd);
        let routes = counts.into_iter().flat_map(|counts| &counts.routes);
        let of_tokens = routes.filter(|route| route.route == "/oauth/token");
        of_tokens
            .map(|route| (route.status, route.count))
            .collect::<Vec<_>>()
    };
    // each of these is a process of its own
    while requests() != [(200, 5)] {
        world.connect_coworking().await;
        assert!(requests()[0].1 <= 5, "{:?}", requests());
    }
    let slug = world.folder.path().join("slug");
    let organization = format!("organization=file:{}", slug.display());
    let connect = [
        "connect",
        "coworking",
        "--field",
        "client_id=env:OFFICERND_CLIENT_ID",
        "--field",
        "client_secret=env:OFFICERND_CLIENT_SECRET",
        "--field",
        &organization,
    ];
    // A server that is started now waits, or says that it would have to, and so does a command beside it, which says what it waits
    // for; the vendor is not asked.
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let mut beside = world.spawn_with(&connect, std::process::Stdio::piped());
    tokio::time::sleep(Duration::from_secs(7)).await;
    drop(beside.kill());
    let said = beside.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("Still signing in"), "{said}");
    assert_eq!(requests(), [(200, 5)]);
    server.stop();
    // the same without a server; far longer than each of the five took
    let mut sixth = world.spawn(&connect);
    tokio::time::sleep(Duration::from_secs(4)).await;
    drop(sixth.kill());
    drop(sixth.wait());
    assert_eq!(requests(), [(200, 5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_was_not_granted_is_named_and_the_rest_works() {
    let world = World::start().await;
    let access = world.act(System::OfficeRnd, "access", json!({}));
    let all = access["scopes"]
        .as_array()
        .unwrap_or_else(|| panic!("{access:#}"));
    let missing = "flex.community.members.delete";
    let granted: Vec<&Json> = all.iter().filter(|scope| **scope != missing).collect();
    world.act(
        System::OfficeRnd,
        "set_scopes",
        json!({ "scopes": granted }),
    );
    // finding it out takes more token requests than a minute has: here no limit, there minutes
    let control = world.sandbox.control();
    control
        .core()
        .switches
        .set("officernd.tokens_a_minute", &json!(1000))
        .unwrap();
    let settings = format!("location: {}", location(&world));
    let text = ready(&world, &settings).await.replace(
        "/officernd\n    allow_private_addresses: true\n",
        "/officernd\n    allow_private_addresses: true\n    limits: {documented: false}\n",
    );
    assert!(text.contains("documented"));
    let config = world.write("tandem.yaml", &text);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world
        .run(&["connect", "coworking"])
        .await
        .refused(4, &["TDM-K004", missing]);
    // connected it is, with all the others
    let checked = world.run(&["check", "coworking", "--json"]).await;
    let checked: Json = serde_json::from_str(&checked.out).unwrap();
    assert!(checked.to_string().contains("Werkhof"), "{checked:#}");
    // what is lost is what needs that scope, and nothing else
    assert_eq!(
        checked[0]["account"]["lost"][missing]["syncs"],
        json!([
            "people/contact: `tandem undo` cannot take back what was made in coworking",
            "people/contact: what is deleted in marketing cannot be removed from coworking either, if that is your answer",
        ]),
        "{checked:#}"
    );
    let shown = world.run(&["check", "coworking"]).await;
    assert!(
        shown.out.contains(&format!(
            "missing: {missing}\n  without {missing}:\n    people/contact: "
        )),
        "{shown:#?}"
    );
    assert!(!shown.out.contains("not written"), "{shown:#?}");
    let calls = world
        .run(&["calls", "--operation", "oauth.token", "--json"])
        .await
        .json();
    let asked = calls.as_array().unwrap().len();
    assert!((5..12).contains(&asked), "{calls:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_a_person_arrives_by_webhook_that_the_server_subscribed() {
    let world = World::start().await;
    let filled = format!("location: {}", location(&world));
    let applied = apply(&world, &filled).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    connect(&world).await;
    world
        .sandbox
        .control()
        .seed(
            System::OfficeRnd,
            &[json!({"name": "Doris Ehm", "email": "doris@example.org"})],
        )
        .unwrap();
    world.run(&["sync", "people", "--json"]).await.json();
    let links = world.run(&["links", "people", "--json"]).await.json();
    let (left, right) = (links[0]["left"].clone(), links[0]["right"].clone());

    // an address of our own that webhooks can reach
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let text = ready(&world, &filled)
        .await
        .replace("127.0.0.1:0", &format!("127.0.0.1:{port}"))
        .replace(
            "# public_url: https://tandem.example.org",
            &format!("public_url: http://127.0.0.1:{port}"),
        );
    let config = world.write("tandem.yaml", &text);
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    subscribed(&world, &server, "coworking").await;
    let told = async || {
        let status = world.run(&["status", "--json"]).await.json();
        status["changes"]["coworking"]["told"]["state"].clone()
    };
    assert_eq!(told().await, "subscribed");
    world.act(
        System::OfficeRnd,
        "edit_member",
        json!({"id": right, "fields": {"address": {"city": "Potsdam"}}}),
    );
    wait_until("a webhook", Duration::from_secs(120), async || {
        meter(&server, "accepted").await > 0.0
    })
    .await;
    wait_until("the edit", Duration::from_secs(120), async || {
        let contact = world.act(System::HighLevel, "get_contact", json!({ "id": left }));
        contact["city"] == "Potsdam"
    })
    .await;
    assert_eq!(told().await, "heard");

    // what it subscribed to goes with the connection, and nothing else does
    let others = "https://others.example/hook";
    let made = world
        .run(&[
            "call",
            "coworking",
            "webhooks.create",
            "--input",
            &json!({"url": others, "eventTypes": ["member.updated"]}).to_string(),
        ])
        .await;
    assert_eq!(made.code, 0, "{made:#?}");
    let ours = format!("http://127.0.0.1:{port}/hooks/officernd");
    assert_eq!(told_to(&world), [ours.as_str(), others]);
    let asked = world.run(&["disconnect", "coworking"]).await;
    assert_eq!(asked.code, 1, "nobody agreed: {asked:#?}");
    assert!(asked.out.contains(&ours), "it says what goes: {asked:#?}");
    assert_eq!(told_to(&world), [ours.as_str(), others], "nothing was done");
    let done = world
        .run(&["disconnect", "coworking", "--yes", "--json"])
        .await
        .json();
    assert_eq!(done["webhooks"], json!(ours));
    assert_eq!(told_to(&world), [others]);
    // a server that starts again does not subscribe for what is switched off
    server.stop();
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(told_to(&world), [others]);
    drop(server);
}

/// Where OfficeRnD sends webhooks to, ours first.
fn told_to(world: &World) -> Vec<String> {
    let state = world.sandbox.control().dump(System::OfficeRnd);
    let all = state["webhooks"].as_array().unwrap();
    let mut told: Vec<String> = all
        .iter()
        .filter(|webhook| webhook["deletedAt"].is_null())
        .map(|webhook| webhook["url"].as_str().unwrap().to_owned())
        .collect();
    told.sort();
    told
}

/// The calls that were refused, of changes to members.
async fn refused_changes(world: &World) -> usize {
    let calls = world
        .run(&[
            "calls",
            "--operation",
            "members.update",
            "--status",
            "400",
            "--json",
        ])
        .await
        .json();
    calls.as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_account_refuses_is_noticed_once_and_travels_the_other_way_only() {
    let world = World::start().await;
    let control = world.sandbox.control();
    for (switch, value) in [
        ("officernd.put_profile", json!("2026-02")),
        ("highlevel.search_lag_ms", json!(0)),
    ] {
        control.core().switches.set(switch, &value).unwrap();
    }
    let applied = apply(&world, &format!("location: {}", location(&world))).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    connect(&world).await;
    let person = |name: &str, mail: &str| json!({"firstName": name, "lastName": "Blum", "email": mail, "phone": "+4930901820"});
    control
        .seed(
            System::HighLevel,
            &[
                person("Anna", "anna@example.org"),
                person("Bernd", "bernd@example.org"),
            ],
        )
        .unwrap();
    world.run(&["sync", "people", "--json"]).await.json();
    let links = world.run(&["links", "people", "--json"]).await.json();
    let links: Vec<(Json, Json)> = links
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["left"].clone(), link["right"].clone()))
        .collect();
    assert_eq!(links.len(), 2);
    let call = |phone: &str| {
        for (left, _) in &links {
            let fields = json!({"phone": phone, "city": phone});
            let input = json!({"id": left, "fields": fields});
            world.act(System::HighLevel, "edit_contact", input);
        }
    };
    let member = |id: &Json| {
        world
            .act(System::OfficeRnd, "get_member", json!({ "id": id }))
            .to_string()
    };

    call("+4930901821");
    world.run(&["sync", "people", "--json"]).await.json();
    let refused = refused_changes(&world).await;
    assert!((1..=2).contains(&refused), "{refused}");
    for (_, right) in &links {
        // what else was changed has arrived
        let member = member(right);
        assert!(
            member.contains("+4930901820") && member.contains("\"city\":\"+4930901821\""),
            "{member}"
        );
    }
    let checked = world.run(&["check", "coworking", "--json"]).await;
    assert!(
        checked
            .out
            .contains("phone of members is taken only when one is made"),
        "{checked:#?}"
    );

    // from then on it is known, in every process
    call("+4930901822");
    world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(refused_changes(&world).await, refused);
    for (_, right) in &links {
        assert!(member(right).contains("\"city\":\"+4930901822\""));
    }

    // the other way it travels, and a new member gets it
    let edit = json!({"id": links[0].1, "fields": {"phone": "+4930901829"}});
    world.act(System::OfficeRnd, "edit_member", edit);
    let cora = json!({"firstName": "Cora", "lastName": "Dietz", "email": "cora@example.org",
        "phone": "+4930901899"});
    control.seed(System::HighLevel, &[cora]).unwrap();
    world.run(&["sync", "people", "--json"]).await.json();
    let left = world.act(
        System::HighLevel,
        "get_contact",
        json!({ "id": links[0].0 }),
    );
    assert!(left.to_string().contains("+4930901829"), "{left:#}");
    let dump = control.dump(System::OfficeRnd).to_string();
    assert!(dump.contains("+4930901899"), "{dump}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learnt_is_listed_once_for_each_field_and_forgotten_with_the_next_connect() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let turn = |switch: &str, value: Json| control.core().switches.set(switch, &value).unwrap();
    turn("officernd.put_profile", json!("2026-02"));
    turn("highlevel.search_lag_ms", json!(0));
    let applied = apply(&world, &format!("location: {}", location(&world))).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    connect(&world).await;
    let person = |name: &str| json!({"firstName": name, "lastName": "Blum", "email": format!("{name}@example.org"), "phone": "+4930901820"});
    control
        .seed(System::HighLevel, &["anna", "bernd", "cora"].map(person))
        .unwrap();
    world.run(&["sync", "people", "--json"]).await.json();
    let links = linked(&world, "contact").await;
    assert_eq!(links.len(), 3);
    let call = |phone: &str| {
        for (left, _) in &links {
            let input = json!({"id": left, "fields": {"phone": phone}});
            world.act(System::HighLevel, "edit_contact", input);
        }
    };
    let phones = || -> Vec<Json> {
        let of = |(_, right): &(String, String)| {
            world.act(System::OfficeRnd, "get_member", json!({"id": right}))["phone"].clone()
        };
        links.iter().map(of).collect()
    };
    call("+4930901821");
    world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(
        phones(),
        [
            json!("+4930901820"),
            json!("+4930901820"),
            json!("+4930901820")
        ]
    );

    // one row for the field, with how many it is about; each record where that is asked for
    let listed = world.run(&["blocked", "--json"]).await.json();
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.len(), 1, "{listed:#}");
    assert_eq!(
        (
            &rows[0]["mapping"],
            &rows[0]["connection"],
            &rows[0]["records"]
        ),
        (&json!("phone"), &json!("coworking"), &json!(3)),
        "{listed:#}"
    );
    let shown = world.run(&["blocked"]).await;
    assert_eq!(
        shown.out.matches("only when a record is made").count(),
        1,
        "{shown:#?}"
    );
    let each = world.run(&["blocked", "--records", "--json"]).await.json();
    let of_links: std::collections::BTreeSet<&str> = each
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["right"].as_str().unwrap())
        .collect();
    assert_eq!(
        of_links,
        links.iter().map(|(_, right)| right.as_str()).collect()
    );

    // the vendor takes it from now on, but what was learnt holds until somebody connects anew
    turn("officernd.put_profile", json!("2026-10"));
    call("+4930901822");
    world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(phones()[0], "+4930901820");
    connect(&world).await;
    let checked = world.run(&["check", "coworking", "--json"]).await;
    assert!(
        !checked.out.contains("taken only when one is made"),
        "{checked:#?}"
    );
    world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(
        phones(),
        [
            json!("+4930901822"),
            json!("+4930901822"),
            json!("+4930901822")
        ]
    );
    call("+4930901823");
    world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(
        phones(),
        [
            json!("+4930901823"),
            json!("+4930901823"),
            json!("+4930901823")
        ]
    );
    let listed = world.run(&["blocked", "--json"]).await.json();
    assert_eq!(listed, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_carries_what_was_refused_once_somebody_signed_in_to_an_account_that_takes_it() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let turn = |switch: &str, value: Json| control.core().switches.set(switch, &value).unwrap();
    turn("officernd.put_profile", json!("2026-02"));
    turn("highlevel.search_lag_ms", json!(0));
    let applied = apply(&world, &format!("location: {}", location(&world))).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let _server = world.serve_with(&[]).await;
    connect(&world).await;
    let anna = json!({"firstName": "Anna", "lastName": "Blum", "email": "anna@example.org", "phone": "+4930901820"});
    let left = control.seed(System::HighLevel, &[anna]).unwrap().remove(0);
    world.run(&["sync", "people", "--json"]).await.json();
    let right = linked(&world, "contact").await.remove(0).1;
    let edit = json!({"id": left, "fields": {"phone": "+4930901821"}});
    world.act(System::HighLevel, "edit_contact", edit);
    world.run(&["sync", "people", "--json"]).await.json();
    world.run(&["sync", "people", "--json"]).await.json();
    let phone =
        || world.act(System::OfficeRnd, "get_member", json!({"id": right}))["phone"].clone();
    assert_eq!(phone(), "+4930901820");
    let listed = world.run(&["blocked", "--json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed:#}");

    turn("officernd.put_profile", json!("2026-10"));
    connect(&world).await;
    let started = std::time::Instant::now();
    while phone() != "+4930901821" {
        assert!(started.elapsed() < std::time::Duration::from_secs(120));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    loop {
        let listed = world.run(&["blocked", "--json"]).await.json();
        if listed == json!([]) {
            break;
        }
        assert!(
            started.elapsed() < std::time::Duration::from_secs(120),
            "{listed:#}"
        );
    }
}

/// Linked records of one kind, HighLevel's first.
async fn linked(world: &World, entity: &str) -> Vec<(String, String)> {
    let links = world.run(&["links", "people", "--json"]).await.json();
    let of = |link: &Json, side: &str| link[side].as_str().unwrap().to_owned();
    links
        .as_array()
        .unwrap()
        .iter()
        .filter(|link| link["entity"] == entity)
        .map(|link| (of(link, "left"), of(link, "right")))
        .collect()
}

/// The sandbox finds people and companies the same on both sides, and who belongs to which.
async fn companies_agree(world: &World, companies: usize) {
    let questions = [
        Question {
            terms: Terms::highlevel_officernd(false).with_company_links(),
            pairs: linked(world, "contact").await,
        },
        Question {
            terms: Terms::highlevel_officernd_companies(),
            pairs: linked(world, "company").await,
        },
    ];
    assert_eq!(questions[1].pairs.len(), companies);
    let found = world.sandbox.control().judge_syncs(&questions, None);
    for agreement in &found.syncs {
        assert!(agreement.disagreements.is_empty(), "{found:#?}");
        assert!(agreement.broken.is_empty(), "{found:#?}");
    }
    assert!(found.duplicates.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn companies_are_kept_the_same_and_people_belong_to_their_counterparts() {
    let world = World::start().await;
    let control = world.sandbox.control();
    for (switch, value) in [
        ("highlevel.search_lag_ms", json!(0)),
        ("highlevel.business_list_lags", json!(false)),
    ] {
        control.core().switches.set(switch, &value).unwrap();
    }
    let applied = apply(&world, &format!("location: {}", location(&world))).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    connect(&world).await;
    let contact = |first: &str, last: &str, business: &str| {
        let email = format!("{}@example.org", first.to_lowercase());
        json!({"firstName": first, "lastName": last, "email": email, "businessName": business})
    };
    let member = |name: &str, email: &str, company: &str| json!({"name": name, "email": email, "companyName": company});
    let left = [
        contact("Anna", "Heide", "Aachener Werkstatt"),
        contact("Emil", "Fuchs", "Zeitwerk GmbH"),
    ];
    control.seed(System::HighLevel, &left).unwrap();
    let right = [
        member("Doris Ehm", "doris@example.org", "Bloom"),
        member("Bernd Cramer", "bernd@example.org", "Bloom"),
        member("Emil Fuchs", "emil@example.org", "ZEITWERK"),
    ];
    control.seed(System::OfficeRnd, &right).unwrap();

    // what is to be done with the two that only share a name is asked
    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    companies_agree(&world, 2).await;
    let contacts = linked(&world, "contact").await;
    assert_eq!(contacts.len(), 4, "{contacts:?}");
    let reviews = world.run(&["reviews", "--json"]).await.json();
    assert_eq!(reviews[0]["kind"], "ambiguous", "{reviews:#}");
    assert_eq!(reviews[0]["entity"], "company", "{reviews:#}");
    let mut emil = None;
    for (left, right) in &contacts {
        let held = world.act(System::HighLevel, "get_contact", json!({ "id": left }));
        if held["email"] == "emil@example.org" {
            emil = Some((left.clone(), right.clone()));
        }
    }
    let (emil, as_member) = emil.unwrap();
    let explained = world.run(&["explain", "marketing", "contact", &emil]).await;
    assert!(
        explained.out.contains("waits until the company"),
        "{explained:#?}"
    );
    let status = world.run(&["status", "--json"]).await.json();
    let blocked = status.pointer("/blocked/people");
    assert!(blocked.and_then(Json::as_u64) > Some(0), "{status:#}");

    // the answer links them, and wakes who waited
    let choices = reviews[0]["details"]["choices"].as_array().unwrap();
    let choice = choices[0]["key"].as_str().unwrap();
    assert!(choice.starts_with("link:"), "{reviews:#}");
    let id = reviews[0]["id"].as_str().unwrap();
    let answered = world.run(&["resolve", id, choice]).await;
    assert_eq!(answered.code, 0, "{answered:#?}");
    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    companies_agree(&world, 3).await;
    let explained = world.run(&["explain", "marketing", "contact", &emil]).await;
    assert!(!explained.out.contains("waits until"), "{explained:#?}");

    // somebody moves to a company that is new there
    world.act(
        System::OfficeRnd,
        "edit_member",
        json!({"id": as_member, "fields": {"companyName": "Neue Halle"}}),
    );
    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    companies_agree(&world, 4).await;
    let held = world.act(System::HighLevel, "get_contact", json!({ "id": emil }));
    let business = world.act(
        System::HighLevel,
        "get_business",
        json!({"id": held["businessId"]}),
    );
    assert_eq!(business["name"], "Neue Halle", "{held:#} {business:#}");
}

/// Visits stand for appointments: Anna's contact, the calendar of HighLevel, and how she gets an appointment.
async fn with_visits(world: &World) -> (String, String) {
    let calendar = world.act(
        System::HighLevel,
        "make_thing",
        json!({"kind": "calendar", "fields": {"name": "Besuche"}}),
    );
    let calendar = calendar["id"].as_str().unwrap();
    let settings = format!("location: {}\n      appointments: visits", location(world));
    let text = ready(world, &settings).await.replacen(
        "    settings:\n",
        &format!("    settings:\n      calendar: {calendar}\n"),
        1,
    );
    let text = format!(
        "{}\n      appointment:\n        fields:\n          - {{left: startTime, right: start}}\n          - {{left: endTime, right: end}}\n          - {{name: contact, left: contactId, right: member}}\n        deletes: {{left: propagate, right: propagate}}\n",
        text.trim_end()
    );
    let config = world.write("tandem.yaml", &text);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let connected = connect(world).await;
    assert_eq!(connected["account"]["missing"], json!([]), "{connected:#}");

    let control = world.sandbox.control();
    let anna = json!({"firstName": "Anna", "lastName": "Brandt", "email": "anna@brandt.example"});
    let contact = control.seed(System::HighLevel, &[anna]).unwrap().remove(0);
    (contact, calendar.to_owned())
}

/// An hour of a day in December.
fn appointment(world: &World, of: &(String, String), title: &str, day: u32) -> Json {
    let (contact, calendar) = of;
    let fields = json!({"title": title, "contactId": contact, "calendarId": calendar,
        "startTime": format!("2026-12-{day:02}T09:00:00+02:00"), "endTime": format!("2026-12-{day:02}T10:00:00+02:00"),
        "appointmentStatus": "confirmed"});
    let thing = json!({"kind": "appointment", "fields": fields});
    world.act(System::HighLevel, "make_thing", thing)
}

/// What is there of a kind and not gone.
fn living(world: &World, system: System, kind: &str) -> Vec<Json> {
    let all = world.act(system, "things", json!({"kind": kind}));
    let all = all.as_array().unwrap().clone();
    all.into_iter()
        .filter(|thing| thing["gone"] != true)
        .collect()
}

async fn synced(world: &World) {
    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_deleted_takes_its_appointment_with_it_and_the_other_way() {
    let world = World::start().await;
    let of = with_visits(&world).await;
    let days = |kind_of: System, kind: &str, name: &str| {
        let all = living(&world, kind_of, kind);
        let mut days: Vec<String> = all
            .iter()
            .map(|one| one[name].as_str().unwrap()[8..10].to_owned())
            .collect();
        days.sort();
        days
    };
    let made: Vec<Json> = (1..=4)
        .map(|day| appointment(&world, &of, "Führung", day))
        .collect();
    synced(&world).await;
    let visits = living(&world, System::OfficeRnd, "visit");
    assert_eq!(visits.len(), 4, "{visits:#?}");
    // nothing tells of a visit: all are listed
    let second = visits
        .iter()
        .find(|visit| visit["start"].as_str().unwrap().starts_with("2026-12-02"));
    let gone = json!({"kind": "visit", "id": second.unwrap()["_id"]});
    world.act(System::OfficeRnd, "delete_thing", gone);
    let gone = json!({"kind": "appointment", "id": made[2]["id"]});
    world.act(System::HighLevel, "delete_thing", gone);
    synced(&world).await;
    assert_eq!(
        days(System::HighLevel, "appointment", "startTime"),
        ["01", "04"]
    );
    assert_eq!(days(System::OfficeRnd, "visit", "start"), ["01", "04"]);
    // and they stay away
    synced(&world).await;
    assert_eq!(
        days(System::HighLevel, "appointment", "startTime"),
        ["01", "04"]
    );
    assert_eq!(days(System::OfficeRnd, "visit", "start"), ["01", "04"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_stand_for_appointments_where_the_config_says_so() {
    let world = World::start().await;
    let of = with_visits(&world).await;
    let first = appointment(&world, &of, "Führung", 1);
    appointment(&world, &of, "Vertrag", 2);
    synced(&world).await;
    let things = |kind: &str| living(&world, System::OfficeRnd, kind);
    let (visits, visitors) = (things("visit"), things("visitor"));
    assert_eq!(visits.len(), 2, "{visits:#?}");
    assert_eq!(
        visitors.len(),
        1,
        "one visitor for all visits: {visitors:#?}"
    );
    for visit in &visits {
        assert_eq!(visit["visitor"], visitors[0]["_id"], "{visit:#}");
        assert_eq!(visit["member"], visitors[0]["member"], "{visit:#}");
        assert_eq!(visit["location"], json!(location(&world)), "{visit:#}");
    }
    // one that somebody makes there crosses, too; one that is deleted here goes there
    let fields = json!({"visitor": visitors[0]["_id"], "member": visitors[0]["member"],
        "location": location(&world), "start": "2026-12-03T09:00:00.000Z", "end": "2026-12-03T10:00:00.000Z"});
    let visit = json!({"kind": "visit", "fields": fields});
    world.act(System::OfficeRnd, "make_thing", visit);
    let gone = json!({"kind": "appointment", "id": first["id"]});
    world.act(System::HighLevel, "delete_thing", gone);
    synced(&world).await;
    assert_eq!(things("visit").len(), 2, "{:#?}", things("visit"));
    let items = world.act(System::HighLevel, "things", json!({"kind": "appointment"}));
    let starts: Vec<&str> = items
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["gone"] != true)
        .filter_map(|item| item["startTime"].as_str())
        .collect();
    assert!(
        starts.iter().any(|start| start.starts_with("2026-12-03")),
        "{starts:?}"
    );
}

/// The settings for what a ticket has to have.
fn ticket_options(world: &World) -> String {
    let options = json!({"kind": "ticket_option"});
    let options = world.act(System::OfficeRnd, "things", options);
    let options = options.as_array().unwrap().iter();
    let settings = options.map(|option| {
        let category = option["category"].as_str().unwrap();
        format!("ticket_{category}: {}", option["_id"])
    });
    Vec::from_iter(settings).join("\n      ")
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_comments_of_a_ticket_where_the_config_says_so() {
    let world = World::start().await;
    let settings = format!(
        "location: {}\n      notes_ticket: Notizen\n      {}",
        location(&world),
        ticket_options(&world)
    );
    let text = format!(
        "{}\n      note:\n        fields:\n          - {{left: body, right: body}}\n          - {{name: contact, left: contactId, right: member}}\n        deletes: {{left: unlink, right: unlink}}\n",
        ready(&world, &settings).await.trim_end()
    );
    let config = world.write("tandem.yaml", &text);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let connected = connect(&world).await;
    assert_eq!(connected["account"]["missing"], json!([]), "{connected:#}");
    let anna = json!({"firstName": "Anna", "lastName": "Brandt", "email": "anna@brandt.example"});
    let control = world.sandbox.control();
    let contact = control.seed(System::HighLevel, &[anna]).unwrap().remove(0);
    for body in ["mag Hunde", "fährt Rad"] {
        let fields = json!({"contactId": contact, "body": body});
        world.act(
            System::HighLevel,
            "create_item",
            json!({"kind": "note", "fields": fields}),
        );
    }
    // without that no organisation can keep notes so
    let switches = &control.core().switches;
    switches
        .set("officernd.ticket_comments_read", &json!(true))
        .unwrap();
    let things = |kind: &str| {
        let all = world.act(System::OfficeRnd, "things", json!({"kind": kind}));
        all.as_array().unwrap().clone()
    };
    let report = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(report["state"], "done", "{report:#}");
    let comments = things("ticket_comment");
    let tickets = world.act(System::OfficeRnd, "tickets", json!({}))["tickets"].clone();
    let tickets = tickets.as_array().unwrap().clone();
    let tickets: Vec<&Json> = tickets
        .iter()
        .filter(|ticket| ticket["subject"] == "Notizen")
        .collect();
    assert_eq!(tickets.len(), 1, "one ticket for all notes: {tickets:#?}");
    let mut said: Vec<&str> = comments
        .iter()
        .filter_map(|comment| comment["text"].as_str())
        .collect();
    said.sort_unstable();
    assert_eq!(said, ["fährt Rad", "mag Hunde"]);
    assert!(
        comments.iter().all(|comment| comment["isPublic"] == false),
        "{comments:#?}"
    );

    // what the team writes there crosses, and a note that is edited stays as it is there, and is listed
    let member = &tickets[0]["member"];
    let comment = json!({"ticket": tickets[0]["_id"], "text": "zahlt pünktlich", "member": member, "isPublic": false});
    world.act(
        System::OfficeRnd,
        "make_thing",
        json!({"kind": "ticket_comment", "fields": comment}),
    );
    let items = world.act(System::HighLevel, "items", json!({"kind": "note"}));
    let first = items["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["body"] == "mag Hunde");
    let edit =
        json!({"kind": "note", "id": first.unwrap()["id"], "fields": {"body": "mag Katzen"}});
    world.act(System::HighLevel, "edit_item", edit);
    world.run(&["sync", "people", "--json"]).await.json();
    let items = world.act(System::HighLevel, "items", json!({"kind": "note"}));
    let items = items["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "{items:#?}");
    assert!(
        items.iter().any(|item| item["body"] == "zahlt pünktlich"),
        "{items:#?}"
    );
    assert!(
        things("ticket_comment")
            .iter()
            .any(|comment| comment["text"] == "mag Hunde")
    );
    // one at which nobody stands is a note like the others; one of another ticket is none, nor one that says nothing
    let other = json!({"fields": {"member": member, "subject": "Drucker"}});
    let other = world.act(System::OfficeRnd, "create_ticket", other);
    for (ticket, text) in [
        (&tickets[0]["_id"], "ruft zurück"),
        (&tickets[0]["_id"], "  "),
        (&other["_id"], "Toner leer"),
    ] {
        let comment = json!({"kind": "ticket_comment", "fields": {"ticket": ticket, "text": text}});
        world.act(System::OfficeRnd, "make_thing", comment);
    }
    world.run(&["sync", "people", "--json"]).await.json();
    let items = world.act(System::HighLevel, "items", json!({"kind": "note"}));
    let bodies: Vec<&str> = items["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["body"].as_str())
        .collect();
    assert!(
        bodies.len() == 4 && bodies.contains(&"ruft zurück"),
        "{bodies:?}"
    );
    let blocked = world.run(&["blocked", "--json"]).await.json();
    assert!(blocked.to_string().contains("body"), "{blocked:#}");
}
