//! The judge on three living systems.

use std::collections::BTreeMap;

use sandbox::System;
use sandbox::judge::{Carried, Field, Findings, Place, Question, Rules, Terms, What, examine};
use sandbox::people::{Population, Side};
use serde_json::json;

use super::client::Client;

fn differences(findings: &Findings) -> Vec<Vec<What>> {
    let of = |sync: &sandbox::judge::Agreement| {
        sync.disagreements
            .iter()
            .map(|each| each.what.clone())
            .collect()
    };
    findings.syncs.iter().map(of).collect()
}

#[tokio::test]
async fn edits_echoes_and_duplicates_in_three_systems() {
    let client = Client::quiet(&[("officernd.put_profile", json!("2026-10"))]).await;
    let control = &client.control;
    let seed = |system: System, record| control.seed(system, &[record]).unwrap().remove(0);
    let contact = seed(
        System::HighLevel,
        json!({"firstName": "Zoë", "lastName": "Küng", "email": "zoe@example.org", "phone": "+41791234567",
            "country": "CH", "companyName": "Küng AG", "tags": ["VIP"]}),
    );
    let address = seed(
        System::OnOffice,
        json!({"Vorname": "Zoë", "Name": "Küng", "email": "zoe@example.org", "phone": "+41791234567",
            "Land": "CHE", "Zusatz1": "Küng AG"}),
    );
    let member = seed(
        System::OfficeRnd,
        json!({"name": "Zoë Küng", "email": "ZOE@example.org", "phone": "079 123 45 67",
            "companyName": "Küng AG", "tags": ["vip"], "address": {"country": "Switzerland"}}),
    );
    let questions = [
        Question {
            terms: Rules::default().terms(),
            pairs: vec![(contact.clone(), address)],
        },
        Question {
            terms: Terms::highlevel_officernd(true),
            pairs: vec![(contact, member.clone())],
        },
    ];
    let judge = || control.judge_syncs(&questions, None);
    assert!(judge().agree(), "{:?}", judge());

    client.act(
        "edit_member",
        json!({"id": member, "fields": {"name": "Zoe Küng", "phone": "1"}}),
    );
    client.act("add_tags", json!({"id": member, "tags": ["Messe"]}));
    let expected = [Field::Phone, Field::Tags, Field::Name].map(What::Field);
    assert_eq!(differences(&judge()), [vec![], expected.to_vec()]);

    let path = format!("/members/{member}");
    let body = json!({"name": "Zoë Küng", "phone": "079 123 45 67", "tags": ["VIP"]});
    assert_eq!(client.put(&path, body.clone()).await.status, 200);
    assert_eq!(judge().echo_writes.get(&System::OfficeRnd), None);
    assert_eq!(client.put(&path, body).await.status, 200);
    let findings = judge();
    assert!(findings.agree(), "{findings:?}");
    assert_eq!(findings.echo_writes[&System::OfficeRnd], 1);

    let twin = client
        .create(
            "/members",
            json!({"name": "Küng Zoë", "email": "zoe@example.org"}),
        )
        .await;
    let findings = judge();
    assert_eq!(findings.duplicates.len(), 1);
    assert_eq!(
        (&findings.duplicates[0].id, findings.duplicates[0].findable),
        (&twin, true)
    );
    assert_eq!(findings.syncs[1].without_counterpart.right, [twin]);
}

#[tokio::test]
async fn the_shipped_population_stands_in_all_three() {
    let client = Client::quiet(&[]).await;
    let population = Population::shipped();
    let truth = client.control.populate(&population).unwrap();
    let question = Question {
        terms: Terms::highlevel_officernd(false),
        pairs: Vec::new(),
    };
    let findings = client.control.judge_syncs(&[question], Some(&truth));
    assert_eq!(
        findings.syncs[0].without_counterpart.right.len(),
        population.rows(Side::OfficeRnd).len()
    );
    assert!(
        findings.duplicates.is_empty(),
        "what was there before is nobody's doing"
    );
    let held = client.control.held(System::OfficeRnd);
    for (member, row) in held.iter().zip(population.rows(Side::OfficeRnd)) {
        assert_eq!(member.name, row.record["name"].as_str().unwrap());
        let company = row.record["companyName"].as_str().unwrap_or_default();
        assert_eq!(member.company, company);
        assert_eq!(
            truth.person(System::OfficeRnd, &member.id),
            Some(row.person)
        );
    }
}

#[tokio::test]
async fn companies_can_be_examined_like_people() {
    let client = Client::quiet(&[]).await;
    let body = json!({"name": "Acme", "address": {"city": "Köln"}, "properties": {"crm_id": "b1"}});
    let id = client.create("/companies", body).await;
    let twin = client.create("/companies", json!({"name": "Acme"})).await;
    client.delete(&format!("/companies/{twin}")).await;
    let now_ms = client.control.core().clock.now_ms();
    let companies = client
        .control
        .officernd(|state| sandbox::judge::officernd_companies(state, now_ms));
    let business = sandbox::judge::Held {
        id: "b1".to_owned(),
        name: "Acme".to_owned(),
        city: "Bonn".to_owned(),
        ..Default::default()
    };
    let held = BTreeMap::from([
        (System::HighLevel, vec![business]),
        (System::OfficeRnd, companies),
    ]);
    let mut terms = Terms::highlevel_officernd(false);
    terms.carried = vec![Carried {
        name: "business".to_owned(),
        left: Place::Id,
        right: Place::Custom("crm_id".to_owned()),
    }];
    let question = Question {
        terms,
        pairs: vec![("b1".to_owned(), id)],
    };
    let findings = examine(&held, &[question], None);
    assert_eq!(differences(&findings), [[What::Field(Field::City)]]);
    assert!(findings.syncs[0].without_counterpart.right.is_empty());
}

#[tokio::test]
async fn the_judge_answers_over_http() {
    let client = Client::quiet(&[]).await;
    let control = &client.control;
    let contact = control
        .seed(
            System::HighLevel,
            &[json!({"firstName": "Ann", "lastName": "Lee"})],
        )
        .unwrap()
        .remove(0);
    let member = control
        .seed(
            System::OfficeRnd,
            &[json!({"name": "Ann Lee", "properties": {"crm_id": contact}})],
        )
        .unwrap()
        .remove(0);
    let ask = async |body: serde_json::Value| {
        let request = http::Request::post("/_sandbox/judge").body(body.to_string().into());
        client.raw(request.unwrap()).await
    };
    let sync = json!({"left": "highlevel", "right": "officernd", "pairs": [[contact, member]],
        "fields": ["name"], "carried": [{"name": "id", "left": "id", "right": {"custom": "crm_id"}}]});
    let answer = ask(json!({"syncs": [sync]})).await;
    assert_eq!(answer.body["agree"], true, "{}", answer.body);
    assert_eq!(answer.body["findings"]["syncs"][0]["compared"], 2);
    client.act(
        "edit_member",
        json!({"id": member, "fields": {"name": "Ann"}}),
    );
    let answer = ask(json!({"syncs": [sync]})).await;
    assert_eq!(
        answer.body["findings"]["syncs"][0]["disagreements"],
        json!([{"left": contact, "right": member, "what": "name", "says": {"left": "Ann Lee", "right": "Ann"}}])
    );
    let wrong = json!({"syncs": [{"left": "onoffice", "right": "officernd", "pairs": []}]});
    assert_eq!(ask(wrong).await.status, 400);
}
