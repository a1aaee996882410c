//! The edits that the demo plays, as people would make them in the two systems, and what goes wrong
//! meanwhile. Each scene names what it shows; nothing here knows how Tandem works.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use sandbox::{Control, Fault, Rule, System};
use serde_json::{Value as Json, json};

/// Two linked records, by their ids at the vendors.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) highlevel: String,
    pub(super) onoffice: String,
}

/// Records of one person that are linked across all three systems.
#[derive(Debug, Clone)]
pub(super) struct Trio {
    pub(super) pair: Pair,
    pub(super) officernd: String,
}

/// What a scene works with.
pub(super) struct Stage<'a> {
    pub(super) control: &'a Control,
    pairs: std::vec::IntoIter<Pair>,
    trios: std::vec::IntoIter<Trio>,
    /// What was played, in words.
    pub(super) played: Vec<String>,
}

impl<'a> Stage<'a> {
    /// A stage with these records to play on; each scene takes some of its own.
    pub(super) fn new(control: &'a Control, pairs: Vec<Pair>, trios: Vec<Trio>) -> Self {
        Self {
            control,
            pairs: pairs.into_iter(),
            trios: trios.into_iter(),
            played: Vec::new(),
        }
    }

    fn pair(&mut self) -> Result<Pair> {
        self.pairs
            .next()
            .context("there are too few linked pairs to play on; use a larger population")
    }

    fn trio(&mut self) -> Result<Trio> {
        self.trios
            .next()
            .context("there are too few people in all three systems; use a larger population")
    }

    fn say(&mut self, what: &str) {
        super::say(&format!("  · {what}"));
        self.played.push(what.to_owned());
    }

    fn edit_highlevel(&self, id: &str, fields: &Json) -> Result<()> {
        self.control.act(
            System::HighLevel,
            "edit_contact",
            &json!({"id": id, "fields": fields}),
        )?;
        Ok(())
    }

    fn edit_onoffice(&self, id: &str, fields: &Json) -> Result<()> {
        let id: u32 = id.parse().context("onOffice's ids are numbers")?;
        self.control.act(
            System::OnOffice,
            "edit",
            &json!({"id": id, "fields": fields}),
        )?;
        Ok(())
    }

    fn edit_officernd(&self, id: &str, fields: &Json) -> Result<()> {
        self.control.act(
            System::OfficeRnd,
            "edit_member",
            &json!({"id": id, "fields": fields}),
        )?;
        Ok(())
    }

    fn tags(&self, act: &str, id: &str, tags: &[&str]) -> Result<()> {
        self.control
            .act(System::HighLevel, act, &json!({"id": id, "tags": tags}))?;
        Ok(())
    }

    fn webhook(&self, event: &str, fault: Fault) {
        self.control.core().faults.add(Rule {
            event: Some(event.to_owned()),
            count: Some(1),
            ..rule(System::HighLevel, fault)
        });
    }
}

fn rule(system: System, fault: Fault) -> Rule {
    Rule {
        system,
        method: None,
        path: None,
        action: None,
        event: None,
        nth: None,
        every: None,
        rate: None,
        count: Some(1),
        fault,
    }
}

/// Edits while all is well.
pub(super) fn plain_edits(stage: &mut Stage<'_>) -> Result<()> {
    let pair = stage.pair()?;
    stage.say("One person edited on both sides at once, in different fields");
    stage.edit_highlevel(
        &pair.highlevel,
        &json!({"website": "https://lindau.example"}),
    )?;
    stage.edit_onoffice(&pair.onoffice, &json!({"Strasse": "Seeweg 12"}))?;

    let pair = stage.pair()?;
    stage.say("One birthday changed on both sides, differently: a conflict that the rules leave to a person");
    stage.edit_highlevel(&pair.highlevel, &json!({"dateOfBirth": "1980-02-01"}))?;
    stage.edit_onoffice(&pair.onoffice, &json!({"Geburtsdatum": "1980-01-02"}))?;

    let pair = stage.pair()?;
    stage.say("One website changed on both sides, differently: a conflict that the rules decide");
    stage.edit_highlevel(
        &pair.highlevel,
        &json!({"website": "https://konstanz.example"}),
    )?;
    stage.edit_onoffice(
        &pair.onoffice,
        &json!({"Homepage": "https://friedrichshafen.example"}),
    )?;

    let pair = stage.pair()?;
    stage.say("Tags added on both sides, one removed");
    stage.tags(
        "add_tags",
        &pair.highlevel,
        &["Interessent Kauf", "Tippgeber"],
    )?;
    stage.edit_onoffice(&pair.onoffice, &json!({"ArtDaten": ["Kunde"]}))?;
    stage.tags("remove_tags", &pair.highlevel, &["Tippgeber"])?;

    stage.say("A new contact in HighLevel, and one in onOffice");
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
    Ok(())
}

/// Edits at both ends, with HighLevel between them.
pub(super) fn through_the_hub(stage: &mut Stage<'_>) -> Result<()> {
    let trio = stage.trio()?;
    stage.say("An address edited in onOffice: it reaches OfficeRnD through HighLevel");
    stage.edit_onoffice(
        &trio.pair.onoffice,
        &json!({"Strasse": "Brückengasse 3", "Plz": "88662", "Ort": "Überlingen"}),
    )?;

    let trio = stage.trio()?;
    stage.say("An e-mail address edited in OfficeRnD: it reaches onOffice through HighLevel");
    stage.edit_officernd(
        &trio.officernd,
        &json!({"email": format!("neu.{}@werkhof.example", trio.pair.onoffice)}),
    )?;

    let trio = stage.trio()?;
    stage.say("One person edited at both ends at once, in different fields");
    stage.edit_officernd(&trio.officernd, &json!({"name": "Ottilie Zwischenahn"}))?;
    stage.edit_onoffice(&trio.pair.onoffice, &json!({"Strasse": "Endweg 1"}))?;

    stage.say("A new member in OfficeRnD, and a HighLevel contact that gets the tag for coworkers");
    stage.control.act(
        System::OfficeRnd,
        "create_member",
        &json!({
            "name": "Hannelore Bodman", "email": "h.bodman@werkhof.example",
            "phone": "+4977711234567",
        }),
    )?;
    let pair = stage.pair()?;
    stage.tags("add_tags", &pair.highlevel, &["coworking"])?;

    let trio = stage.trio()?;
    stage.say("A member is deleted in OfficeRnD: one question, and nothing is deleted elsewhere");
    stage.control.act(
        System::OfficeRnd,
        "delete_member",
        &json!({"id": trio.officernd}),
    )?;
    Ok(())
}

/// People move between companies, and a company (by its id in OfficeRnD) gets another name.
pub(super) fn companies(stage: &mut Stage<'_>, company: Option<&str>) -> Result<()> {
    let trio = stage.trio()?;
    stage.say("A member moves to a company that is new in OfficeRnD, and another one begins there: HighLevel gets the company, and both belong to it");
    stage.edit_officernd(
        &trio.officernd,
        &json!({"companyName": "Seehandlung am Werkhof"}),
    )?;
    stage.control.act(
        System::OfficeRnd,
        "create_member",
        &json!({
            "name": "Gundula Mainau", "email": "g.mainau@werkhof.example",
            "companyName": "Seehandlung am Werkhof",
        }),
    )?;
    if let Some(company) = company {
        stage.say("A company gets another name in OfficeRnD");
        stage.control.act(
            System::OfficeRnd,
            "edit_company",
            &json!({"id": company, "fields": {"name": "Bodensee Werkstatt eG"}}),
        )?;
    }
    Ok(())
}

/// Webhooks that are lost, doubled, late or out of order.
pub(super) fn lying_webhooks(stage: &mut Stage<'_>) -> Result<()> {
    let (lost, doubled, late, order) = (stage.pair()?, stage.pair()?, stage.pair()?, stage.pair()?);
    stage.say("Four edits in HighLevel whose webhooks are lost, doubled, late and out of order");
    stage.webhook("ContactUpdate", Fault::Lost);
    stage.edit_highlevel(&lost.highlevel, &json!({"address1": "Verlorene Gasse 1"}))?;
    stage.webhook("ContactUpdate", Fault::Doubled);
    stage.edit_highlevel(&doubled.highlevel, &json!({"address1": "Doppelstrasse 2"}))?;
    stage.webhook("ContactUpdate", Fault::Delayed { ms: 3_000 });
    stage.edit_highlevel(&late.highlevel, &json!({"address1": "Spätweg 3"}))?;
    stage.webhook("ContactUpdate", Fault::Reordered);
    stage.edit_highlevel(&order.highlevel, &json!({"address1": "Erst 4"}))?;
    stage.edit_highlevel(&order.highlevel, &json!({"address1": "Danach 4"}))?;
    Ok(())
}

/// Answers that fail: an expired token, a 500, a time-out after the effect.
pub(super) fn failing_answers(stage: &mut Stage<'_>) -> Result<()> {
    stage.say("HighLevel's access token expires early");
    stage
        .control
        .act(System::HighLevel, "expire_tokens", &json!({}))?;
    let pair = stage.pair()?;
    stage.edit_onoffice(&pair.onoffice, &json!({"Plz": "10115"}))?;

    stage.say("HighLevel answers a write with 500, and onOffice drops the answer of one that it carried out");
    let (failed, dropped) = (stage.pair()?, stage.pair()?);
    stage.control.core().faults.add(Rule {
        method: Some("PUT".to_owned()),
        path: Some("/contacts/{contactId}".to_owned()),
        ..rule(
            System::HighLevel,
            Fault::Status {
                status: 500,
                body: None,
                headers: std::collections::BTreeMap::new(),
            },
        )
    });
    stage.edit_onoffice(&failed.onoffice, &json!({"Strasse": "Fehlerweg 500"}))?;
    stage.control.core().faults.add(Rule {
        action: Some("modify address".to_owned()),
        ..rule(System::OnOffice, Fault::DropAfter)
    });
    stage.edit_highlevel(&dropped.highlevel, &json!({"address1": "Funkstille 7"}))?;

    stage.say("onOffice makes a new address and the answer is lost");
    stage.control.core().faults.add(Rule {
        action: Some("create address".to_owned()),
        ..rule(System::OnOffice, Fault::DropAfter)
    });
    stage.control.act(
        System::HighLevel,
        "create_contact",
        &json!({
            "firstName": "Wendelin", "lastName": "Funkloch",
            "email": "wendelin.funkloch@example.com", "phone": "+4975311234502",
            "city": "Meersburg", "postalCode": "88709", "country": "DE",
        }),
    )?;
    Ok(())
}

/// A delete and a merge.
pub(super) fn endings(stage: &mut Stage<'_>) -> Result<()> {
    let (deleted, winner, loser) = (stage.pair()?, stage.pair()?, stage.pair()?);
    stage.say("A contact is deleted in HighLevel");
    stage.control.act(
        System::HighLevel,
        "delete_contact",
        &json!({"id": deleted.highlevel}),
    )?;
    stage.say("Two contacts are merged in HighLevel");
    stage.control.act(
        System::HighLevel,
        "merge_contacts",
        &json!({"winner": winner.highlevel, "loser": loser.highlevel}),
    )?;
    Ok(())
}

/// A value that one system refuses: an e-mail address that another contact has already.
pub(super) fn refusal(stage: &mut Stage<'_>) -> Result<()> {
    let (taken, wanting) = (stage.pair()?, stage.pair()?);
    let contact = stage.control.act(
        System::HighLevel,
        "get_contact",
        &json!({"id": taken.highlevel}),
    )?;
    let Some(email) = contact["email"].as_str() else {
        bail!(
            "contact {} has no e-mail address to play with",
            taken.highlevel
        );
    };
    stage.say("An onOffice address gets the e-mail address of another person: HighLevel refuses that field, and only that");
    stage.edit_onoffice(
        &wanting.onoffice,
        &json!({"Email": email, "Ort": "Überlingen"}),
    )
}

/// More edits at once than the limits let through.
pub(super) fn burst(stage: &mut Stage<'_>, edits: usize) -> Result<()> {
    stage.say(&format!(
        "{edits} contacts are edited in HighLevel within a second: more than its limit lets us read at once"
    ));
    for number in 0..edits {
        let pair = stage.pair()?;
        stage.edit_highlevel(
            &pair.highlevel,
            &json!({"address1": format!("Ansturmweg {number}")}),
        )?;
    }
    Ok(())
}

/// An edit that lands between our write and our read-back.
pub(super) async fn edit_in_between(stage: &mut Stage<'_>) -> Result<()> {
    let pair = stage.pair()?;
    stage
        .say("An onOffice address is edited just after Tandem wrote to it and before it read back");
    stage.control.core().faults.add(Rule {
        action: Some("modify address".to_owned()),
        ..rule(System::OnOffice, Fault::DelayAnswer { ms: 1_500 })
    });
    let before = writes_to(stage.control, &pair.onoffice);
    stage.edit_highlevel(&pair.highlevel, &json!({"address1": "Zwischenruf 8"}))?;
    for _ in 0..400 {
        if writes_to(stage.control, &pair.onoffice) > before {
            return stage.edit_onoffice(&pair.onoffice, &json!({"Strasse": "Dazwischen 9"}));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    bail!("no write came to play the edit in between on")
}

fn writes_to(control: &Control, id: &str) -> usize {
    control
        .core()
        .edits
        .since(0)
        .iter()
        .filter(|edit| {
            edit.system == System::OnOffice && edit.actor == sandbox::Actor::Api && *edit.id == *id
        })
        .count()
}
