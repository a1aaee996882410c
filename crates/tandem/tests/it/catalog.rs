//! `tandem catalog` and `tandem call` on the real binary.

use sandbox::System;
use serde_json::json;

use crate::world::World;

/// A twin in another version, an alias and a discouraged form count once; so many different ones are asked for at least.
#[tokio::test(flavor = "multi_thread")]
async fn each_system_can_do_as_many_different_things_as_are_promised() {
    let world = World::start().await;
    let counted = world.run(&["catalog", "--counts", "--json"]).await.json();
    let of = |system: &str, what: &str| {
        let rows = counted.as_array().unwrap();
        let row = rows.iter().find(|row| row["system"] == system).unwrap();
        row[what].as_u64().unwrap()
    };
    let both = of("highlevel", "actions") + of("highlevel", "triggers");
    assert!(
        of("highlevel", "actions") >= 100 && both >= 126,
        "{counted:#}"
    );
    assert!(of("onoffice", "pairs") >= 57, "{counted:#}");
    assert!(of("officernd", "actions") >= 100, "{counted:#}");
    // the page of the docs says the same
    let page = include_str!("../../../../docs/catalog.md");
    for (system, title) in [
        ("highlevel", "HighLevel"),
        ("onoffice", "onOffice enterprise"),
        ("officernd", "OfficeRnD Flex"),
    ] {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| [{title}]")))
            .unwrap();
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[3], of(system, "actions").to_string(), "{row}");
    }
    // and so does every other that says how many pairs there are
    let said: Vec<String> = ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "docs"]
        .iter()
        .flat_map(|place| pages(&root().join(place)))
        .flat_map(|page| numbers_of_pairs(&std::fs::read_to_string(page).unwrap()))
        .collect();
    let pairs = of("onoffice", "pairs").to_string();
    assert!(said.len() >= 2, "{said:?}");
    assert!(
        said.iter().all(|said| *said == pairs),
        "{said:?}, not {pairs}"
    );
    let shown = world.run(&["catalog", "onoffice", "--counts"]).await;
    assert!(shown.out.contains("DIFFERENT TRIGGERS"), "{shown:#?}");
    assert!(!shown.out.contains("highlevel"), "{shown:#?}");
}

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A page, or those of a folder, however deep.
fn pages(place: &std::path::Path) -> Vec<std::path::PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let inside = std::fs::read_dir(place).unwrap();
    let inside = inside.map(|entry| entry.unwrap().path());
    let is_page = |path: &std::path::PathBuf| {
        path.is_dir() || path.extension().is_some_and(|ending| ending == "md")
    };
    inside
        .filter(is_page)
        .flat_map(|path| pages(&path))
        .collect()
}

/// The numbers before "pairs of an action and a resource".
fn numbers_of_pairs(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let phrase = ["pairs", "of", "an", "action", "and", "a"];
    let found = words.windows(phrase.len()).enumerate();
    let found = found.filter(|(_, words)| **words == phrase);
    found
        .filter_map(|(at, _)| {
            let before = words[..at].iter().rev().find(|word| **word != "different");
            before
                .filter(|word| word.chars().all(|letter| letter.is_ascii_digit()))
                .map(|word| (*word).to_owned())
        })
        .collect()
}

/// Nobody has to guess whether a scope was forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn each_says_what_it_needs_or_that_nothing_is_documented() {
    let world = World::start().await;
    for (system, id, needs) in [
        ("highlevel", "contacts.bulk.tags", "needs: none documented"),
        (
            "highlevel",
            "locations.tags.delete",
            "needs: locations/tags.write",
        ),
        ("highlevel", "app.installed", "needs: none documented"),
        ("onoffice", "fields.get", "needs: none documented"),
        ("onoffice", "log.read", "needs: administrator"),
    ] {
        let shown = world.run(&["catalog", system, id]).await;
        assert!(shown.out.contains(needs), "{shown:#?}");
    }
    for system in ["highlevel", "onoffice", "officernd"] {
        for page in pages(&root().join("docs/catalog").join(system)) {
            if page.ends_with("README.md") {
                continue;
            }
            let text = std::fs::read_to_string(&page).unwrap();
            let row = text
                .lines()
                .find_map(|line| line.strip_prefix("| needs | "));
            let row = row.unwrap_or_else(|| panic!("{}", page.display()));
            let named = row.starts_with('`') || row.starts_with("none documented");
            assert!(named, "{}: {row}", page.display());
        }
    }
}

/// Webhooks reach the program that listens; what is not told is found by asking, and needs no server.
#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_is_listened_to_while_it_happens() {
    let world = World::start().await;
    let asked = world
        .run(&["catalog", "highlevel", "contact.created"])
        .await;
    assert!(asked.out.contains("told by webhook"), "{asked:#?}");
    let server = world.serve().await;
    world.connect_both().await;
    let hooks = json!({"webhookUrl": format!("{}/hooks/highlevel", server.url)});
    world.act(System::HighLevel, "configure_app", hooks);
    let listens = world.run(&["listen", "marketing", "contact.created", "--count", "1"]);
    let happens = async {
        // until somebody listens, nothing is kept
        for number in 0..40 {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let who = json!({"firstName": format!("Anna{number}")});
            let control = world.sandbox.control();
            control
                .act(System::HighLevel, "create_contact", &who)
                .unwrap();
        }
        std::future::pending::<()>().await;
    };
    let heard = tokio::select! {
        heard = listens => heard,
        () = happens => unreachable!(),
    };
    let heard = heard.json();
    assert_eq!(heard["trigger"], "contact.created");
    assert!(
        heard["item"]["firstName"]
            .as_str()
            .unwrap()
            .starts_with("Anna"),
        "{heard}"
    );
    assert!(heard["item"]["webhookId"].is_null(), "no envelope: {heard}");
    world
        .run(&["listen", "marketing", "contact.exploded"])
        .await
        .refused(1, &["TDM-O001"]);
    server.stop();
    world
        .run(&["listen", "marketing", "contact.created"])
        .await
        .refused(1, &["no server runs"]);
}

/// What Tandem made goes with it, once somebody agreed.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_disconnected_and_what_was_made_there_is_gone() {
    let world = World::start().await;
    let text = world.config_text();
    let text = text.replacen(
        "    settings:\n",
        "    settings:\n      make_fields: true\n",
        1,
    );
    assert!(text.contains("make_fields"));
    let config = world.write("making.yaml", &text);
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    world.connect_both().await;
    let made = world
        .run(&["add-field", "marketing", "Key of ours", "--json"])
        .await
        .json();
    let field = made["field"].as_str().unwrap();
    let fields = || {
        let state = world.sandbox.control().dump(System::HighLevel);
        state.to_string().contains("Key of ours")
    };
    assert!(fields());
    // asked for once more it is found, and not made a second time
    let again = world.run(&["add-field", "marketing", "key of OURS "]).await;
    assert_eq!(again.code, 0, "{again:#?}");
    assert_eq!(again.out.trim(), field);
    assert!(again.err.contains("nothing was made"), "{again:#?}");
    let asked = world.run(&["disconnect", "marketing"]).await;
    assert_eq!(asked.code, 1, "nobody agreed: {asked:#?}");
    assert!(
        asked.out.contains(field) && asked.out.contains("stops"),
        "{asked:#?}"
    );
    assert!(fields(), "nothing was done");
    let done = world
        .run(&["disconnect", "marketing", "--yes", "--json"])
        .await
        .json();
    assert_eq!(done["fields"][0]["field"], field);
    assert!(!fields(), "the field is still there");
    let status = world.run(&["status"]).await;
    assert!(status.out.contains("red: stopped"), "{status:#?}");
    server.stop();
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let status = world.run(&["status"]).await;
    assert!(
        status.out.contains("red: stopped"),
        "it stays so: {status:#?}"
    );
    world.connect_both().await;
    let status = world.run(&["status"]).await;
    assert!(!status.out.contains("red: stopped"), "{status:#?}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_found_shown_and_done_and_bad_input_is_told_before_anything_is_sent() {
    let world = World::start().await;
    let listed = world
        .run(&["catalog", "highlevel", "--search", "task", "--json"])
        .await
        .json();
    let ids: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["operation"].as_str().unwrap())
        .collect();
    assert!(
        ids.contains(&"contacts.tasks.create") && !ids.contains(&"businesses.get"),
        "{ids:?}"
    );
    let shown = world
        .run(&["catalog", "highlevel", "contacts.tasks.create"])
        .await;
    assert!(shown.out.contains("dueDate (needed)"), "{shown:#?}");
    world
        .run(&["catalog", "highlevel", "contacts.explode"])
        .await
        .refused(1, &["TDM-O001"]);

    let server = world.serve().await;
    world.connect_both().await;
    let sent = || {
        format!(
            "{:?}",
            world
                .sandbox
                .control()
                .core()
                .counts
                .totals(System::HighLevel)
        )
    };
    let before = sent();
    world
        .run(&[
            "call",
            "marketing",
            "contacts.create",
            "--input",
            "firstname=Anna",
            "--input",
            "dnd=perhaps",
        ])
        .await
        .refused(
            1,
            &[
                "TDM-O002",
                "`firstname` is not known here; did you mean `firstName`?",
                "`dnd` is text; it must be `true` or `false`",
            ],
        );
    world
        .run(&["call", "marketing", "contacts.explode"])
        .await
        .refused(1, &["TDM-O001"]);
    world
        .run(&["call", "nobody", "contacts.get"])
        .await
        .refused(4, &["TDM-K001"]);

    let words = ["--input", "firstName=Anna", "--input", "tags=one,two"];
    let create = [&["call", "marketing", "contacts.create"][..], &words].concat();
    let dry = world
        .run(&[&create[..], &["--dry-run", "--json"]].concat())
        .await
        .json();
    assert_eq!(dry["method"], "POST");
    assert!(
        dry["url"]
            .as_str()
            .unwrap()
            .ends_with("/highlevel/contacts/"),
        "{dry}"
    );
    assert_eq!(dry["body"]["tags"], json!(["one", "two"]));
    assert!(dry["body"]["locationId"].is_string(), "filled in: {dry}");
    let headers = dry["headers"].as_array().unwrap();
    assert!(
        headers.contains(&json!(["authorization", "[secret]"])),
        "{dry}"
    );
    assert!(headers.contains(&json!(["version", "2021-07-28"])), "{dry}");
    assert_eq!(sent(), before, "nothing was sent");

    let made = world.run(&create).await.json();
    let id = made["contact"]["id"].as_str().unwrap();
    let read = world
        .run(&[
            "call",
            "marketing",
            "contacts.get",
            "--input",
            &format!("contactId={id}"),
        ])
        .await
        .json();
    assert_eq!(read["contact"]["firstName"], "Anna");
    let calls = world
        .run(&["calls", "--operation", "contacts.create", "--json"])
        .await
        .json();
    assert_eq!(calls.as_array().unwrap().len(), 1, "{calls}");
    world
        .run(&[
            "call",
            "marketing",
            "contacts.get",
            "--input",
            "contactId=nobody",
        ])
        .await
        .refused(1, &["TDM-O003", "Contact not found"]);
    server.stop();
}

/// A small API: the part of the simulated HighLevel that is needed here, in the words of OpenAPI.
const DOCUMENT: &str = r##"{
  "openapi": "3.0.3",
  "info": {"title": "A CRM", "version": "1"},
  "security": [{"token": []}],
  "paths": {
    "/contacts/": {"post": {"tags": ["people"], "operationId": "add-person", "summary": "Add a person",
      "parameters": [{"$ref": "#/components/parameters/version"}],
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
      "responses": {"201": {"description": "made"}}}},
    "/contacts/{contactId}": {
      "parameters": [{"$ref": "#/components/parameters/version"},
        {"name": "contactId", "in": "path", "required": true, "schema": {"type": "string"}}],
      "get": {"tags": ["people"], "operationId": "get-person", "responses": {"200": {"description": "there"}}}},
    "/photos": {"post": {"requestBody": {"required": true, "content": {"multipart/form-data": {}}}, "responses": {}}}
  },
  "components": {
    "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    "parameters": {"version": {"name": "Version", "in": "header", "required": true,
      "schema": {"type": "string", "enum": ["2021-07-28"]}}},
    "schemas": {"New": {"allOf": [{"$ref": "#/components/schemas/Named"},
      {"type": "object", "required": ["locationId"], "properties": {"locationId": {"type": "string"}}}]},
      "Named": {"type": "object", "properties": {"firstName": {"type": "string", "nullable": true}}}}
  }
}"##;

/// The same in YAML, one call of it.
const IN_YAML: &str = "
openapi: 3.1.0
info: {title: Places, version: '1'}
security: [{token: []}]
paths:
  /locations/{id}:
    get:
      operationId: get-place
      tags: [places]
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: Version, in: header, required: true, schema: {type: string}}
      responses:
        200: {description: there}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
";

/// A server takes a system that is imported while it runs, with the next config that names it.
async fn while_it_runs(world: &World, config: &str, access: &serde_json::Value, field: &str) {
    let document = world.write("places.yaml", IN_YAML);
    let import = [
        "catalog",
        "import",
        document.to_str().unwrap(),
        "--name",
        "places",
    ];
    let imported = world.run(&import).await;
    assert_eq!(imported.code, 0, "{imported:#?}");
    let config = config
        .replace("  mine:", "  places:")
        .replace("system: crm", "system: places");
    let config = world.write("places-config.yaml", &config);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let connected = world.run(&["connect", "places", "--field", field]).await;
    assert_eq!(connected.code, 0, "{connected:#?}");
    let id = &access["mainLocationId"];
    let input = json!({"Version": "2021-07-28", "id": id}).to_string();
    let get = ["call", "places", "places.get_place", "--input", &input];
    let read = world.run(&get).await.json();
    assert_eq!(read["location"]["id"], *id);
}

/// Operations that were imported are steps like any other.
async fn in_a_workflow(world: &World, location: &serde_json::Value) {
    let workflow = json!({"version": 1, "name": "own", "trigger": {"manual": {}}, "steps": [
        {"id": "add", "operation": {"connection": "mine", "operation": "people.add_person",
            "input": {"Version": "2021-07-28", "locationId": location, "firstName": "{{ trigger.name }}"}}},
        {"id": "get", "operation": {"connection": "mine", "operation": "people.get_person",
            "input": {"Version": "2021-07-28", "contactId": "{{ steps.add.contact.id }}"}}},
        {"id": "told", "stop": {"result": {"name": "{{ steps.get.contact.firstName }}"}}},
    ]});
    let wrong = workflow.to_string().replace("get_person", "got_person");
    let file = world.write("wrong.json", &wrong);
    let refused = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    refused.refused(1, &["people.got_person"]);
    let file = world.write("own.json", &workflow.to_string());
    let published = world
        .run(&["workflow", "publish", file.to_str().unwrap()])
        .await;
    assert_eq!(published.code, 0, "{published:#?}");
    let input = json!({"name": "Berta"}).to_string();
    let words = ["workflow", "run", "own", "--input", &input, "--json"];
    let ran = world.run(&words).await.json();
    assert_eq!(ran["result"], json!({"name": "Berta"}), "{ran:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_of_ones_own_is_imported_and_called() {
    let world = World::start().await;
    let file = world.write("crm.json", DOCUMENT);
    let file = file.to_str().unwrap();
    let import = |name: &'static str| ["catalog", "import", file, "--name", name];
    world
        .run(&import("highlevel"))
        .await
        .refused(1, &["TDM-O005", "none that Tandem has already"]);
    let broken = world.write("broken.yaml", "openapi: [3\n");
    world
        .run(&[
            "catalog",
            "import",
            broken.to_str().unwrap(),
            "--name",
            "crm",
        ])
        .await
        .refused(1, &["TDM-O005", "neither JSON nor YAML"]);
    let imported = world
        .run(&[&import("crm")[..], &["--json"]].concat())
        .await
        .json();
    assert_eq!(
        (&imported["operations"], &imported["auth"]),
        (&json!(2), &json!("token"))
    );
    assert_eq!(imported["left_out"][0]["call"], "POST /photos");
    let listed = world.run(&["catalog", "crm", "--json"]).await.json();
    let ids = |place: usize| listed[place]["operation"].as_str().unwrap().to_owned();
    assert_eq!([ids(0), ids(1)], ["people.add_person", "people.get_person"]);

    let text = format!(
        "version: 1\nlisten: 127.0.0.1:0\nconnections:\n  mine:\n    system: crm\n    base_url: {}/highlevel\n    \
         allow_private_addresses: true\n    auth:\n      scheme: token\nsyncs: {{}}\n",
        world.sandbox.url()
    );
    let config = world.write("own.yaml", &text);
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let token = access["privateToken"].as_str().unwrap();
    let file = world.write("token", token);
    let field = format!("token=file:{}", file.display());
    let connected = world.run(&["connect", "mine", "--field", &field]).await;
    assert_eq!(connected.code, 0, "{connected:#?}");

    let input = json!({"Version": "2021-07-28", "locationId": access["mainLocationId"], "firstName": "Anna"});
    let input = input.to_string();
    let add = ["call", "mine", "people.add_person", "--input", &input];
    let dry = world
        .run(&[&add[..], &["--dry-run", "--json"]].concat())
        .await
        .json();
    assert!(
        dry["headers"]
            .as_array()
            .unwrap()
            .contains(&json!(["authorization", "[secret]"])),
        "{dry}"
    );
    assert_eq!(
        dry["body"],
        json!({"locationId": access["mainLocationId"], "firstName": "Anna"})
    );
    let made = world.run(&add).await.json();
    let input = json!({"Version": "2021-07-28", "contactId": made["contact"]["id"]}).to_string();
    let get = ["call", "mine", "people.get_person", "--input", &input];
    let read = world.run(&get).await.json();
    assert_eq!(read["contact"]["firstName"], "Anna");
    in_a_workflow(&world, &access["mainLocationId"]).await;
    let input = json!({"Version": "1", "contactId": "nobody"}).to_string();
    world
        .run(&["call", "mine", "people.get_person", "--input", &input])
        .await
        .refused(
            1,
            &[
                "TDM-O002",
                "`Version` is `1`; it must be one of `2021-07-28`",
            ],
        );
    let input = json!({"Version": "2021-07-28", "contactId": "nobody"}).to_string();
    world
        .run(&["call", "mine", "people.get_person", "--input", &input])
        .await
        .refused(1, &["TDM-O003", "Contact not found"]);
    while_it_runs(&world, &text, &access, &field).await;
    server.stop();
}
