//! The ready pair HighLevel and OfficeRnD, from `init` to a sync, against the sandbox.

use std::time::Duration;

use sandbox::{
    System,
    judge::{Question, Terms},
};
use serde_json::{Value as Json, json};

use crate::world::World;

/// What `init` writes, pointed at the sandbox; `settings` stands in the place of the commented location.
async fn ready(world: &World, settings: &str) -> String {
    let printed = world
        .run_bare(&["init", "highlevel-officernd", "--out", "-"])
        .await;
    let url = world.sandbox.url();
    let at =
        |path: &str| format!("base_url: {url}/{path}\n    allow_private_addresses: true\n    ");
    let slug = world.act(System::OfficeRnd, "access", json!({}))["slug"].clone();
    let slug = slug.as_str().unwrap();
    let text = printed
        .out
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

fn location(world: &World) -> String {
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
    let started = tokio::time::Instant::now();
    let mut edits = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        // the first edits may come before the subscription
        edits += 1;
        let city = format!("Potsdam {edits}");
        world.act(
            System::OfficeRnd,
            "edit_member",
            json!({"id": right, "fields": {"address": {"city": city}}}),
        );
        tokio::time::sleep(Duration::from_secs(2)).await;
        let page = reqwest::Client::new()
            .get(format!("{}/metrics", server.url))
            .bearer_auth(&server.token)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let taken = page.lines().any(|line| {
            line.starts_with("tandem_webhooks_total{fate=\"accepted\"} ") && !line.ends_with(" 0")
        });
        let contact = world.act(System::HighLevel, "get_contact", json!({ "id": left }));
        if taken && contact.to_string().contains("Potsdam") {
            break;
        }
        let log = std::fs::read_to_string(world.folder.path().join("server.log")).unwrap();
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{contact:#}\n{log}"
        );
    }
    drop(server);
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
