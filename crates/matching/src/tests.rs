//! People that a judge of records has to tell apart, and some that are hard to recognise.

use jiff::civil::date;
use proptest::{option, prelude::*, sample::select};

use super::*;

#[derive(Debug, Clone, Default)]
struct Card {
    first: &'static str,
    last: &'static str,
    email: &'static str,
    phone: &'static str,
    born: Option<(i16, i8, i8)>,
    postcode: &'static str,
    street: &'static str,
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn person(card: &Card) -> Person {
    Person::new(Facts {
        emails: some(card.email).into_iter().collect(),
        phones: some(card.phone).into_iter().collect(),
        first_name: some(card.first),
        last_name: some(card.last),
        birthday: card.born.map(|(year, month, day)| date(year, month, day)),
        postcode: some(card.postcode),
        street: some(card.street),
        ..Facts::default()
    })
}

const SAME: &str = "same";
const DOUBTFUL: &str = "doubtful";
const DIFFERENT: &str = "different";

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Same { .. } => SAME,
        Verdict::Doubtful { .. } => DOUBTFUL,
        Verdict::Different { .. } => DIFFERENT,
    }
}

fn anna() -> Card {
    Card {
        first: "Anna",
        last: "Müller",
        email: "anna@mueller.example",
        phone: "+4924124561",
        born: Some((1983, 7, 9)),
        postcode: "52074",
        street: "Ring 5",
    }
}

#[test]
fn each_pair_gets_the_verdict_that_a_careful_person_would_give() {
    let anna = anna();
    let bare = |first, last, email, phone| Card {
        first,
        last,
        email,
        phone,
        ..Card::default()
    };
    let cases: [(&str, Card, &str); 24] = [
        (
            "herself, spelt another way",
            Card {
                last: "Mueller",
                ..anna.clone()
            },
            SAME,
        ),
        (
            "without umlaut",
            Card {
                last: "MULLER",
                born: None,
                ..anna.clone()
            },
            SAME,
        ),
        (
            "names exchanged",
            Card {
                first: "Müller",
                last: "Anna",
                ..anna.clone()
            },
            SAME,
        ),
        (
            "a typing error in the last name",
            Card {
                last: "Mülller",
                born: None,
                ..anna.clone()
            },
            SAME,
        ),
        (
            "no e-mail, same phone",
            Card {
                email: "",
                ..anna.clone()
            },
            SAME,
        ),
        (
            "another e-mail, same phone",
            Card {
                email: "a@new.example",
                ..anna.clone()
            },
            SAME,
        ),
        (
            "only the e-mail and the name",
            bare("Anna", "Müller", anna.email, ""),
            SAME,
        ),
        ("only the e-mail", bare("", "", anna.email, ""), SAME),
        ("only the phone", bare("", "", "", anna.phone), DOUBTFUL),
        (
            "a changed last name, same birthday",
            Card {
                last: "Huber",
                ..anna.clone()
            },
            SAME,
        ),
        (
            "a changed last name, no birthday",
            Card {
                last: "Huber",
                born: None,
                ..anna.clone()
            },
            DOUBTFUL,
        ),
        (
            "a short form, same birthday",
            Card {
                first: "Anne-Marie",
                ..anna.clone()
            },
            DOUBTFUL,
        ),
        (
            "one of two first names, same birthday",
            Card {
                first: "Anna Maria",
                ..anna.clone()
            },
            SAME,
        ),
        (
            "one of two first names, no birthday",
            Card {
                first: "Anna Maria",
                born: None,
                ..anna.clone()
            },
            DOUBTFUL,
        ),
        (
            "her husband",
            Card {
                first: "Karl",
                born: Some((1980, 1, 2)),
                ..anna.clone()
            },
            DIFFERENT,
        ),
        (
            "perhaps her husband",
            Card {
                first: "Karl",
                born: None,
                ..anna.clone()
            },
            DOUBTFUL,
        ),
        (
            "her daughter of the same name",
            Card {
                born: Some((2010, 3, 4)),
                ..anna.clone()
            },
            DOUBTFUL,
        ),
        (
            "a namesake",
            bare("Anna", "Müller", "other@mueller.example", "+491111111"),
            DIFFERENT,
        ),
        (
            "a namesake in another town, other birthday",
            Card {
                email: "",
                phone: "",
                born: Some((1960, 1, 1)),
                ..anna.clone()
            },
            DIFFERENT,
        ),
        (
            "a stranger born that day",
            Card {
                first: "Eva",
                last: "Huber",
                email: "",
                phone: "",
                ..anna.clone()
            },
            DIFFERENT,
        ),
        (
            "no key in common, same birthday",
            Card {
                email: "",
                phone: "",
                ..anna.clone()
            },
            DOUBTFUL,
        ),
        (
            "no key in common, same address",
            Card {
                email: "",
                phone: "",
                born: None,
                ..anna.clone()
            },
            DOUBTFUL,
        ),
        (
            "a colleague on the same switchboard",
            bare("Eva", "Huber", "", anna.phone),
            DIFFERENT,
        ),
        (
            "somebody with her mailbox",
            bare("Eva", "Huber", anna.email, ""),
            DOUBTFUL,
        ),
    ];
    let rules = MatchRules::default();
    for (who, card, expected) in cases {
        let verdict = compare(&person(&anna), &person(&card), &rules);
        assert_eq!(
            word(&verdict),
            expected,
            "{who}: {}",
            explain(verdict.findings())
        );
    }
}

#[test]
fn people_of_almost_one_name_in_one_household_are_told_apart() {
    let andreas = Card {
        first: "Andreas",
        born: None,
        ..anna()
    };
    let rules = MatchRules::default();
    for (other, born, expected) in [
        ("Andrea", None, DOUBTFUL),
        ("Andrea", Some((1983, 7, 9)), DOUBTFUL),
        ("Anderas", Some((1983, 7, 9)), SAME),
        ("Andi", Some((1983, 7, 9)), SAME),
        ("Hans", None, DOUBTFUL),
    ] {
        let one = Card {
            born,
            ..andreas.clone()
        };
        let card = Card {
            first: other,
            born,
            ..andreas.clone()
        };
        let verdict = compare(&person(&one), &person(&card), &rules);
        assert_eq!(word(&verdict), expected, "{other} {born:?}");
    }
}

#[test]
fn the_rules_say_which_keys_link_and_whether_names_count() {
    let anna = anna();
    let keyless = Card {
        email: "",
        phone: "",
        ..anna.clone()
    };
    let by_birthday = MatchRules {
        keys: vec![KeyKind::Email, KeyKind::NameBirthday],
        name_check: true,
    };
    let verdict = compare(&person(&anna), &person(&keyless), &by_birthday);
    assert!(matches!(
        verdict,
        Verdict::Same {
            by: KeyKind::NameBirthday,
            ..
        }
    ));
    let phone_only = Card {
        email: "",
        ..anna.clone()
    };
    let verdict = compare(
        &person(&anna),
        &person(&phone_only),
        &MatchRules {
            keys: vec![KeyKind::Email],
            name_check: true,
        },
    );
    assert_eq!(word(&verdict), DOUBTFUL);
    let husband = Card {
        first: "Karl",
        born: None,
        ..anna.clone()
    };
    let unchecked = MatchRules {
        name_check: false,
        ..MatchRules::default()
    };
    assert_eq!(
        word(&compare(&person(&anna), &person(&husband), &unchecked)),
        SAME
    );
}

#[test]
fn a_typing_error_or_an_exchange_does_not_hide_a_candidate() {
    let keys = |first, last| {
        person(&Card {
            first,
            last,
            email: "",
            phone: "",
            ..anna()
        })
        .keys()
    };
    assert_eq!(keys("Anna", "Müller"), keys("MUELLER", "Anna"));
    let shared = |other: Vec<IdentityKey>| {
        keys("Anna", "Müller")
            .into_iter()
            .any(|key| other.contains(&key))
    };
    assert!(shared(keys("Anan", "Mülelr")));
    assert!(!shared(keys("Eva", "Huber")));
}

#[test]
fn a_name_alone_is_a_question_only_where_nothing_else_can_be_compared() {
    let rules = MatchRules::default();
    let bare = |email, phone| Card {
        first: "Anna",
        last: "Müller",
        email,
        phone,
        ..Card::default()
    };
    let (mailbox, line) = ("anna@mueller.example", "+4924124561");
    for (one, other, expected) in [
        (anna(), bare("", ""), DOUBTFUL),
        (bare(mailbox, ""), bare("", line), DOUBTFUL),
        (bare("", ""), bare("", ""), DOUBTFUL),
        (bare(mailbox, ""), bare("a@new.example", ""), DIFFERENT),
        (bare(mailbox, ""), bare("a@new.example", line), DIFFERENT),
        (
            bare("", ""),
            Card {
                last: "Mülller",
                ..bare("", "")
            },
            DIFFERENT,
        ),
    ] {
        let (one, other) = (person(&one), person(&other));
        let verdict = compare(&one, &other, &rules);
        assert_eq!(word(&verdict), expected, "{one:?} {other:?}");
        // Only whoever may be the same is met, from either side.
        for (seeker, found) in [(&one, &other), (&other, &one)] {
            let keys = found.keys();
            let is_met = seeker.sought().iter().any(|key| keys.contains(key));
            assert_eq!(is_met, expected == DOUBTFUL, "{one:?} {other:?}");
        }
    }
    // A name that many bear says nothing.
    let named = |id| Candidate {
        id,
        verdict: compare(&person(&anna()), &person(&bare("", "")), &rules),
        linked: false,
    };
    assert!(matches!(choose((0..3).map(named)), Choice::Review(all) if all.len() == 3));
    assert!(matches!(choose((0..4).map(named)), Choice::None));
}

#[test]
fn a_number_that_differs_in_its_country_alone_is_a_question() {
    let austrian = Card {
        first: "Anna",
        last: "Müller",
        phone: "+436602298170",
        ..Card::default()
    };
    let read_as_german = Card {
        phone: "+496602298170",
        email: "anna@mueller.example",
        ..austrian.clone()
    };
    let (one, other) = (person(&austrian), person(&read_as_german));
    let verdict = compare(&one, &other, &MatchRules::default());
    assert_eq!(word(&verdict), DOUBTFUL);
    assert!(verdict.findings().contains(&Finding::PhoneButForCountry));
    let keys = other.keys();
    assert!(one.sought().iter().any(|key| keys.contains(key)));
    let husband = Card {
        first: "Karl",
        ..read_as_german
    };
    let verdict = compare(&one, &person(&husband), &MatchRules::default());
    assert_eq!(word(&verdict), DIFFERENT);
}

#[test]
fn of_a_household_each_is_left_to_the_record_of_their_name() {
    let rules = MatchRules::default();
    let of_house = |first| Card {
        first,
        phone: "",
        born: None,
        ..anna()
    };
    let (anna, karl) = (person(&of_house("Anna")), person(&of_house("Karl")));
    let perhaps = compare(&anna, &karl, &rules);
    assert_eq!(word(&perhaps), DOUBTFUL);
    let surely = compare(&karl, &karl, &rules);
    assert!(is_spoken_for(&perhaps, [&surely]));
    assert!(!is_spoken_for(&perhaps, [&perhaps]));
    assert!(
        !is_spoken_for(&surely, [&surely]),
        "a double of Karl is no household"
    );
    // Whoever has somebody already is no question; nobody is doubted whose birthday is the same.
    let linked = |linked| {
        let verdict = perhaps.clone();
        choose([Candidate {
            id: 1,
            verdict,
            linked,
        }])
    };
    assert!(matches!(linked(true), Choice::None));
    assert!(matches!(linked(false), Choice::Review(_)));
    let born = |first| Card {
        born: Some((1983, 7, 9)),
        ..of_house(first)
    };
    let nickname = compare(&person(&born("Anna")), &person(&born("Nanni")), &rules);
    assert!(!is_spoken_for(&nickname, [&surely]), "{nickname:?}");
}

fn judged(id: u32, kind: &str, score: u32, linked: bool) -> Candidate<u32> {
    let verdict = match kind {
        SAME => Verdict::Same {
            by: KeyKind::Email,
            score,
            explanation: Vec::new(),
        },
        DOUBTFUL => Verdict::Doubtful {
            score,
            why: Vec::new(),
        },
        _ => Verdict::Different { why: Vec::new() },
    };
    Candidate {
        id,
        verdict,
        linked,
    }
}

#[test]
fn one_sure_and_free_candidate_is_linked_and_all_else_is_asked() {
    let chosen = |candidates: Vec<Candidate<u32>>| match choose(candidates) {
        Choice::Link(candidate) => format!("link {}", candidate.id),
        Choice::Review(candidates) => {
            let ids: Vec<String> = candidates.iter().map(|c| c.id.to_string()).collect();
            format!("review {}", ids.join(" "))
        }
        Choice::None => "none".to_owned(),
    };
    assert_eq!(chosen(vec![]), "none");
    assert_eq!(chosen(vec![judged(1, DIFFERENT, 0, true)]), "none");
    assert_eq!(
        chosen(vec![
            judged(1, DOUBTFUL, 90, false),
            judged(2, SAME, 50, false)
        ]),
        "link 2"
    );
    assert_eq!(
        chosen(vec![judged(1, SAME, 50, false), judged(2, SAME, 60, false)]),
        "review 2 1"
    );
    assert_eq!(chosen(vec![judged(1, SAME, 50, true)]), "review 1");
    assert_eq!(
        chosen(vec![judged(1, SAME, 50, true), judged(2, SAME, 40, false)]),
        "review 1 2"
    );
    assert_eq!(chosen(vec![judged(1, DOUBTFUL, 50, true)]), "review 1");
    let link = || choose(vec![judged(1, SAME, 50, false)]);
    assert!(matches!(
        confirm(link(), [judged(7, DOUBTFUL, 50, false)]),
        Choice::Link(_)
    ));
    assert!(matches!(
        confirm(link(), [judged(7, SAME, 10, false)]),
        Choice::Review(_)
    ));
}

fn cards() -> impl Strategy<Value = Card> {
    let names = || {
        select(vec![
            "Anna",
            "Anna Maria",
            "Müller",
            "Mueller",
            "Mülller",
            "Hans",
            "Johannes",
            "A.",
            "",
        ])
    };
    (
        (names(), names()),
        select(vec!["a@x.example", "b@x.example", ""]),
        select(vec!["+4924124561", "+4924124562", ""]),
        option::of((1983..1985_i16, 7..9_i8, 7..10_i8)),
        select(vec!["1", "2", ""]),
        select(vec!["Ring 5", ""]),
    )
        .prop_map(
            |((first, last), email, phone, born, postcode, street)| Card {
                first,
                last,
                email,
                phone,
                born,
                postcode,
                street,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_verdict_does_not_depend_on_who_is_asked_first(one in cards(), other in cards(), name_check in any::<bool>()) {
        let rules = MatchRules { name_check, ..MatchRules::default() };
        let (one, other) = (person(&one), person(&other));
        prop_assert_eq!(compare(&one, &other, &rules), compare(&other, &one, &rules));
    }

    /// Whatever the names, nobody is linked without a key that is trusted.
    #[test]
    fn nobody_is_linked_without_a_shared_key(one in cards(), other in cards()) {
        let verdict = compare(&person(&one), &person(&other), &MatchRules::default());
        let shares = (!one.email.is_empty() && one.email == other.email)
            || (!one.phone.is_empty() && one.phone == other.phone);
        prop_assert!(shares || word(&verdict) != SAME);
    }

    /// What is judged the same or doubtful can be found by a key, so that no match is overlooked.
    #[test]
    fn whoever_may_be_the_same_can_be_found(one in cards(), other in cards()) {
        let (a, b) = (person(&one), person(&other));
        let verdict = compare(&a, &b, &MatchRules::default());
        let (keys, others) = (a.keys(), b.keys());
        if word(&verdict) == SAME {
            prop_assert!(keys.iter().any(|key| others.contains(key)));
        }
    }
}

#[test]
fn organisations_are_linked_by_more_than_a_name() {
    let firm = |name: &str, email: &str, postcode: &str, street: &str| {
        Person::organisation(Facts {
            emails: some(email).into_iter().collect(),
            company: some(name),
            postcode: some(postcode),
            street: some(street),
            ..Facts::default()
        })
    };
    let here = ("10969", "Lindenstr. 4");
    let (mail, none) = ("info@bau.example", "");
    let one = firm("Müller Bau GmbH", mail, here.0, here.1);
    let trusted = MatchRules {
        keys: vec![KeyKind::Email, KeyKind::NamePostcode],
        ..MatchRules::default()
    };
    for (other, plain, by_address) in [
        // The same mailbox and name, whatever the legal form.
        (firm("MUELLER BAU", mail, "", ""), SAME, SAME),
        // One mailbox for two branches, or for two firms.
        (
            firm("Müller Bau GmbH", mail, "20095", "Ring 1"),
            DOUBTFUL,
            DOUBTFUL,
        ),
        (
            firm("Schmidt Dach", mail, here.0, here.1),
            DOUBTFUL,
            DOUBTFUL,
        ),
        // No mailbox: name and whole address, where that is trusted.
        (
            firm("Müller Bau GmbH", none, here.0, "Lindenstraße 4"),
            DOUBTFUL,
            SAME,
        ),
        (firm("Müller Bau", none, here.0, here.1), DOUBTFUL, DOUBTFUL),
        (
            firm("Müller Bau GmbH", none, here.0, ""),
            DOUBTFUL,
            DOUBTFUL,
        ),
        (
            firm("Müller Bau GmbH", none, here.0, "Ring 9"),
            DOUBTFUL,
            DOUBTFUL,
        ),
        // A name alone is a question.
        (firm("Müller Bau GmbH", none, "", ""), DOUBTFUL, DOUBTFUL),
        (
            firm("Schmidt Dach", none, here.0, here.1),
            DIFFERENT,
            DIFFERENT,
        ),
    ] {
        assert_eq!(
            word(&compare(&one, &other, &MatchRules::default())),
            plain,
            "{other:?}"
        );
        assert_eq!(
            word(&compare(&other, &one, &trusted)),
            by_address,
            "{other:?}"
        );
        // Whoever may be the same is found.
        let shares = one.keys().iter().any(|key| other.keys().contains(key));
        assert!(shares || plain == DIFFERENT, "{other:?}");
    }
}
