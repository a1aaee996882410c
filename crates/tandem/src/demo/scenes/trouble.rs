//! What goes wrong: webhooks, tokens, answers, limits, a refusal, an edit at the worst moment.

use std::time::Duration;

use anyhow::{Result, bail};
use sandbox::{Actor, Control, Fault, Rule, System};
use serde_json::json;

use super::{Stage, once, people::made_once, status};
use crate::demo::stage::ANSWER;

/// Webhooks that are lost, doubled, late or out of order.
pub(in crate::demo) fn lying_webhooks(stage: &mut Stage<'_>) -> Result<()> {
    for (name, title, fault, edits) in [
        (
            "webhook_lost",
            "An edit in HighLevel whose webhook is lost",
            Fault::Lost,
            &["Verlorene Gasse 1"][..],
        ),
        (
            "webhook_doubled",
            "An edit in HighLevel whose webhook comes twice",
            Fault::Doubled,
            &["Doppelstrasse 2"],
        ),
        (
            "webhook_late",
            "An edit in HighLevel whose webhook is late",
            Fault::Delayed { ms: 3_000 },
            &["Spätweg 3"],
        ),
        (
            "webhook_out_of_order",
            "Two edits in HighLevel whose webhooks come in the wrong order",
            Fault::Reordered,
            &["Erst 4", "Danach 4"],
        ),
    ] {
        stage.play(name, title, |stage| {
            let pair = stage.pair()?;
            let fault = stage.fault(Rule {
                event: Some("ContactUpdate".to_owned()),
                ..once(System::HighLevel, fault)
            });
            stage.struck(fault, "the webhook met it");
            for street in edits {
                stage.edit_highlevel(&pair.highlevel, &json!({"address1": street}))?;
            }
            if let Some(street) = edits.last() {
                stage.both_live_in(&pair, street);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Answers that fail: an expired token, a 500, answers that are dropped.
pub(in crate::demo) fn failing_answers(stage: &mut Stage<'_>) -> Result<()> {
    stage.play(
        "expired_token",
        "HighLevel's access token expires early",
        |stage| {
            let pair = stage.pair()?;
            let system = System::HighLevel;
            let before = refused_tokens(stage.control);
            stage.control.act(system, "expire_tokens", &json!({}))?;
            stage.edit_onoffice(&pair.onoffice, &json!({"Plz": "10115"}))?;
            stage.claim("HighLevel refused the old token", move |sight| {
                sight.answered(system, "*", 401) > before
            });
            stage.says(system, &pair.highlevel, "the postcode", |held| {
                held.postcode == "10115"
            });
            Ok(())
        },
    )?;
    stage.play(
        "server_error",
        "HighLevel answers a write with 500",
        |stage| {
            let pair = stage.pair()?;
            let fault = stage.fault(Rule {
                method: Some("PUT".to_owned()),
                path: Some("/contacts/{contactId}".to_owned()),
                ..once(System::HighLevel, status(500))
            });
            stage.struck(fault, "HighLevel answered 500");
            stage.edit_onoffice(&pair.onoffice, &json!({"Strasse": "Fehlerweg 500"}))?;
            stage.both_live_in(&pair, "Fehlerweg 500");
            Ok(())
        },
    )?;
    stage.play(
        "dropped_answer",
        "onOffice drops the answer of a change that it carried out",
        |stage| {
            let pair = stage.pair()?;
            let fault = stage.fault(Rule {
                action: Some("modify address".to_owned()),
                ..once(System::OnOffice, Fault::DropAfter)
            });
            stage.struck(fault, "onOffice dropped an answer");
            stage.edit_highlevel(&pair.highlevel, &json!({"address1": "Funkstille 7"}))?;
            stage.both_live_in(&pair, "Funkstille 7");
            Ok(())
        },
    )?;
    stage.play(
        "dropped_create",
        "onOffice makes a new address and drops the answer",
        |stage| {
            let fault = stage.fault(Rule {
                action: Some("create address".to_owned()),
                ..once(System::OnOffice, Fault::DropAfter)
            });
            stage.struck(fault, "onOffice dropped an answer");
            stage.control.act(
                System::HighLevel,
                "create_contact",
                &json!({
                    "firstName": "Wendelin", "lastName": "Funkloch",
                    "email": "wendelin.funkloch@example.com", "phone": "+4975311234502",
                    "city": "Meersburg", "postalCode": "88709", "country": "DE",
                }),
            )?;
            stage.claim("onOffice has the address once", |sight| {
                made_once(sight, System::OnOffice, "Funkloch")
            });
            Ok(())
        },
    )
}

/// Both vendors make a record and are silent for longer than the demo's client waits.
pub(in crate::demo) fn silent_answers(stage: &mut Stage<'_>) -> Result<()> {
    let silence = Fault::DelayAnswer {
        ms: u64::try_from(2 * ANSWER.as_millis()).unwrap_or(u64::MAX),
    };
    stage.play(
        "time_out_after_effect",
        "onOffice makes a new address, HighLevel a new contact, and neither answers in time",
        |stage| {
            let office = stage.fault(Rule {
                action: Some("create address".to_owned()),
                ..once(System::OnOffice, silence.clone())
            });
            let marketing = stage.fault(Rule {
                method: Some("POST".to_owned()),
                path: Some("/contacts".to_owned()),
                ..once(System::HighLevel, silence)
            });
            let before = [System::OnOffice, System::HighLevel].map(|system| given_up(stage.control, system));
            stage.control.act(
                System::HighLevel,
                "create_contact",
                &json!({
                    "firstName": "Ottokar", "lastName": "Wartezeit",
                    "email": "ottokar.wartezeit@example.com", "phone": "+4975311234503",
                    "city": "Hagnau", "postalCode": "88709", "country": "DE",
                }),
            )?;
            stage.control.act(
                System::OnOffice,
                "create",
                &json!({"fields": {
                    "Vorname": "Kunigunde", "Name": "Schweigen", "email": "kunigunde@schweigen.example",
                    "phone": "08821 / 77 88 99", "Ort": "Oberammergau", "Land": "DEU",
                }}),
            )?;
            for (fault, system, name, before) in [
                (office, System::OnOffice, "Wartezeit", before[0]),
                (marketing, System::HighLevel, "Schweigen", before[1]),
            ] {
                stage.struck(fault, &format!("{system} held its answer back"));
                let what = format!("the client of {system} gave up waiting after the effect");
                stage.claim(what, move |sight| {
                    let counts = sight.counts.get(&system);
                    counts.is_some_and(|counts| counts.given_up > before)
                });
                let what = format!("{system} has the record once");
                stage.claim(what, move |sight| made_once(sight, system, name));
            }
            Ok(())
        },
    )
}

/// A value that one system refuses: an e-mail address that another contact has already.
pub(in crate::demo) fn refusal(stage: &mut Stage<'_>) -> Result<()> {
    stage.play(
        "refused_field",
        "An onOffice address gets the e-mail address of another person: HighLevel refuses that field, and only that",
        |stage| {
            let (taken, wanting) = (stage.pair()?, stage.pair()?);
            let system = System::HighLevel;
            let email = stage.held_by(system, &taken.highlevel)?.email;
            let own = stage.held_by(system, &wanting.highlevel)?.email;
            stage.edit_onoffice(&wanting.onoffice, &json!({"Email": email, "Ort": "Überlingen"}))?;
            stage.claim("HighLevel refused a write", move |sight| {
                sight.answered(system, "PUT", 400) > 0
            });
            stage.says(system, &wanting.highlevel, "keeps its e-mail address", move |held| {
                held.email == own
            });
            stage.says(system, &wanting.highlevel, "takes the rest", |held| {
                held.city == "Überlingen"
            });
            Ok(())
        },
    )
}

/// More edits at once than the limits let through.
pub(in crate::demo) fn burst(stage: &mut Stage<'_>, edits: usize) -> Result<()> {
    let title = format!(
        "{edits} contacts are edited in HighLevel within a second: more than its limit lets us read at once"
    );
    stage.play("burst", &title, |stage| {
        let pairs: Vec<_> = (0..edits).map(|_| stage.pair()).collect::<Result<_>>()?;
        let system = System::HighLevel;
        let of = |control: &Control| {
            let counts = control.core().counts.all();
            counts
                .get(&system)
                .map_or((0, 0), |counts| (counts.crowded, counts.totals.throttled))
        };
        let before = of(stage.control);
        for (number, pair) in pairs.iter().enumerate() {
            let street = format!("Ansturmweg {number}");
            stage.edit_highlevel(&pair.highlevel, &json!({"address1": street}))?;
        }
        stage.claim("the limit was all but used up, and kept", move |sight| {
            sight.counts.get(&system).is_some_and(|counts| {
                counts.crowded > before.0 && counts.totals.throttled == before.1
            })
        });
        stage.claim("onOffice has every edit", move |sight| {
            pairs.iter().enumerate().all(|(number, pair)| {
                let held = sight.person(System::OnOffice, &pair.onoffice);
                held.is_some_and(|held| held.street == format!("Ansturmweg {number}"))
            })
        });
        Ok(())
    })
}

/// An edit that lands between our write and our read-back.
pub(in crate::demo) async fn edit_in_between(stage: &mut Stage<'_>) -> Result<()> {
    stage.begin(
        "edit_in_between",
        "An onOffice address is edited just after Tandem wrote to it and before it read back",
    );
    let played = play_in_between(stage).await;
    stage.ended(played)
}

async fn play_in_between(stage: &mut Stage<'_>) -> Result<()> {
    let pair = stage.pair()?;
    let fault = stage.fault(Rule {
        action: Some("modify address".to_owned()),
        ..once(System::OnOffice, Fault::DelayAnswer { ms: 1_500 })
    });
    let mark = stage.control.core().edits.last_sequence();
    stage.edit_highlevel(&pair.highlevel, &json!({"address1": "Zwischenruf 8"}))?;
    for _ in 0..400 {
        if let Some(ours) = written_since(stage.control, mark, &pair.onoffice) {
            stage.edit_onoffice(&pair.onoffice, &json!({"Strasse": "Dazwischen 9"}))?;
            stage.struck(fault, "the answer to the write was held back meanwhile");
            let id = pair.onoffice.clone();
            stage.claim(
                "the person's edit was the next after the write",
                move |sight| {
                    let next = sight.edits.iter().find(|edit| {
                        edit.sequence > ours && edit.system == System::OnOffice && *edit.id == *id
                    });
                    next.is_some_and(|edit| edit.actor == Actor::User)
                },
            );
            stage.both_live_in(&pair, "Dazwischen 9");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    bail!("no write came to play the edit in between on")
}

/// The first write to an address of onOffice after a mark in the log.
fn written_since(control: &Control, mark: u64, id: &str) -> Option<u64> {
    let edits = control.core().edits.since(mark);
    let ours = edits.iter().find(|edit| {
        edit.system == System::OnOffice && edit.actor == Actor::Api && *edit.id == *id
    });
    ours.map(|edit| edit.sequence)
}

fn refused_tokens(control: &Control) -> u64 {
    let counts = control.core().counts.all();
    let routes = counts
        .get(&System::HighLevel)
        .into_iter()
        .flat_map(|counts| &counts.routes);
    routes
        .filter(|route| route.status == 401)
        .map(|route| route.count)
        .sum()
}

fn given_up(control: &Control, system: System) -> u64 {
    let counts = control.core().counts.all();
    counts.get(&system).map_or(0, |counts| counts.given_up)
}
