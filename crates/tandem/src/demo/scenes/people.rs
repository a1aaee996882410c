//! Edits of people in HighLevel and onOffice while all is well, and how records end.

use anyhow::Result;
use sandbox::{
    Actor, Operation, System,
    judge::{Belonging, Held},
};
use serde_json::json;

use super::Stage;
use crate::demo::proof::Sight;

/// Edits while all is well.
pub(in crate::demo) fn plain_edits(stage: &mut Stage<'_>) -> Result<()> {
    stage.play(
        "disjoint_edits",
        "One person edited on both sides at once, in different fields",
        |stage| {
            let pair = stage.pair()?;
            let website = "https://lindau.example";
            stage.edit_highlevel(&pair.highlevel, &json!({"website": website}))?;
            stage.edit_onoffice(&pair.onoffice, &json!({"Strasse": "Seeweg 12"}))?;
            stage.both_live_in(&pair, "Seeweg 12");
            stage.says(
                System::OnOffice,
                &pair.onoffice,
                "the website",
                move |held| held.website == website,
            );
            Ok(())
        },
    )?;
    stage.play(
        "task_each_way",
        "A task for one person in HighLevel, and one in onOffice",
        |stage| {
            let pair = stage.pair()?;
            let (here, there) = ("Anrufen", "Exposé schicken");
            let fields = json!({"contactId": pair.highlevel, "title": here, "dueDate": "2027-01-15T09:00:00.000Z"});
            let made = json!({"kind": "task", "fields": fields});
            stage.control.act(System::HighLevel, "create_item", &made)?;
            let address: u64 = pair.onoffice.parse()?;
            let data = json!({"Betreff": there, "Art": 155, "Deadline": "2027-01-16 10:00:00", "Deadline_strikt": 1});
            let made = json!({"action": "create", "resource": "task",
                "parameters": {"data": data, "relatedAddressId": address}});
            stage.control.act(System::OnOffice, "perform", &made)?;
            let people = [
                (System::HighLevel, &*pair.highlevel),
                (System::OnOffice, &*pair.onoffice),
            ];
            stage.each_has(Belonging::Tasks, &people, &[here, there]);
            Ok(())
        },
    )?;
    stage.play(
        "note_each_way",
        "A note about one person in HighLevel, and an entry of the activity log in onOffice",
        |stage| {
            let pair = stage.pair()?;
            let (here, there) = ("sucht drei Zimmer", "hat einen Hund");
            let fields = json!({"contactId": pair.highlevel, "body": here});
            let made = json!({"kind": "note", "fields": fields});
            stage.control.act(System::HighLevel, "create_item", &made)?;
            let address: u64 = pair.onoffice.parse()?;
            let made = json!({"action": "create", "resource": "agentslog",
                "parameters": {"addressids": [address], "actionkind": "Notiz", "note": there}});
            stage.control.act(System::OnOffice, "perform", &made)?;
            let people = [
                (System::HighLevel, &*pair.highlevel),
                (System::OnOffice, &*pair.onoffice),
            ];
            stage.each_has(Belonging::Notes("Notiz"), &people, &[here, there]);
            Ok(())
        },
    )?;
    stage.play(
        "appointment_each_way",
        "A viewing with one person in HighLevel's calendar and one in onOffice's, on both sides of the change of the clock",
        |stage| {
            let pair = stage.pair()?;
            let (here, there) = ("Besichtigung Seeweg", "Übergabe der Schlüssel");
            let calendars = stage
                .control
                .act(System::HighLevel, "things", &json!({"kind": "calendar"}))?;
            let fields = json!({"title": here, "contactId": pair.highlevel,
                "calendarId": calendars[0]["id"], "appointmentStatus": "confirmed",
                "startTime": "2027-03-26T09:00:00Z", "endTime": "2027-03-26T10:00:00Z"});
            let made = json!({"kind": "appointment", "fields": fields});
            stage.control.act(System::HighLevel, "make_thing", &made)?;
            let address: u64 = pair.onoffice.parse()?;
            let data = json!({"description": there, "start_dt": "2027-03-29 10:00:00",
                "end_dt": "2027-03-29 11:00:00", "ganztags": false, "art": "Besichtigung"});
            let made = json!({"action": "create", "resource": "calendar",
                "parameters": {"data": data, "relatedAddressIds": [address]}});
            stage.control.act(System::OnOffice, "perform", &made)?;
            let people = [
                (System::HighLevel, &*pair.highlevel),
                (System::OnOffice, &*pair.onoffice),
            ];
            stage.each_has(Belonging::Appointments, &people, &[here, there]);
            Ok(())
        },
    )?;
    stage.play(
        "conflict_asked",
        "One birthday changed on both sides, differently: a conflict that the rules leave to a person",
        |stage| {
            let pair = stage.pair()?;
            stage.edit_highlevel(&pair.highlevel, &json!({"dateOfBirth": "1980-02-01"}))?;
            stage.edit_onoffice(&pair.onoffice, &json!({"Geburtsdatum": "1980-01-02"}))?;
            let born = |day: &'static str| move |held: &Held| held.birthday == day;
            let kept = "the birthday is kept until a person decides";
            stage.says(System::HighLevel, &pair.highlevel, kept, born("1980-02-01"));
            stage.says(System::OnOffice, &pair.onoffice, kept, born("1980-01-02"));
            Ok(())
        },
    )?;
    stage.play(
        "conflict_decided",
        "One website changed on both sides, differently: a conflict that the rules decide",
        |stage| {
            let pair = stage.pair()?;
            let (winner, loser) = (
                "https://konstanz.example",
                "https://friedrichshafen.example",
            );
            stage.edit_highlevel(&pair.highlevel, &json!({"website": winner}))?;
            stage.edit_onoffice(&pair.onoffice, &json!({"Homepage": loser}))?;
            let test = move |held: &Held| held.website == winner;
            stage.says(System::HighLevel, &pair.highlevel, "its own website", test);
            stage.says(
                System::OnOffice,
                &pair.onoffice,
                "HighLevel's website",
                test,
            );
            Ok(())
        },
    )?;
    stage.play(
        "creates",
        "A new contact in HighLevel, and one in onOffice",
        |stage| {
            stage.control.act(
                System::HighLevel,
                "create_contact",
                &json!({
                    "firstName": "Friederike", "lastName": "Immensee",
                    "email": "f.immensee@example.com", "phone": "+4975311234501",
                    "address1": "Uferpromenade 3", "city": "Konstanz", "postalCode": "78462",
                    "country": "DE", "tags": ["Interessent Miete"],
                }),
            )?;
            stage.control.act(
                System::OnOffice,
                "create",
                &json!({"fields": {
                    "Vorname": "Leopold", "Name": "Ammergau", "email": "leopold@ammergau.example",
                    "phone": "08821 / 44 55 66", "Strasse": "Dorfplatz 1", "Plz": "82487",
                    "Ort": "Oberammergau", "Land": "DEU", "ArtDaten": ["Eigentümer"],
                }}),
            )?;
            stage.claim("onOffice got Friederike Immensee, once", |sight| {
                made_once(sight, System::OnOffice, "Immensee")
            });
            stage.claim("HighLevel got Leopold Ammergau, once", |sight| {
                made_once(sight, System::HighLevel, "Ammergau")
            });
            Ok(())
        },
    )
}

/// Whether a client made exactly one record of this name, and nobody else did.
pub(super) fn made_once(sight: &Sight, system: System, last_name: &str) -> bool {
    let named: Vec<&Held> = sight
        .living(system)
        .filter(|held| held.last_name == last_name || held.name.ends_with(last_name))
        .collect();
    matches!(named[..], [one] if one.by_client)
}

/// Somebody has two tags on both sides, so that there is something to remove on each.
pub(in crate::demo) fn tags_to_begin_with(stage: &mut Stage<'_>) -> Result<()> {
    let Ok(pair) = stage.pair() else {
        return Ok(());
    };
    stage.highlevel_tags("add_tags", &pair.highlevel, &["Eigentümer", "Tippgeber"])?;
    stage.highlevel_tags(
        "remove_tags",
        &pair.highlevel,
        &["Interessent Kauf", "Kunde"],
    )?;
    stage.tagged = Some(pair);
    Ok(())
}

/// One tag comes and one goes on each side.
pub(in crate::demo) fn tags(stage: &mut Stage<'_>) -> Result<()> {
    stage.play(
        "tags",
        "A tag added and another removed in HighLevel, and a category added and another removed in onOffice, of one person",
        |stage| {
            let pair = match stage.tagged.take() {
                Some(pair) => pair,
                None => stage.pair()?,
            };
            let before = stage.held_by(System::OnOffice, &pair.onoffice)?.tags;
            let began = ["Eigentümer", "Tippgeber"]
                .iter()
                .all(|tag| before.iter().any(|own| own == tag));
            stage.claim("onOffice had both categories before", move |_| began);
            let mut after = before;
            after.retain(|tag| tag != "Eigentümer");
            after.push("Kunde".to_owned());
            stage.highlevel_tags("add_tags", &pair.highlevel, &["Interessent Kauf"])?;
            stage.highlevel_tags("remove_tags", &pair.highlevel, &["Tippgeber"])?;
            stage.edit_onoffice(&pair.onoffice, &json!({"ArtDaten": after}))?;
            for (system, id) in [
                (System::HighLevel, &pair.highlevel),
                (System::OnOffice, &pair.onoffice),
            ] {
                for (tag, there) in [
                    ("interessent kauf", true),
                    ("kunde", true),
                    ("tippgeber", false),
                    ("eigentümer", false),
                ] {
                    let what = format!("{} {tag}", if there { "with" } else { "without" });
                    stage.says(system, id, &what, move |held| {
                        held.tags.iter().any(|own| own.to_lowercase() == tag) == there
                    });
                }
            }
            Ok(())
        },
    )
}

/// A delete and a merge.
pub(in crate::demo) fn endings(stage: &mut Stage<'_>) -> Result<()> {
    stage.play("delete", "A contact is deleted in HighLevel", |stage| {
        let pair = stage.pair()?;
        stage.control.act(
            System::HighLevel,
            "delete_contact",
            &json!({"id": pair.highlevel}),
        )?;
        let id = pair.highlevel;
        stage.claim("the contact is gone from HighLevel", move |sight| {
            let held = sight.person(System::HighLevel, &id);
            held.is_some_and(|held| held.gone)
        });
        stage.says(
            System::OnOffice,
            &pair.onoffice,
            "stays until a person decides",
            |held| !held.archived,
        );
        Ok(())
    })?;
    stage.play("merge", "Two contacts are merged in HighLevel", |stage| {
        let (winner, loser) = (stage.pair()?, stage.pair()?);
        stage.control.act(
            System::HighLevel,
            "merge_contacts",
            &json!({"winner": winner.highlevel, "loser": loser.highlevel}),
        )?;
        let id = loser.highlevel;
        stage.claim("HighLevel merged one contact into another", move |sight| {
            sight.edits.iter().any(|edit| {
                edit.system == System::HighLevel
                    && edit.actor == Actor::User
                    && edit.operation == Operation::Merge
                    && *edit.id == *id
            })
        });
        for pair in [winner.onoffice, loser.onoffice] {
            stage.says(System::OnOffice, &pair, "stays", |held| !held.archived);
        }
        Ok(())
    })
}
