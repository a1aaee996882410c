//! The judge on three living systems.

use std::collections::BTreeMap;

use sandbox::System;
use sandbox::judge::{
    Carried, Entity, Field, Findings, History, Place, Question, Rules, Terms, What, examine,
};
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
        ((System::HighLevel, Entity::People), vec![business]),
        ((System::OfficeRnd, Entity::People), companies),
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
    let findings = examine(&held, &[question], None, &History::default());
    assert_eq!(differences(&findings), [[What::Field(Field::City)]]);
    assert!(findings.syncs[0].without_counterpart.right.is_empty());
}

#[tokio::test]
async fn companies_agree_and_people_belong_to_their_counterparts() {
    let client = Client::quiet(&[]).await;
    let control = &client.control;
    let seed = |system: System, record| control.seed(system, &[record]).unwrap().remove(0);
    let highlevel = |act: &str, input| control.act(System::HighLevel, act, &input).unwrap();
    let id = |shown: &serde_json::Value| shown["id"].as_str().unwrap().to_owned();

    let mut companies = Vec::new();
    for name in ["Acme", "Bloom"] {
        let body = json!({"name": name, "address": {"city": "Köln", "country": "Germany"}});
        let company = client.create("/companies", body).await;
        let fields = json!({"name": name, "city": "Köln", "country": "DE"});
        companies.push((id(&highlevel("create_business", fields)), company));
    }
    let mut people = Vec::new();
    for (name, company) in [("Ann Lee", "Acme"), ("Bo Ek", "Bloom"), ("Cy Lo", "")] {
        let (first, last) = name.split_once(' ').unwrap();
        let mut contact = json!({"firstName": first, "lastName": last});
        let mut member = json!({"name": name});
        if !company.is_empty() {
            contact["businessName"] = json!(company);
            member["companyName"] = json!(company);
        }
        people.push((
            seed(System::HighLevel, contact),
            seed(System::OfficeRnd, member),
        ));
    }
    let questions = [
        Question {
            terms: Terms::highlevel_officernd(true).with_company_links(),
            pairs: people.clone(),
        },
        Question {
            terms: Terms::highlevel_officernd_companies(),
            pairs: companies.clone(),
        },
    ];
    let judge = || control.judge_syncs(&questions, None);
    assert!(judge().agree(), "{:?}", judge());
    assert_eq!(judge().syncs[1].pairs, 2);

    // a person in the counterpart of another company, and one in a company on one side alone
    highlevel(
        "set_business",
        json!({"id": people[0].0, "businessId": companies[1].0}),
    );
    highlevel(
        "set_business",
        json!({"id": people[2].0, "businessId": companies[0].0}),
    );
    let link = What::Carried("company".to_owned());
    assert_eq!(differences(&judge()), [vec![link.clone(), link], vec![]]);
    highlevel(
        "set_business",
        json!({"id": people[0].0, "businessId": companies[0].0}),
    );
    highlevel(
        "set_business",
        json!({"id": people[2].0, "businessId": null}),
    );
    assert!(judge().agree());

    // a company's own fields, and one without counterpart: whoever is in it can be linked to nothing
    highlevel(
        "edit_business",
        json!({"id": companies[0].0, "fields": {"city": "Bonn"}}),
    );
    let edit = json!({"id": people[2].0, "fields": {"businessName": "Alone"}});
    highlevel("edit_contact", edit);
    let findings = judge();
    assert_eq!(
        differences(&findings),
        [vec![], vec![What::Field(Field::City)]]
    );
    assert_eq!(findings.syncs[1].without_counterpart.left.len(), 1);

    // one more of a name that a client makes, while the first has a counterpart
    let pairs = vec![companies[1].clone()];
    let found = findings.duplicates;
    assert!(found.is_empty(), "{found:?}");
    let twin = client.create("/companies", json!({"name": "acme"})).await;
    let findings = judge();
    assert_eq!(findings.duplicates.len(), 1);
    let found = &findings.duplicates[0];
    assert_eq!((&found.id, &found.of), (&twin, &companies[0].1));

    let asked = json!({"syncs": [
        {"left": "highlevel", "right": "officernd", "pairs": people, "fields": ["name"], "company_links": true},
        {"left": "highlevel", "right": "officernd", "pairs": pairs, "fields": ["name"], "entity": "companies"}]});
    let request = http::Request::post("/_sandbox/judge").body(asked.to_string().into());
    let answer = client.raw(request.unwrap()).await.body;
    let syncs = &answer["findings"]["syncs"];
    assert_eq!(
        (&syncs[0]["entity"], &syncs[1]["entity"]),
        (&json!("people"), &json!("companies"))
    );
    assert_eq!(
        (&syncs[0]["compared"], &syncs[1]["pairs"]),
        (&json!(6), &json!(1))
    );
    let broken = &syncs[0]["disagreements"];
    assert_eq!(
        broken,
        &json!([]),
        "companies that nobody called a pair count as none"
    );
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
