//! Users, sessions, tokens, and what each of them did.

use store::{
    ActFilter, ActOutcome, Actor, Keep, Kept, NewAct, Role, Scope, SessionRow, TokenRow, UserRow,
    Workspace,
};

use super::things::*;

fn user(name: &str, role: Role) -> UserRow {
    UserRow {
        name: name.to_owned(),
        role,
        created: at(1),
        password: None,
        link: Some(("hash of a secret".to_owned(), at(9))),
        signed_in: None,
    }
}

fn session(hash: &str, user: &str, ends: i64) -> SessionRow {
    SessionRow {
        hash: hash.to_owned(),
        user: user.to_owned(),
        since: at(1),
        ends: at(ends),
    }
}

fn token(name: &str, user: Option<&str>) -> TokenRow {
    TokenRow {
        name: name.to_owned(),
        hash: format!("hash of {name}"),
        scopes: vec![Scope::Read, Scope::Config],
        user: user.map(str::to_owned),
        created: at(1),
        ends: None,
        used: None,
    }
}

async fn hashes(store: &Under) -> Vec<String> {
    let sessions = store.sessions(&ws()).await.unwrap();
    sessions.into_iter().map(|session| session.hash).collect()
}

pub(crate) async fn users_and_their_sessions_come_back_as_they_were_stored(store: Under) {
    assert_eq!(store.users(&ws()).await.unwrap(), []);
    let mut ada = user("ada", Role::Editor);
    let bob = user("bob", Role::Viewer);
    store.save_user(&ws(), &bob, false).await.unwrap();
    store.save_user(&ws(), &ada, false).await.unwrap();
    assert_eq!(
        store.users(&ws()).await.unwrap(),
        [ada.clone(), bob.clone()]
    );
    for row in [
        session("late", "ada", 20),
        session("other", "bob", 15),
        session("early", "ada", 10),
    ] {
        store.add_session(&ws(), &row, at(1)).await.unwrap();
    }
    assert_eq!(hashes(&store).await, ["early", "other", "late"]);
    assert_eq!(
        store.sessions(&ws()).await.unwrap()[1],
        session("other", "bob", 15)
    );

    // a change that is none of the password's leaves the sessions
    ada.role = Role::Owner;
    ada.link = None;
    ada.signed_in = Some(at(3));
    store.save_user(&ws(), &ada, false).await.unwrap();
    assert_eq!(hashes(&store).await.len(), 3);
    ada.password = Some(("$argon2id$…".to_owned(), at(4)));
    store.save_user(&ws(), &ada, true).await.unwrap();
    assert_eq!(hashes(&store).await, ["other"]);
    assert_eq!(store.users(&ws()).await.unwrap(), [ada, bob]);

    // what has ended goes when the next one comes
    let next = session("next", "ada", 40);
    store.add_session(&ws(), &next, at(15)).await.unwrap();
    assert_eq!(hashes(&store).await, ["next"]);
    store.end_session(&ws(), "next").await.unwrap();
    store.end_session(&ws(), "next").await.unwrap();
    assert!(hashes(&store).await.is_empty());
    let elsewhere = Workspace::new("elsewhere");
    assert_eq!(store.users(&elsewhere).await.unwrap(), []);
}

pub(crate) async fn who_is_removed_takes_sessions_and_tokens_along(store: Under) {
    for name in ["ada", "bob"] {
        store
            .save_user(&ws(), &user(name, Role::Editor), false)
            .await
            .unwrap();
        let begun = session(name, name, 20);
        store.add_session(&ws(), &begun, at(1)).await.unwrap();
        let made = token(&format!("of-{name}"), Some(name));
        assert!(store.add_token(&ws(), &made).await.unwrap());
    }
    let own = token("of-nobody", None);
    assert!(store.add_token(&ws(), &own).await.unwrap());
    store.remove_user(&ws(), "ada").await.unwrap();
    store.remove_user(&ws(), "ada").await.unwrap();
    assert_eq!(
        store.users(&ws()).await.unwrap(),
        [user("bob", Role::Editor)]
    );
    assert_eq!(hashes(&store).await, ["bob"]);
    assert_eq!(
        store.tokens(&ws()).await.unwrap(),
        [token("of-bob", Some("bob")), own]
    );
}

pub(crate) async fn a_name_of_a_token_is_given_once(store: Under) {
    let mut first = token("grafana", None);
    first.ends = Some(at(100));
    assert!(store.add_token(&ws(), &first).await.unwrap());
    let other = token("grafana", Some("ada"));
    assert!(!store.add_token(&ws(), &other).await.unwrap());
    store.token_used(&ws(), "grafana", at(7)).await.unwrap();
    first.used = Some(at(7));
    assert_eq!(store.tokens(&ws()).await.unwrap(), [first]);
    assert!(store.remove_token(&ws(), "grafana").await.unwrap());
    assert!(!store.remove_token(&ws(), "grafana").await.unwrap());
    assert_eq!(store.tokens(&ws()).await.unwrap(), []);
}

pub(crate) async fn acts_are_found_by_each_filter_and_dropped_by_age_and_count(store: Under) {
    let acts: Vec<NewAct> = (0..10)
        .map(|number| NewAct {
            at: at(number),
            actor: if number % 2 == 0 {
                Actor::User
            } else {
                Actor::Token
            },
            who: if number % 2 == 0 { "ada" } else { "deploy" }.to_owned(),
            user: (number < 8).then(|| "ada".to_owned()),
            what: if number < 5 { "sync.pause" } else { "sync.run" }.to_owned(),
            thing: format!("people-{number}"),
            outcome: if number == 3 {
                ActOutcome::Refused
            } else {
                ActOutcome::Done
            },
            code: (number == 3).then(|| "TDM-S010".to_owned()),
        })
        .collect();
    for act in &acts {
        store.record_act(&ws(), act).await.unwrap();
    }
    let found = async |filter: ActFilter| -> Vec<i64> {
        let found = store.acts(&ws(), &filter).await.unwrap();
        assert!(found.windows(2).all(|pair| pair[0].seq > pair[1].seq));
        found
            .into_iter()
            .map(|found| {
                let number = found.act.at.as_second() - at(0).as_second();
                assert_eq!(found.act, acts[usize::try_from(number).unwrap()]);
                number
            })
            .collect()
    };
    let all = ActFilter::default;
    assert_eq!(found(all()).await, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    let who = |name: &str| ActFilter {
        who: Some(name.to_owned()),
        ..all()
    };
    assert_eq!(found(who("deploy")).await, [9, 7, 5, 3, 1]);
    assert_eq!(found(who("ada")).await, [8, 7, 6, 5, 4, 3, 2, 1, 0]);
    let actor = ActFilter {
        actor: Some(Actor::User),
        limit: 2,
        ..all()
    };
    assert_eq!(found(actor).await, [8, 6]);
    let what = ActFilter {
        what: Some("sync.pause".to_owned()),
        since: Some(at(2)),
        until: Some(at(4)),
        ..all()
    };
    assert_eq!(found(what).await, [3, 2]);
    let refused = ActFilter {
        outcome: Some(ActOutcome::Refused),
        ..all()
    };
    assert_eq!(found(refused).await, [3]);
    let newest = store.acts(&ws(), &all()).await.unwrap();
    let page = ActFilter {
        before: Some(newest[3].seq),
        limit: 2,
        ..all()
    };
    assert_eq!(found(page).await, [5, 4]);

    let keep = |second, most| Keep {
        what: Kept::Acts,
        since: at(second),
        most,
    };
    let kept = async || {
        let now = store.kept(&ws()).await.unwrap();
        let acts = now.rows.into_iter().find(|row| row.what == Kept::Acts);
        let acts = acts.unwrap();
        (acts.rows, acts.oldest)
    };
    assert_eq!(kept().await, (10, Some(at(0))));
    assert_eq!(store.drop_old(&ws(), &keep(3, None), 2).await.unwrap(), 2);
    assert_eq!(store.drop_old(&ws(), &keep(3, None), 2).await.unwrap(), 1);
    assert_eq!(
        store.drop_old(&ws(), &keep(3, Some(4)), 9).await.unwrap(),
        3
    );
    assert_eq!(kept().await, (4, Some(at(6))));
}
