//! Questions and their answers on the command line, and what every command says about itself.

use sandbox::System;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_shown_and_answered_and_the_answer_is_carried_out() {
    let world = World::start().await;
    let control = world.sandbox.control();
    world.act(
        System::HighLevel,
        "set_location",
        json!({"allowDuplicateContact": true}),
    );
    let anna = json!({"firstName": "Anna", "lastName": "Blum", "email": "blum@example.org"});
    let anna = control.seed(System::HighLevel, &[anna]).unwrap().remove(0);
    let peter = json!({"Vorname": "Peter", "Name": "Blum", "email": "blum@example.org"});
    let peter = control.seed(System::OnOffice, &[peter]).unwrap().remove(0);
    let _server = world.serve().await;
    world.connect_both().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    let reviews = world.run(&["reviews", "--json"]).await.json();
    let first = &reviews[0];
    assert_eq!(first["kind"], "ambiguous", "{reviews:#}");
    let shown = world.run(&["reviews"]).await;
    let id = first["id"].as_str().unwrap();
    assert!(
        shown.out.contains(id) && shown.out.contains("apart"),
        "{shown:#?}"
    );
    // ids of both, and no value of a person without being asked for
    assert!(!shown.out.contains("blum@example.org"), "{shown:#?}");
    let summary = first["summary"].as_str().unwrap();
    assert!(summary.contains(&anna), "{summary}");
    assert!(summary.contains(&format!("office {peter}")), "{summary}");

    world
        .run(&["resolve", id, "left"])
        .await
        .refused(1, &["TDM-Y005", "apart"]);
    for review in reviews.as_array().unwrap() {
        let ran = world
            .run(&["resolve", review["id"].as_str().unwrap(), "apart"])
            .await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    }
    world
        .run(&["resolve", id, "apart"])
        .await
        .refused(1, &["TDM-Y004"]);
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert_eq!(links.as_array().unwrap().len(), 2, "{links:#}");
    assert_eq!(world.run(&["reviews", "--json"]).await.json(), json!([]));
    let all = world.run(&["reviews", "--all", "--json"]).await.json();
    assert_eq!(all[0]["choice"], "apart", "{all:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_explains_itself_and_completes_in_every_shell() {
    let world = World::start().await;
    let help = world.run_bare(&["--help"]).await;
    assert_eq!(help.code, 0, "{help:#?}");
    let commands: Vec<&str> = help
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // what a command does may go on in a second line, further in
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 20, "{commands:?}");
    for command in &commands {
        let help = world.run_bare(&[command, "--help"]).await;
        assert_eq!(help.code, 0, "{help:#?}");
        assert!(help.out.contains("Usage: tandem"), "{help:#?}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.run_bare(&["completions", shell]).await;
        assert_eq!(script.code, 0, "{script:#?}");
        for command in ["resolve", "explain", "sandbox"] {
            assert!(script.out.contains(command), "{shell}: {command}");
        }
    }
    // and a shell that reads such a script offers what there is
    let script = world.run_bare(&["completions", "bash"]).await.out;
    let script = world.write("completions.bash", &script);
    for (typed, offered) in [
        ("tandem rev", "reviews"),
        ("tandem reviews --js", "--json"),
        ("tandem links dec", "decisions"),
        ("tandem init highlevel-off", "highlevel-officernd"),
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let last = words.len() - 1;
        let ask = format!(
            "source {}; COMP_WORDS=({typed}); COMP_CWORD={last}; _tandem tandem {} {}; echo \"${{COMPREPLY[*]}}\"",
            script.display(),
            words[last],
            words[last - 1],
        );
        let told = std::process::Command::new("bash")
            .args(["--norc", "-c", &ask])
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        assert_eq!(told.trim(), offered, "{typed}");
    }
    let wrong = world.run_bare(&["snyc"]).await;
    assert_eq!(wrong.code, 2, "{wrong:#?}");
    assert!(wrong.err.contains("sync"), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_can_be_put_off_and_answered_later() {
    let world = World::start().await;
    let control = world.sandbox.control();
    let left = json!({"firstName": "Anna", "lastName": "Blum", "email": "blum@example.org"});
    control.seed(System::HighLevel, &[left]).unwrap();
    let right = json!({"Vorname": "Peter", "Name": "Blum", "email": "blum@example.org"});
    control.seed(System::OnOffice, &[right]).unwrap();
    let _server = world.serve().await;
    world.connect_both().await;
    world.run(&["sync", "people", "--json"]).await.json();
    let reviews = world.run(&["reviews", "--json"]).await.json();
    let id = reviews[0]["id"].as_str().unwrap();
    let edits = || control.core().edits.last_sequence();
    let before = edits();

    let put_off = world.run(&["resolve", id, "postpone"]).await;
    assert_eq!(put_off.code, 0, "{put_off:#?}");
    let all = world.run(&["reviews", "--all", "--json"]).await.json();
    let state = |all: &serde_json::Value| {
        let of_it = all.as_array().unwrap().iter();
        let mut of_it = of_it.filter(|review| review["id"] == id);
        of_it.next().unwrap()["state"].clone()
    };
    assert_eq!(state(&all), "postponed", "{all:#}");
    // Nobody is asked again while nothing changes, and nothing is done meanwhile.
    world.run(&["sync", "people", "--json"]).await.json();
    let all = world.run(&["reviews", "--all", "--json"]).await.json();
    assert_eq!(state(&all), "postponed", "{all:#}");
    assert_eq!(edits(), before, "nothing was written");
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert_eq!(links, json!([]));
    // And it can still be answered.
    let answered = world.run(&["resolve", id, "apart"]).await;
    assert_eq!(answered.code, 0, "{answered:#?}");
    let all = world.run(&["reviews", "--all", "--json"]).await.json();
    assert_eq!(state(&all), "decided", "{all:#}");
}
