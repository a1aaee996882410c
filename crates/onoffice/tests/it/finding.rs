//! Addresses by e-mail address and phone number.

use connector::{Connector, Error, IdentityKey, KeyKind};
use onoffice::OnOffice;
use record::Read;
use serde_json::{Value as Json, json};

use crate::fake::{Fake, Reply, address, found, refused, schema};

fn email(value: &str) -> IdentityKey {
    IdentityKey {
        kind: KeyKind::Email,
        value: value.into(),
    }
}

fn phone(value: &str) -> IdentityKey {
    IdentityKey {
        kind: KeyKind::Phone,
        value: value.into(),
    }
}

async fn find(fake: &Fake, keys: &[IdentityKey]) -> Result<Vec<Read>, Error> {
    OnOffice::new().find(fake, &schema().await, keys).await
}

fn ids(reads: &[Read]) -> Vec<&str> {
    reads.iter().map(|read| read.record.id.as_str()).collect()
}

#[tokio::test]
async fn many_keys_go_in_one_request_and_each_record_comes_once() {
    let fake = Fake::new(|asked| {
        let results = asked
            .actions
            .iter()
            .map(|action| {
                let by_email = action["parameters"]["filter"].get("email").is_some();
                let shared = address(7, json!({"email__1": "A@b.de", "phone__2": "0241/24561"}));
                let other = address(8, json!({"email__3": "c@d.de"}));
                if by_email {
                    found(vec![shared, other], 2)
                } else {
                    found(vec![shared], 1)
                }
            })
            .collect();
        Reply::Results(results)
    });
    let found = find(
        &fake,
        &[email("a@b.de"), email("c@d.de"), phone("+4924124561")],
    )
    .await
    .unwrap();
    assert_eq!(ids(&found), ["7", "8"]);
    assert!(found.iter().all(Read::decides));
    assert_eq!(fake.log().len(), 1);
    let filters: Vec<Json> = fake.log()[0]
        .actions
        .iter()
        .map(|action| action["parameters"]["filter"].clone())
        .collect();
    assert_eq!(
        filters[0],
        json!({"email": [{"op": "in", "val": ["a@b.de", "a@b.de ", "c@d.de", "c@d.de "]}]})
    );
    assert_eq!(
        filters[1],
        json!({"phone": [{"op": "like", "val": "%4%1%2%4%5%6%1%"}]})
    );
}

#[tokio::test]
async fn a_stranger_with_the_same_digits_is_not_given_back() {
    let candidates = || {
        vec![
            address(1, json!({"phone__1": "06762 / 123 4-5"})),
            address(2, json!({"phone__2": "06762 912345"})),
            address(3, json!({"mobile__3": "+49 (0)6762 12345"})),
            address(4, json!({"Telefon1": "0049676212345"})),
            // the same digits in Austria
            address(5, json!({"phone__5": "0676 212345", "Land": "AUT"})),
        ]
    };
    let fake = Fake::new(move |_| Reply::Results(vec![found(candidates(), 5)]));
    assert_eq!(
        ids(&find(&fake, &[phone("+49676212345")]).await.unwrap()),
        ["1", "3", "4"]
    );
    // an account at home elsewhere reads national numbers otherwise
    let fake = Fake::new(move |_| Reply::Results(vec![found(candidates(), 5)]))
        .with_settings(json!({"country": "AT"}));
    assert_eq!(
        ids(&find(&fake, &[phone("+49676212345")]).await.unwrap()),
        ["3", "4"]
    );
}

#[tokio::test]
async fn a_client_that_refuses_the_phone_filter_is_asked_by_the_quick_search() {
    let fake = Fake::new(|asked| match asked.resource() {
        "search" => {
            assert_eq!(asked.actions[0]["resourceid"], "address");
            assert_eq!(asked.parameters()["input"], "124561");
            assert_eq!(asked.parameters()["includecontactdata"], true);
            let hit = |id: u64| json!({"id": id, "type": "address", "elements": {"customerno": 5}});
            Reply::Results(vec![found(vec![hit(1), hit(2)], None)])
        }
        _ if asked.parameters().get("recordids").is_some() => Reply::Results(vec![found(
            vec![
                address(1, json!({"phone__1": "0241124561"})),
                address(2, json!({"phone__1": "0221124561"})),
            ],
            2,
        )]),
        _ => Reply::Results(vec![refused(141, "Unknown field: phone")]),
    });
    assert_eq!(
        ids(&find(&fake, &[phone("+49241124561")]).await.unwrap()),
        ["1"]
    );

    let fake = Fake::new(|_| Reply::Results(vec![refused(142, "Unknown operator: like")]));
    let error = find(&fake, &[phone("+49241124561")]).await;
    assert!(
        matches!(error, Err(Error::Refused { .. })),
        "nothing found would be a lie"
    );
}

#[tokio::test]
async fn a_shared_address_with_more_than_a_page_of_records_is_read_to_the_end() {
    let fake = Fake::new(|asked| {
        let offset = asked.parameters()["listoffset"].as_u64().unwrap_or(0);
        let rows = (1..=700).skip(usize::try_from(offset).unwrap()).take(500);
        Reply::Results(vec![found(
            rows.map(|id| address(id, json!({"email__1": "info@b.de"})))
                .collect(),
            700,
        )])
    });
    assert_eq!(find(&fake, &[email("info@b.de")]).await.unwrap().len(), 700);
}

#[tokio::test]
async fn no_keys_no_call() {
    let fake = Fake::new(|_| panic!("nothing to ask"));
    assert!(find(&fake, &[]).await.unwrap().is_empty());
    assert!(
        find(&fake, &[phone("+4"), phone("")])
            .await
            .unwrap()
            .is_empty()
    );
}
