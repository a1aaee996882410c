//! Every entity beside contacts on the real binary: companies and appointments with onOffice, opportunities with OfficeRnD, and
//! consent through all three systems.

use sandbox::System;
use serde_json::{Value as Json, json};

use crate::{
    killed::quiet,
    world::{Server, World},
};

/// The config of the demo, with a block for each entity.
fn config(world: &World, calendar: &str) -> String {
    let people = format!(
        "    entities:
      company:
        fields:
          - {{left: name, right: Zusatz1}}
          - {{left: email, right: emails}}
        match: {{keys: [email]}}
      appointment:
        fields:
          - {{left: title, right: description}}
          - {{left: startTime, right: start_dt}}
          - {{left: endTime, right: end_dt}}
          - {{name: contact, left: contactId, right: contact}}
          - {{left: cancelled, right: abgesagt}}
          - {{name: calendar, left: calendarId, right: art, values: {{{calendar}: Besichtigung}}, default_left: {calendar}}}
        match: {{keys: []}}
      contact:
        scope:
          right:
            - {{field: Anrede, is_not: Firma}}
"
    );
    let members = "    entities:
      opportunity:
        fields:
          - {left: name, right: name}
          - {name: contact, left: contactId, right: member}
          - name: stage
            left: stage
            right: status
            values:
              \"Sales: New lead\": System status for open opportunities
              won: System status for won opportunities
        match: {keys: []}
";
    let text = world.config_of_three();
    let text = text
        .replacen("    entities:\n      contact:\n", &people, 1)
        .replacen(
            "          - {left: companyName, right: Zusatz1}\n",
            "          - {name: employer, left: businessId, right: company}\n",
            1,
        );
    let (before, of_members) = text.split_once("  members:\n").unwrap();
    let of_members = of_members.replacen("    entities:\n", members, 1);
    format!("{before}  members:\n{of_members}")
}

async fn run(world: &World, server: &Server) {
    for sync in ["people", "members"] {
        let run = world.run(&["sync", sync, "--json"]).await.json();
        assert_eq!(run["state"], "done", "{run:#}");
    }
    quiet(world, server).await;
}

fn things(world: &World, kind: &str) -> Vec<Json> {
    let all = world.act(System::HighLevel, "things", json!({"kind": kind}));
    all.as_array().unwrap().clone()
}

fn make(world: &World, kind: &str, fields: Json) -> String {
    let made = world.act(
        System::HighLevel,
        "make_thing",
        json!({"kind": kind, "fields": fields}),
    );
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_entity_crosses_and_consent_reaches_all_three_systems() {
    let world = World::start().await;
    let control = world.sandbox.control();
    for switch in ["highlevel.rate_limit", "officernd.rate_limit"] {
        control.core().switches.set(switch, &json!(false)).unwrap();
    }
    let calendar = make(&world, "calendar", json!({"name": "Viewings"}));
    let pipeline = things(&world, "pipeline")[0].clone();
    let werft = world.act(
        System::HighLevel,
        "create_business",
        json!({"name": "Werft", "email": "post@werft.example"}),
    );
    let anna = world.act(
        System::HighLevel,
        "create_contact",
        json!({"firstName": "Anna", "lastName": "Brandt", "email": "anna@brandt.example",
            "tags": ["coworking"], "dndSettings": {"Email": {"status": "active"}}}),
    );
    let anna = anna["id"].as_str().unwrap().to_owned();
    world.act(
        System::HighLevel,
        "set_business",
        json!({"id": anna, "businessId": werft["id"]}),
    );
    make(
        &world,
        "appointment",
        json!({"title": "Viewing", "contactId": anna, "calendarId": calendar, "appointmentStatus": "confirmed",
            "startTime": "2026-03-29T07:00:00Z", "endTime": "2026-03-29T08:00:00Z"}),
    );
    let deal = make(
        &world,
        "opportunity",
        json!({"name": "Two desks", "contactId": anna, "status": "open", "pipelineId": pipeline["id"],
            "pipelineStageId": pipeline["stages"][0]["id"]}),
    );
    let text = config(&world, &calendar);
    let file = world.write("tandem.yaml", &text);
    let server = world
        .serve_with(&["--config", file.to_str().unwrap()])
        .await;
    world.connect_both().await;
    world.connect_coworking().await;
    run(&world, &server).await;
    run(&world, &server).await;

    let people = control.held(System::OnOffice);
    let person = people
        .iter()
        .find(|held| held.last_name == "Brandt")
        .unwrap_or_else(|| panic!("{people:#?}"));
    assert!(person.refuses_mail, "{person:#?}");
    let firm = people
        .iter()
        .find(|held| held.company == "Werft")
        .unwrap_or_else(|| panic!("{people:#?}"));
    let number: u64 = person.id.parse().unwrap();
    let linked = world.act(
        System::OnOffice,
        "perform",
        json!({"action": "get", "resource": "idsfromrelation", "parameters": {"childids": [number],
            "relationtype": "urn:onoffice-de-ns:smart:2.5:relationTypes:address:contact:address"}}),
    );
    assert_eq!(
        linked["records"][0]["elements"][&person.id],
        json!([firm.id]),
        "{linked:#}"
    );
    let entered = world.act(
        System::OnOffice,
        "perform",
        json!({"action": "read", "resource": "calendar", "parameters": {
            "datestart": "2026-03-01", "dateend": "2026-04-30", "allusers": true}}),
    );
    let entered = &entered["records"][0]["elements"];
    assert_eq!(entered["start_dt"], "2026-03-29 09:00:00", "{entered:#}");
    assert_eq!(entered["assignedaddressids"], json!([number]));

    let member = control.held(System::OfficeRnd).pop().unwrap();
    assert!(member.refuses_mail, "{member:#?}");
    let deals = || {
        control.officernd(|state| {
            let all = state.all(sandbox::officernd::Kind::Opportunity).iter();
            all.map(|deal| {
                let status = state.get(
                    sandbox::officernd::Kind::OpportunityStatus,
                    deal.text("status"),
                );
                (
                    deal.text("name").to_owned(),
                    deal.text("member").to_owned(),
                    status.map(|status| status.text("description").to_owned()),
                )
            })
            .collect::<Vec<_>>()
        })
    };
    let status = |stage: &str| Some(format!("System status for {stage} opportunities"));
    let wanted = |stage| vec![("Two desks".to_owned(), member.id.clone(), status(stage))];
    assert_eq!(deals(), wanted("open"));

    world.act(
        System::HighLevel,
        "change_thing",
        json!({"kind": "opportunity", "id": deal, "fields": {"status": "won"}}),
    );
    run(&world, &server).await;
    assert_eq!(deals(), wanted("won"));

    let owners = world
        .run(&["fields", "marketing", "--users-of", "office"])
        .await;
    assert_eq!(owners.code, 0, "{owners:#?}");
    assert!(owners.out.starts_with("values:"), "{owners:#?}");
    assert_eq!(server.stop(), 0);
}
