//! The judge on two living systems.

use sandbox::judge::{Break, Field, Pair, Rules};
use sandbox::people::{Population, Side};
use sandbox::{Control, System};
use serde_json::{Value, json};

use super::{Office, modify};

fn act(control: &Control, system: System, act: &str, input: Value) -> Value {
    control.act(system, act, &input).unwrap()
}

#[tokio::test]
async fn edits_on_either_side_are_seen_and_echoes_counted() {
    let office = Office::open();
    let control = office.sandbox.control();
    let contact = json!({"firstName": "Zoë", "lastName": "Küng", "email": "ZOE@example.org", "phone": "079 123 45 67",
        "country": "CH", "city": "Bern", "dateOfBirth": "1990-05-01", "tags": ["Kunde", "VIP"], "companyName": "Küng AG"});
    let address = json!({"Vorname": "Zoë", "Name": "Küng ", "email": "zoe@example.org", "phone": "+41 79 123 45 67",
        "Land": "CHE", "Ort": "Bern", "Geburtsdatum": "1990-05-01", "ArtDaten": ["Kunde"], "Zusatz1": "Küng AG"});
    let left = control
        .seed(System::HighLevel, &[contact])
        .unwrap()
        .remove(0);
    let right = office.seed(&[address])[0];
    let pairs = [Pair {
        highlevel: left.clone(),
        onoffice: right.to_string(),
    }];
    let rules = Rules {
        company_is_create_only: false,
        ..Rules::default()
    };
    let judge = || control.judge(&pairs, &rules, None);
    let fields = || {
        judge()
            .disagreements
            .iter()
            .map(|each| each.field)
            .collect::<Vec<_>>()
    };
    assert!(judge().agree(), "{:?}", judge());

    act(
        &control,
        System::HighLevel,
        "edit_contact",
        json!({"id": left, "fields": {"city": "Luzern", "phone": "+41791234568"}}),
    );
    assert_eq!(fields(), [Field::Phone, Field::City]);
    office.ok(&modify(right, json!({"Ort": "Luzern", "mobile": {"action": "modify", "oldvalue": "+41 79 123 45 67", "newvalue": "079 123 45 68"}}))).await;
    assert!(judge().agree());
    assert_eq!(judge().echo_writes.onoffice, 0);
    office.ok(&modify(right, json!({"Ort": "Luzern"}))).await;
    assert_eq!(judge().echo_writes.onoffice, 1);

    act(
        &control,
        System::OnOffice,
        "edit",
        json!({"id": right, "fields": {"ArtDaten": ["Makler"], "Zusatz1": "Neu AG",
        "Geburtsdatum": "", "Email": "z@example.org"}}),
    );
    assert_eq!(
        fields(),
        [Field::Email, Field::Birthday, Field::Company, Field::Tags]
    );
    act(&control, System::OnOffice, "delete", json!({"id": right}));
    assert_eq!(judge().broken_pairs[0].why, Break::OnofficeGone);
    act(
        &control,
        System::HighLevel,
        "delete_contact",
        json!({"id": left}),
    );
    assert_eq!(judge().broken_pairs[0].why, Break::HighlevelGone);
    assert!(!judge().agree());
}

#[tokio::test]
async fn a_shipped_population_is_judged_with_its_truth() {
    let office = Office::open();
    let control = office.sandbox.control();
    let population = Population::shipped();
    let truth = control.populate(&population).unwrap();
    let judgement = control.judge(&[], &Rules::default(), Some(&truth));
    assert_eq!(
        judgement.without_counterpart.highlevel.len(),
        population.rows(Side::HighLevel).len()
    );
    assert_eq!(
        judgement.without_counterpart.onoffice.len(),
        population.rows(Side::OnOffice).len()
    );
    // duplicates that were there before are nobody's doing
    assert_eq!(judgement.duplicates, []);

    let here =
        |side: Side, person: u32| population.rows(side).iter().any(|row| row.person == person);
    let contacts = control.highlevel(sandbox::judge::highlevel_contacts);
    for (contact, row) in contacts.iter().zip(population.rows(Side::HighLevel)) {
        let given = |key: &str| row.record.get(key).is_some();
        assert_eq!(
            (!contact.email.is_empty(), !contact.phone.is_empty()),
            (given("email"), given("phone")),
            "{row:?}"
        );
    }
    let contact = |wanted: bool| {
        let found = contacts.iter().find(|contact| {
            let person = truth.person(System::HighLevel, &contact.id).unwrap();
            here(Side::OnOffice, person) == wanted
        });
        found.unwrap()
    };
    let mut pairs = Vec::new();
    for known in [true, false] {
        let contact = contact(known);
        let copy = json!({"Vorname": contact.first_name, "Name": contact.last_name});
        let made = office.made(copy).await;
        pairs.push(Pair {
            highlevel: contact.id.clone(),
            onoffice: made.to_string(),
        });
    }
    let judgement = control.judge(&pairs, &Rules::default(), Some(&truth));
    let ids: Vec<&str> = judgement
        .duplicates
        .iter()
        .map(|each| each.id.as_str())
        .collect();
    assert_eq!(ids, [pairs[0].onoffice.as_str()]);
}

#[tokio::test]
async fn the_judge_answers_over_http() {
    use tower::ServiceExt;
    let office = Office::open();
    let control = office.sandbox.control();
    let left = control
        .seed(
            System::HighLevel,
            &[json!({"firstName": "A", "email": "a@example.org"})],
        )
        .unwrap()
        .remove(0);
    let right = office.seed(&[json!({"Vorname": "A", "email": "a@example.org"})])[0];
    let body = json!({"pairs": [[left, right.to_string()]]}).to_string();
    let request = http::Request::post("/_sandbox/judge")
        .body(axum::body::Body::from(body))
        .unwrap();
    let response = office.sandbox.service().oneshot(request).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (&answer["agree"], &answer["judgement"]["pairs"]),
        (&json!(true), &json!(1))
    );
}
