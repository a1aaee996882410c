//! The judge on records made by hand: what it must catch, and what it must let pass.

use super::*;

fn held(id: &str) -> Held {
    Held {
        id: id.to_owned(),
        first_name: "Jörg".to_owned(),
        last_name: "von der Heide".to_owned(),
        ..Held::default()
    }
}

fn pair(left: &str, right: &str) -> Pair {
    Pair {
        highlevel: left.to_owned(),
        onoffice: right.to_owned(),
    }
}

fn contact(email: &str, phone: &str) -> Held {
    Held {
        email: email.to_owned(),
        emails: vec![email.to_owned()],
        phone: phone.to_owned(),
        phones: vec![phone.to_owned()],
        ..held("c")
    }
}

#[test]
fn other_spellings_of_the_same_agree() {
    let left = Held {
        country: "AT".to_owned(),
        birthday: "1980-02-29".to_owned(),
        street: "Ringstraße  4".to_owned(),
        tags: vec!["eigentümer".to_owned(), "vip".to_owned()],
        ..contact("jo@example.org", "+436641234567")
    };
    let right = Held {
        country: "Österreich".to_owned(),
        birthday: "1980-02-29".to_owned(),
        street: " Ringstraße 4".to_owned(),
        tags: vec!["Eigentümer".to_owned(), "Makler".to_owned()],
        id: "7".to_owned(),
        ..contact("Jo@Example.org ", "0664/12 34 567")
    };
    let judgement = compare(
        &[left],
        &[right],
        &[pair("c", "7")],
        &Rules::default(),
        None,
    );
    assert!(judgement.agree(), "{judgement:?}");
    assert_eq!((judgement.pairs, judgement.compared), (1, 11));
    assert!(judgement.losses.is_empty());
}

#[test]
fn every_field_can_disagree_and_is_named() {
    let right = Held {
        id: "7".to_owned(),
        ..held("c")
    };
    type Change = fn(&mut Held);
    let changes: [(Field, Change); 11] = [
        (Field::FirstName, |held| held.first_name.push('x')),
        (Field::LastName, |held| {
            held.last_name = "Von der Heide".to_owned()
        }),
        (Field::Email, |held| held.email.push('x')),
        (Field::Phone, |held| held.phone.push('7')),
        (Field::Street, |held| held.street.push('x')),
        (Field::Postcode, |held| held.postcode.push('1')),
        (Field::City, |held| held.city.push('x')),
        (Field::Country, |held| held.country = "CH".to_owned()),
        (Field::Birthday, |held| {
            held.birthday = "1980-01-01".to_owned()
        }),
        (Field::Company, |held| held.company.push('x')),
        (Field::Tags, |held| held.tags.push("Kunde".to_owned())),
    ];
    let rules = Rules {
        company_is_create_only: false,
        ..Rules::default()
    };
    for (field, change) in changes {
        let mut left = held("c");
        change(&mut left);
        let judgement = compare(
            &[left],
            std::slice::from_ref(&right),
            &[pair("c", "7")],
            &rules,
            None,
        );
        let named: Vec<Field> = judgement
            .disagreements
            .iter()
            .map(|each| each.field)
            .collect();
        assert_eq!(named, [field]);
        assert!(!judgement.agree());
    }
}

#[test]
fn what_a_system_cannot_hold_is_a_loss() {
    let left = Held {
        last_name: "x".repeat(100),
        company: "Neu GmbH".to_owned(),
        ..held("c")
    };
    let right = Held {
        id: "7".to_owned(),
        last_name: "x".repeat(80),
        company: "Alt GmbH".to_owned(),
        ..held("c")
    };
    let judgement = compare(
        &[left],
        &[right],
        &[pair("c", "7")],
        &Rules::default(),
        None,
    );
    let lost: Vec<Field> = judgement.losses.iter().map(|each| each.field).collect();
    assert_eq!(lost, [Field::LastName, Field::Company]);
    assert!(judgement.agree());
}

#[test]
fn pairs_and_counterparts() {
    let left = [
        held("a"),
        held("b"),
        Held {
            gone: true,
            ..held("c")
        },
        held("d"),
    ];
    let right = [
        held("1"),
        held("2"),
        Held {
            archived: true,
            ..held("3")
        },
        Held {
            gone: true,
            ..held("4")
        },
    ];
    let pairs = [
        pair("a", "1"),
        pair("a", "2"),
        pair("c", "2"),
        pair("b", "4"),
        pair("b", "9"),
    ];
    let judgement = compare(&left, &right, &pairs, &Rules::default(), None);
    let broken: Vec<Break> = judgement.broken_pairs.iter().map(|each| each.why).collect();
    assert_eq!(
        broken,
        [
            Break::Shared,
            Break::HighlevelGone,
            Break::OnofficeGone,
            Break::OnofficeGone
        ]
    );
    assert_eq!(judgement.without_counterpart.highlevel, ["d"]);
    assert!(judgement.without_counterpart.onoffice.is_empty());
    let strict = Rules {
        archived_need_counterpart: true,
        ..Rules::default()
    };
    let judgement = compare(&left, &right, &pairs, &strict, None);
    assert_eq!(judgement.without_counterpart.onoffice, ["3"]);
}

#[test]
fn duplicates_by_truth_and_without_it() {
    let made = |id: &str, email: &str| Held {
        id: id.to_owned(),
        by_client: true,
        ..contact(email, "")
    };
    let seeded = Held {
        id: "1".to_owned(),
        ..contact("a@example.org", "")
    };
    let household = Held {
        first_name: "Ute".to_owned(),
        ..made("2", "a@example.org")
    };
    let right = [
        seeded,
        household,
        made("3", "A@example.org"),
        made("4", "other@example.org"),
    ];
    let found = |truth: Option<&Truth>| {
        let left = [held("x"), held("y")];
        let pairs = [pair("x", "1"), pair("y", "4")];
        let judgement = compare(&left, &right, &pairs, &Rules::default(), truth);
        let list = judgement.duplicates.iter();
        list.map(|each| (each.id.clone(), each.of.clone(), each.findable))
            .collect::<Vec<_>>()
    };
    let text = |id: &str, of: &str, findable| (id.to_owned(), of.to_owned(), findable);
    assert_eq!(found(None), [text("3", "1", true)]);
    // the truth knows through the pair that the fourth is the first again
    let mut truth = Truth::default();
    truth.insert(System::OnOffice, "1", 5);
    truth.insert(System::HighLevel, "x", 5);
    truth.insert(System::HighLevel, "y", 5);
    assert_eq!(
        found(Some(&truth)),
        [text("3", "1", true), text("4", "1", false)]
    );
}
