//! Each recipe on the real binary: installed with its two picks, begun by the system that it watches, seen in the
//! other.

mod told;

use std::time::Duration;

use sandbox::System;
use serde_json::{Value as Json, json};

use crate::{
    killed::wait_until,
    world::{Server, World},
};

/// A recipe's file.
fn recipe(name: &str) -> String {
    format!(
        "{}/../../examples/recipes/{name}.yaml",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A config without any sync.
fn without_syncs(config: &str) -> String {
    let end = config.find("# What is kept the same").unwrap();
    config[..end].to_owned()
}

/// The same with a token for HighLevel that has all rights, and no sign-in.
fn with_token(world: &World, config: &str) -> String {
    let access = world.act(System::HighLevel, "access", json!({}));
    let main = access["mainLocationId"].as_str().unwrap();
    let sign_in = "      authorize_url: ";
    let from = config.find(sign_in).unwrap();
    let to = from + config[from..].find('\n').unwrap();
    format!(
        "{}      location_id: {main}{}",
        &config[..from],
        &config[to..]
    )
    .replacen("scheme: oauth", "scheme: private_token", 1)
}

async fn connect_with_token(world: &World) {
    let made = world.act(System::HighLevel, "create_private_token", json!({}));
    let made = &made["token"];
    let token = made.as_str().or_else(|| made["token"].as_str());
    let token = world.write("token", token.unwrap_or_else(|| panic!("{made:#}")));
    let field = format!("token=file:{}", token.display());
    let ran = world
        .run(&["connect", "marketing", "--field", &field])
        .await;
    assert_eq!(ran.code, 0, "{ran:#?}");
}

async fn serve(world: &World, config: &str) -> Server {
    let path = world.write("tandem.yaml", config);
    let server = world
        .serve_with(&["--config", path.to_str().unwrap()])
        .await;
    send_webhooks_to(world, &server);
    server
}

fn send_webhooks_to(world: &World, server: &Server) {
    let url = format!("{}/hooks/highlevel", server.url);
    world.act(
        System::HighLevel,
        "configure_app",
        json!({"webhookUrl": url}),
    );
}

async fn install(world: &World, name: &str, picks: &[&str]) {
    let file = recipe(name);
    let mut words = vec!["workflow", "publish", file.as_str()];
    for pick in picks {
        words.extend(["--with", pick]);
    }
    let ran = world.run(&words).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
}

/// Waits until so many runs of a workflow have ended well or early.
async fn ended(world: &World, server: &Server, workflow: &str, count: usize) -> Vec<Json> {
    let mut last = Json::Null;
    let what = format!("{count} runs of {workflow}");
    let path = format!("/api/v1/workflow-runs?workflow={workflow}&limit=1000");
    wait_until(&what, Duration::from_secs(120), async || {
        let (_, runs) = world.api(server, "GET", &path).await;
        last = runs;
        let runs = last.as_array().unwrap();
        let failed = runs.iter().find(|run| run["state"] == "failed");
        assert!(failed.is_none(), "{failed:#?}");
        let done = |run: &&Json| ["done", "stopped"].contains(&run["state"].as_str().unwrap());
        runs.iter().filter(done).count() >= count
    })
    .await;
    last.as_array().unwrap().clone()
}

/// Everything at a system as one text.
fn held(world: &World, system: System) -> String {
    world.sandbox.control().dump(system).to_string()
}

/// A server that is started anew asks at once what happened, and gets its own address known.
async fn again(world: &World, server: Server) -> Server {
    server.stop();
    let server = world.serve_with(&[]).await;
    send_webhooks_to(world, &server);
    server
}

/// What webhooks are signed with is kept after the vendor has said it.
pub(crate) async fn subscribed(world: &World, server: &Server, connection: &str) {
    let path = format!("/api/v1/connections/{connection}/disconnect");
    wait_until(
        "the subscription kept",
        Duration::from_secs(120),
        async || {
            let (_, depends) = world.api(server, "GET", &path).await;
            depends["webhooks"].is_string()
        },
    )
    .await;
}

async fn call(world: &World, connection: &str, operation: &str, input: Json) -> Json {
    let input = input.to_string();
    let words = ["call", connection, operation, "--input", &input, "--json"];
    world.run(&words).await.json()
}

/// Asked for the first time, so that what happens from now on is news.
async fn first_look(world: &World, name: &str) {
    let database = world.database();
    wait_until(name, Duration::from_secs(120), async || {
        let held = std::fs::read(&database).unwrap();
        let wal = std::fs::read(format!("{}-wal", database.display())).unwrap_or_default();
        let found = |bytes: &[u8]| {
            bytes
                .windows(name.len())
                .any(|window| window == name.as_bytes())
        };
        found(&held) || found(&wal)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_highlevel_is_done_in_onoffice() {
    let world = World::start().await;
    // a sync that only looks: it asks for the rights that the webhooks need, and writes nothing
    let config = world
        .config_text()
        .replace("mode: two-way", "mode: preview");
    let server = serve(&world, &config).await;
    world.connect_both().await;
    let picks = ["crm=marketing", "office=office"];
    install(&world, "highlevel-lead-to-onoffice", &picks).await;
    install(&world, "highlevel-tag-to-onoffice-activity", &picks).await;

    // a lead whom nobody knows, and one whom the office knows
    world.act(
        System::OnOffice,
        "create",
        json!({"fields": {"Name": "Keil", "email": "keil@example.org"}}),
    );
    let main = world.act(System::HighLevel, "access", json!({}))["mainLocationId"].clone();
    let mut contacts = Vec::new();
    for (first, last) in [("Anna", "Blum"), ("Karl", "Keil")] {
        let email = format!("{}@example.org", last.to_lowercase());
        let contact =
            json!({"firstName": first, "lastName": last, "email": email, "locationId": main});
        contacts.push(world.act(System::HighLevel, "create_contact", contact));
    }
    ended(&world, &server, "highlevel-lead-to-onoffice", 2).await;
    let office = held(&world, System::OnOffice);
    assert_eq!(office.matches("\"New lead: ").count(), 2, "{office}");
    let addresses = world.sandbox.control().dump(System::OnOffice)["addresses"].clone();
    assert_eq!(addresses.as_array().unwrap().len(), 2, "{addresses:#}");

    let id = ["id", "contactId"]
        .iter()
        .find_map(|name| contacts[0][*name].as_str())
        .unwrap_or_else(|| panic!("{:#}", contacts[0]))
        .to_owned();
    for tag in ["expose-downloaded", "another"] {
        world.act(
            System::HighLevel,
            "add_tags",
            json!({"id": id, "tags": [tag]}),
        );
    }
    ended(&world, &server, "highlevel-tag-to-onoffice-activity", 2).await;
    let office = held(&world, System::OnOffice);
    assert_eq!(
        office.matches("Downloaded the exposé.").count(),
        1,
        "{office}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_in_highlevel_is_a_task_in_onoffice() {
    let world = World::start().await;
    let config = without_syncs(&world.config_text());
    let server = serve(&world, &with_token(&world, &config)).await;
    world.connect_office().await;
    connect_with_token(&world).await;
    let picks = ["crm=marketing", "office=office"];
    install(&world, "highlevel-task-to-onoffice", &picks).await;
    first_look(&world, "poll marketing task.changed").await;
    world.act(
        System::OnOffice,
        "create",
        json!({"fields": {"Name": "Blum", "email": "blum@example.org"}}),
    );
    let contact = json!({"firstName": "Anna", "email": "blum@example.org"});
    let made = call(&world, "marketing", "contacts.create", contact).await;
    let id = &made["contact"]["id"];
    let task = json!({"contactId": id, "title": "Send the contract", "completed": false,
        "dueDate": "2026-12-01T09:00:00Z"});
    call(&world, "marketing", "contacts.tasks.create", task).await;
    let server = again(&world, server).await;
    ended(&world, &server, "highlevel-task-to-onoffice", 1).await;
    let office = held(&world, System::OnOffice);
    assert_eq!(
        office.matches("\"Send the contract\"").count(),
        1,
        "{office}"
    );
    assert!(
        office.contains("2026-12-01 10:00:00"),
        "in the time of Berlin: {office}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_in_onoffice_is_a_tag_in_highlevel_and_goes_again() {
    let world = World::start().await;
    let config = without_syncs(&world.config_text());
    let server = serve(&world, &with_token(&world, &config)).await;
    world.connect_office().await;
    connect_with_token(&world).await;
    let control = world.sandbox.control();
    control
        .core()
        .switches
        .set("highlevel.search_lag_ms", &json!(0))
        .unwrap();
    let contact = json!({"firstName": "Anna", "email": "blum@example.org"});
    call(&world, "marketing", "contacts.create", contact).await;
    let made = call(
        &world,
        "office",
        "address.create",
        json!({"Name": "Blum", "email": "blum@example.org"}),
    )
    .await;
    let id: u64 = made["records"][0]["id"].as_str().unwrap().parse().unwrap();
    let file = recipe("onoffice-category-to-highlevel-tag");
    let published = world
        .run(&[
            "workflow",
            "publish",
            &file,
            "--with",
            "office=office",
            "--with",
            "crm=marketing",
            "--var",
            "category=Eigentümer",
            "--var",
            "tag=owner",
        ])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");
    first_look(&world, "poll office address.changed").await;

    // the account lists the tag for good: of interest is who has it
    let tagged = || held(&world, System::HighLevel).contains("\"tags\":[\"owner\"]");
    let edit = |category: Json| {
        world.act(
            System::OnOffice,
            "edit",
            json!({"id": id, "fields": {"ArtDaten": category}}),
        )
    };
    // a change is noticed by its stamp, which has seconds
    tokio::time::sleep(Duration::from_millis(1100)).await;
    edit(json!(["Eigentümer"]));
    let server = again(&world, server).await;
    ended(&world, &server, "onoffice-category-to-highlevel-tag", 1).await;
    assert!(tagged(), "{}", held(&world, System::HighLevel));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    edit(json!([]));
    let server = again(&world, server).await;
    ended(&world, &server, "onoffice-category-to-highlevel-tag", 2).await;
    assert!(!tagged(), "{}", held(&world, System::HighLevel));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_member_of_a_space_is_a_contact_with_tasks_for_the_first_weeks() {
    let world = World::start().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    // OfficeRnD is subscribed to for the sync that only looks
    let config = world
        .config_of_three()
        .replace("mode: two-way", "mode: preview")
        .replace(
            "listen: 127.0.0.1:0",
            &format!("listen: {address}\npublic_url: http://{address}"),
        );
    let server = serve(&world, &with_token(&world, &config)).await;
    connect_with_token(&world).await;
    world.connect_coworking().await;
    install(
        &world,
        "officernd-member-to-highlevel",
        &["space=coworking", "crm=marketing"],
    )
    .await;
    // it is subscribed to when a server starts
    let server = again(&world, server).await;
    let dump = || world.sandbox.control().dump(System::OfficeRnd).to_string();
    wait_until("the subscription", Duration::from_secs(120), async || {
        dump().contains(&format!("http://{address}/hooks/officernd"))
    })
    .await;
    subscribed(&world, &server, "coworking").await;
    let access = world.act(System::OfficeRnd, "access", json!({}));
    let location = &access["locations"][0]["_id"];
    let member = json!({"name": "Mia Neu", "email": "mia@neu.example", "location": location});
    world.act(System::OfficeRnd, "create_member", member);
    ended(&world, &server, "officernd-member-to-highlevel", 1).await;
    let marketing = held(&world, System::HighLevel);
    assert!(marketing.contains("mia@neu.example"), "{marketing}");
    for title in [
        "Welcome call",
        "Is everything working?",
        "First impressions",
    ] {
        assert_eq!(marketing.matches(title).count(), 1, "{title}: {marketing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_in_onoffice_is_a_note_in_highlevel() {
    let world = World::start().await;
    let config = without_syncs(&world.config_text());
    let server = serve(&world, &with_token(&world, &config)).await;
    world.connect_office().await;
    connect_with_token(&world).await;
    let control = world.sandbox.control();
    control
        .core()
        .switches
        .set("highlevel.search_lag_ms", &json!(0))
        .unwrap();
    let contact = json!({"firstName": "Anna", "email": "blum@example.org"});
    call(&world, "marketing", "contacts.create", contact).await;
    let address = json!({"Name": "Blum", "email": "blum@example.org"});
    let made = call(&world, "office", "address.create", address).await;
    let id: u64 = made["records"][0]["id"].as_str().unwrap().parse().unwrap();
    let picks = ["crm=marketing", "office=office"];
    install(&world, "onoffice-activity-to-highlevel-note", &picks).await;
    install(&world, "onoffice-appointment-to-highlevel-note", &picks).await;
    first_look(&world, "poll office agentslog.changed").await;
    first_look(&world, "poll office calendar.changed").await;
    let activity = json!({"addressids": [id], "actionkind": "Telefonat", "actiontype": "Ausgang",
        "note": "Asked for the exposé"});
    call(&world, "office", "agentslog.create", activity).await;
    let appointment = json!({"data": {"description": "Viewing", "art": "Besichtigung",
        "start_dt": "2026-12-01 17:45:00", "end_dt": "2026-12-01 18:15:00"},
        "relatedAddressIds": [id]});
    call(&world, "office", "calendar.create", appointment).await;
    let server = again(&world, server).await;
    ended(&world, &server, "onoffice-activity-to-highlevel-note", 1).await;
    ended(&world, &server, "onoffice-appointment-to-highlevel-note", 1).await;
    let marketing = held(&world, System::HighLevel);
    for note in [
        "Telefonat: Asked for the exposé",
        "Appointment: Viewing, 2026-12-01 17:45:00",
    ] {
        assert!(marketing.contains(note), "{note}: {marketing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_on_a_website_reaches_both_systems_once() {
    let world = World::start().await;
    let config = without_syncs(&world.config_text());
    let server = serve(&world, &with_token(&world, &config)).await;
    world.connect_office().await;
    connect_with_token(&world).await;
    let text = std::fs::read_to_string(recipe("website-form-to-highlevel-and-onoffice")).unwrap();
    let secret = world.write("secret", "of the form");
    let text = text.replace("env:FORM_SECRET", &format!("file:{}", secret.display()));
    let file = world.write("form.yaml", &text);
    let published = world
        .run(&[
            "workflow",
            "publish",
            file.to_str().unwrap(),
            "--with",
            "crm=marketing",
        ])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");
    for message in ["Please call", "Are you there?"] {
        let form = json!({"firstName": "Anna", "lastName": "Blum", "email": "blum@example.org",
            "message": message});
        let response = reqwest::Client::new()
            .post(format!("{}/hooks/workflows/website-form", server.url))
            .bearer_auth("of the form")
            .json(&form)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 202);
    }
    ended(&world, &server, "website-form", 2).await;
    let office = world.sandbox.control().dump(System::OnOffice);
    assert_eq!(
        office["addresses"].as_array().unwrap().len(),
        1,
        "{office:#}"
    );
    let office = office.to_string();
    assert!(office.contains("From the website: Please call"), "{office}");
    assert!(
        office.contains("From the website: Are you there?"),
        "{office}"
    );
    assert!(held(&world, System::HighLevel).contains("\"website\""));
}

/// A chat that keeps what it is told, and its address.
async fn chat() -> (String, std::sync::Arc<std::sync::Mutex<Vec<Json>>>) {
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&told);
    let routes = axum::Router::new().route(
        "/told",
        axum::routing::post(move |axum::Json(body): axum::Json<Json>| async move {
            kept.lock().unwrap().push(body);
            "ok"
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/told", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sync_asks_is_told_in_the_chat_where_private_addresses_are_allowed() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let left = json!({"firstName": "Anna", "lastName": "Blum", "email": "blum@example.org"});
    control.seed(System::HighLevel, &[left]).unwrap();
    let right = json!({"Vorname": "Peter", "Name": "Blum", "email": "blum@example.org"});
    control.seed(System::OnOffice, &[right]).unwrap();
    let (url, told) = chat().await;
    let secret = world.write("chat", &url);
    let text = std::fs::read_to_string(recipe("sync-question-to-chat")).unwrap();
    let text = text.replace("env:SLACK_WEBHOOK", &format!("file:{}", secret.display()));
    let file = world.write("chat.yaml", &text);

    let server = serve(&world, &world.config_text()).await;
    world.connect_both().await;
    let published = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");
    first_look(&world, "syncs").await;
    world.run(&["sync", "people", "--json"]).await.json();
    // the chat is on this machine, which nobody has allowed yet
    let path = "/api/v1/workflow-runs?workflow=sync-question-to-chat";
    let mut runs = Json::Null;
    wait_until("a run that failed", Duration::from_secs(120), async || {
        runs = world.api(&server, "GET", path).await.1;
        runs[0]["state"] == "failed"
    })
    .await;
    let note = runs[0]["note"].as_str().unwrap();
    assert!(note.contains("private"), "{note}");
    assert_eq!(told.lock().unwrap().len(), 0);

    let allowed = format!(
        "{}\nworkflows: {{allow_private_addresses: true}}\n",
        world.config_text()
    );
    let config = world.write("tandem.yaml", &allowed);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let id = runs[0]["id"].as_str().unwrap();
    let again = world
        .run(&["workflow", "replay", id, "--json"])
        .await
        .json();
    assert_eq!(again["state"], "done", "{again:#}");
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0]["text"]
            .as_str()
            .unwrap()
            .starts_with("people asks ("),
        "{told:#?}"
    );
    let shown = again.to_string();
    assert!(
        !shown.contains(&url),
        "who reads a run may not write to the chat: {shown}"
    );
}

/// A mail server that takes every message, and what it heard.
fn mail_server() -> (u16, std::sync::Arc<std::sync::Mutex<String>>) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let heard = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let kept = std::sync::Arc::clone(&heard);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut out = stream.try_clone().unwrap();
            let mut in_message = false;
            out.write_all(b"220 here\r\n").unwrap();
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { break };
                kept.lock().unwrap().push_str(&format!("{line}\n"));
                let said = match line.as_str() {
                    "." if in_message => {
                        in_message = false;
                        "250 taken\r\n"
                    }
                    _ if in_message => continue,
                    "DATA" => {
                        in_message = true;
                        "354 go on\r\n"
                    }
                    "QUIT" => "221 bye\r\n",
                    _ => "250 ok\r\n",
                };
                if out.write_all(said.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    (port, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_be_written_to_stands_in_an_email() {
    let world = World::start().await;
    let (port, heard) = mail_server();
    let mail = format!(
        "mail: {{host: 127.0.0.1, port: {port}, security: none, from: tandem@example.org}}\n"
    );
    let config = format!("{}\n{mail}", without_syncs(&world.config_text()));
    let server = serve(&world, &config).await;
    world.connect_office().await;
    for (name, status) in [
        ("Blum", "speicherungwiderrufen"),
        ("Keil", "speicherungzugestimmt"),
    ] {
        world.act(
            System::OnOffice,
            "create",
            json!({"fields": {"Name": name, "email": "x@example.org", "DSGVOStatus": status}}),
        );
    }
    let picks = ["office=office"];
    install(&world, "nightly-contacts-without-consent", &picks).await;
    // at night it begins by itself; a person can begin it, too
    let words = [
        "workflow",
        "run",
        "nightly-contacts-without-consent",
        "--json",
    ];
    let run = world.run(&words).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    let heard = heard.lock().unwrap();
    assert!(
        heard.contains("Subject: 1 contacts without consent"),
        "{heard}"
    );
    assert!(heard.contains("<office@example.org>"), "{heard}");
    drop(server);
}
