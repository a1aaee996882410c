//! Links by hand, answers to many questions, and answers that become rules, on the command line.

use sandbox::System;
use serde_json::json;

use crate::world::World;

/// The city of these people differs, and the rules say to ask.
async fn with_conflicts(names: &[&str], serve: bool) -> (World, Option<crate::world::Server>) {
    let world = World::start().await;
    let control = world.sandbox.control();
    for name in names {
        let email = format!("{name}@example.org");
        let left = json!({"firstName": name, "lastName": "Blum", "email": email,
            "postalCode": "10969", "city": "Berlin"});
        control.seed(System::HighLevel, &[left]).unwrap();
        let right =
            json!({"Vorname": name, "Name": "Blum", "email": email, "Plz": "53111", "Ort": "Bonn"});
        control.seed(System::OnOffice, &[right]).unwrap();
    }
    let config = world.config_text().replace(
        "            right: [Strasse, Plz, Ort]\n",
        "            right: [Strasse, Plz, Ort]\n            align: ask\n",
    );
    let config = world.write("tandem.yaml", &config);
    let config = config.to_str().unwrap().to_owned();
    let server = if serve {
        Some(world.serve_with(&["--config", &config]).await)
    } else {
        let applied = world.run(&["apply", &config]).await;
        assert_eq!(applied.code, 0, "{applied:#?}");
        None
    };
    world.connect_both().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    (world, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_for_many_and_an_answer_for_always() {
    let (world, _) = with_conflicts(&["anna", "berta", "clara"], false).await;
    let reviews = world
        .run(&["reviews", "--kind", "conflict", "--json"])
        .await
        .json();
    let reviews = reviews.as_array().unwrap();
    assert_eq!(reviews.len(), 3, "{reviews:#?}");
    let details = &reviews[0]["details"];
    let field = details["mapping"].as_str().unwrap();
    let by_field = ["resolve", "--sync", "people", "--field", field];

    let counted = [&by_field[..], &["left", "--dry-run", "--json"]].concat();
    let counted = world.run(&counted).await.json();
    assert_eq!(counted["answered"], 3, "{counted:#}");
    let wrong = [&by_field[..], &["apart", "--json"]].concat();
    let wrong = world.run(&wrong).await.json();
    assert_eq!(
        wrong["not_offered"].as_array().unwrap().len(),
        3,
        "{wrong:#}"
    );
    world
        .run(&["resolve", "--dry-run", "left"])
        .await
        .refused(1, &["TDM-S003", "filter"]);

    // One answer becomes the rule, and the other two follow from it.
    let id = reviews[0]["id"].as_str().unwrap();
    let said = world.run(&["resolve", id, "left", "--always"]).await;
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(
        said.out.contains("policy: left_owns") && said.out.contains("2 more"),
        "{said:#?}"
    );
    assert_eq!(world.run(&["reviews", "--json"]).await.json(), json!([]));
    let configs = world.run(&["config", "--json"]).await.json();
    assert_eq!(configs[0]["revision"], 2, "{configs:#}");
    assert!(
        world
            .run(&["config", "2"])
            .await
            .out
            .contains("policy: left_owns")
    );
    // And it can be taken back.
    let back = world.run(&["config", "1", "--back"]).await;
    assert_eq!(back.code, 0, "{back:#?}");
    let first = world.run(&["config", "1"]).await.out;
    assert_ne!(world.run(&["config", "2"]).await.out, first);
    assert_eq!(world.run(&["config", "3"]).await.out, first);
    world
        .run(&["config", "9"])
        .await
        .refused(1, &["TDM-Y007", "tandem config"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_is_read_from_a_file_says_which_lines_make_an_answer_a_rule() {
    let (world, server) = with_conflicts(&["anna"], true).await;
    let reviews = world.run(&["reviews", "--json"]).await.json();
    let id = reviews[0]["id"].as_str().unwrap();
    let said = world.run(&["resolve", id, "right", "--always"]).await;
    assert_eq!(said.code, 0, "{said:#?}");
    for words in ["tandem.yaml", "policy: right_owns", "no rule yet"] {
        assert!(said.out.contains(words), "no {words:?} in {said:#?}");
    }
    let configs = world.run(&["config", "--json"]).await.json();
    assert_eq!(configs.as_array().unwrap().len(), 1, "{configs:#}");
    assert_eq!(world.run(&["reviews", "--json"]).await.json(), json!([]));
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_written_to_a_file_and_read_from_it_and_a_wrong_one_is_split() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let left = json!({"firstName": "Anna", "lastName": "Blum", "email": "anna@example.org"});
    let left = control.seed(System::HighLevel, &[left]).unwrap().remove(0);
    let right = json!({"Vorname": "Anna", "Name": "Blum", "email": "anna@example.org"});
    let right = control.seed(System::OnOffice, &[right]).unwrap().remove(0);
    let config = world.config();
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();
    let exported = world.run(&["links", "export"]).await;
    assert_eq!(
        exported.out,
        format!("sync,entity,left,right\npeople,contact,{left},{right}\n")
    );

    let file = world.write(
        "bad.csv",
        &format!(
            "{}people,contact,nobody,{right}\npeople,contact,,1\n",
            exported.out
        ),
    );
    let bad = world
        .run(&["links", "import", file.to_str().unwrap()])
        .await;
    bad.refused(1, &["TDM-Y011", "line 4", "`left` is empty"]);
    let file = world.write(
        "bad.csv",
        &format!("{}people,contact,nobody,9999\n", exported.out),
    );
    let bad = world
        .run(&["links", "import", file.to_str().unwrap()])
        .await;
    bad.refused(1, &["TDM-Y011", "line 3", "nobody "]);
    let file = world.write("links.csv", &exported.out);
    let again = world
        .run(&["links", "import", file.to_str().unwrap(), "--json"])
        .await
        .json();
    assert_eq!(
        (&again["linked"], &again["already"]),
        (&json!(0), &json!(1)),
        "{again:#}"
    );

    let pair = ["people", "contact", left.as_str(), right.as_str()];
    let split = world
        .run(&[&["links", "split"], &pair[..], &["--leave"]].concat())
        .await;
    assert_eq!(split.code, 0, "{split:#?}");
    assert_eq!(
        world.run(&["links", "people", "--json"]).await.json(),
        json!([])
    );
    let decided = world
        .run(&["links", "decisions", "people", "--json"])
        .await
        .json();
    assert_eq!(decided[0]["decision"], "keep_apart", "{decided:#}");
    world
        .run(&[&["links", "split"], &pair[..]].concat())
        .await
        .refused(1, &["TDM-Y007", "are not linked"]);
    let forgotten = world.run(&[&["links", "forget"], &pair[..]].concat()).await;
    assert_eq!(forgotten.code, 0, "{forgotten:#?}");
    let linked = world
        .run(&["links", "import", file.to_str().unwrap(), "--json"])
        .await
        .json();
    assert_eq!(linked["linked"], 1, "{linked:#}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert_eq!(links[0]["how"], "imported", "{links:#}");
}

/// onOffice takes 80 characters of a name.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_values_that_do_not_fit_becomes_the_rule_of_the_field() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let mut people = Vec::new();
    for name in ["anna", "berta", "clara"] {
        let email = format!("{name}@example.org");
        let left = json!({"firstName": name, "lastName": "Heide", "email": email});
        people.extend(control.seed(System::HighLevel, &[left]).unwrap());
        let right = json!({"Vorname": name, "Name": "Heide", "email": email});
        control.seed(System::OnOffice, &[right]).unwrap();
    }
    let config = world.config_text().replace(
        "{left: lastName, right: Name}",
        "{left: lastName, right: Name, lossy: ask}",
    );
    assert!(config.contains("lossy: ask"), "{config}");
    let config = world.write("tandem.yaml", &config);
    let applied = world.run(&["apply", config.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();
    let long = format!("von und zu {}", "der Heide ".repeat(9).trim());
    for id in &people {
        let edit = json!({"id": id, "fields": {"lastName": long}});
        world.act(System::HighLevel, "edit_contact", edit);
    }
    let open = ["reviews", "--kind", "lossy", "--json"];
    let mut reviews = json!([]);
    for _ in 0..20 {
        world.run(&["sync", "people", "--json"]).await.json();
        reviews = world.run(&open).await.json();
        // the search of HighLevel shows edits late
        if reviews.as_array().unwrap().len() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert_eq!(reviews.as_array().unwrap().len(), 3, "{reviews:#}");
    let id = reviews[0]["id"].as_str().unwrap();
    world
        .run(&["resolve", id, "edit", "--always"])
        .await
        .refused(1, &["shorten", "leave"]);
    let many = ["resolve", "--kind", "lossy", "leave", "--dry-run", "--json"];
    assert_eq!(world.run(&many).await.json()["answered"], 3);
    let said = world.run(&["resolve", id, "leave", "--always"]).await;
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(
        said.out.contains("lossy: leave") && said.out.contains("2 more"),
        "{said:#?}"
    );
    assert_eq!(world.run(&open).await.json(), json!([]));
    world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(world.run(&open).await.json(), json!([]));
    let blocked = world.run(&["blocked", "--records", "--json"]).await.json();
    assert_eq!(blocked.as_array().unwrap().len(), 3, "{blocked:#}");
}
