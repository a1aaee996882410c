//! Edits at both ends, with HighLevel between them, and companies.

use anyhow::Result;
use sandbox::{
    System,
    judge::{Belonging, Held},
    officernd::Kind,
};
use serde_json::json;

use super::{Stage, people::made_once};

/// Edits at both ends, with HighLevel between them.
pub(in crate::demo) fn through_the_hub(stage: &mut Stage<'_>) -> Result<()> {
    stage.play(
        "through_the_hub",
        "An address edited in onOffice: it reaches OfficeRnD through HighLevel",
        |stage| {
            let trio = stage.trio()?;
            stage.edit_onoffice(
                &trio.pair.onoffice,
                &json!({"Strasse": "Brückengasse 3", "Plz": "88662", "Ort": "Überlingen"}),
            )?;
            let test = |held: &Held| held.street == "Brückengasse 3" && held.postcode == "88662";
            let what = "the new address";
            stage.says(System::HighLevel, &trio.pair.highlevel, what, test);
            stage.says(System::OfficeRnd, &trio.officernd, what, test);
            Ok(())
        },
    )?;
    stage.play(
        "through_the_hub_back",
        "An e-mail address edited in OfficeRnD: it reaches onOffice through HighLevel",
        |stage| {
            let trio = stage.trio()?;
            let email = format!("neu.{}@werkhof.example", trio.pair.onoffice);
            stage.edit_officernd(&trio.officernd, &json!({"email": email}))?;
            let test = move |held: &Held| held.email == email;
            let what = "the new e-mail address";
            stage.says(System::HighLevel, &trio.pair.highlevel, what, test.clone());
            stage.says(System::OnOffice, &trio.pair.onoffice, what, test);
            Ok(())
        },
    )?;
    stage.play(
        "consent",
        "Newsletters are refused in onOffice: HighLevel and OfficeRnD write to nobody who said no",
        |stage| {
            let trio = stage.trio()?;
            stage.edit_onoffice(&trio.pair.onoffice, &json!({"newsletter_aktiv": "0"}))?;
            let test = |held: &Held| held.refuses_mail;
            let what = "newsletters are refused";
            stage.says(System::HighLevel, &trio.pair.highlevel, what, test);
            stage.says(System::OfficeRnd, &trio.officernd, what, test);
            Ok(())
        },
    )?;
    stage.play(
        "both_ends",
        "One person edited at both ends at once, in different fields",
        |stage| {
            let trio = stage.trio()?;
            stage.edit_officernd(&trio.officernd, &json!({"name": "Ottilie Zwischenahn"}))?;
            stage.edit_onoffice(&trio.pair.onoffice, &json!({"Strasse": "Endweg 1"}))?;
            let test = |held: &Held| {
                held.whole_name().trim() == "Ottilie Zwischenahn" && held.street == "Endweg 1"
            };
            let what = "both edits";
            stage.says(System::HighLevel, &trio.pair.highlevel, what, test);
            stage.says(System::OnOffice, &trio.pair.onoffice, what, test);
            stage.says(System::OfficeRnd, &trio.officernd, what, test);
            Ok(())
        },
    )?;
    stage.play(
        "opportunity_each_way",
        "An opportunity with one member in HighLevel, and one in OfficeRnD",
        |stage| {
            let trio = stage.trio()?;
            let (here, there) = ("Zwei Tische", "Ein Büro");
            let control = stage.control;
            let pipelines =
                control.act(System::HighLevel, "things", &json!({"kind": "pipeline"}))?;
            let fields = json!({"name": here, "contactId": trio.pair.highlevel, "status": "open",
                "pipelineId": pipelines[0]["id"],
                "pipelineStageId": pipelines[0]["stages"][0]["id"]});
            let made = json!({"kind": "opportunity", "fields": fields});
            control.act(System::HighLevel, "make_thing", &made)?;
            let won = control.officernd(|state| {
                let mut all = state.all(Kind::OpportunityStatus).iter();
                all.find(|status| status.text("description").contains(" won "))
                    .map(|status| status.id.to_string())
            });
            let made = json!({"name": there, "member": trio.officernd, "status": won});
            control.act(System::OfficeRnd, "create_opportunity", &made)?;
            let people = [
                (System::HighLevel, &*trio.pair.highlevel),
                (System::OfficeRnd, &*trio.officernd),
            ];
            stage.each_has(Belonging::Opportunities, &people, &[here, there]);
            Ok(())
        },
    )?;
    stage.play("new_member", "A new member in OfficeRnD", |stage| {
        stage.control.act(
            System::OfficeRnd,
            "create_member",
            &json!({
                "name": "Hannelore Bodman", "email": "h.bodman@werkhof.example",
                "phone": "+4977711234567",
            }),
        )?;
        for system in [System::HighLevel, System::OnOffice] {
            let what = format!("{system} got Hannelore Bodman, once");
            stage.claim(what, move |sight| made_once(sight, system, "Bodman"));
        }
        Ok(())
    })?;
    stage.play(
        "into_scope",
        "A HighLevel contact gets the tag for coworkers",
        |stage| {
            let pair = stage.pair()?;
            stage.highlevel_tags("add_tags", &pair.highlevel, &["coworking"])?;
            let email = stage.held_by(System::HighLevel, &pair.highlevel)?.email;
            stage.claim("OfficeRnD got the member", move |sight| {
                let mut members = sight.living(System::OfficeRnd);
                members.any(|held| held.by_client && held.email.eq_ignore_ascii_case(&email))
            });
            Ok(())
        },
    )?;
    stage.play(
        "member_deleted",
        "A member is deleted in OfficeRnD: one question, and nothing is deleted elsewhere",
        |stage| {
            let trio = stage.trio()?;
            stage.control.act(
                System::OfficeRnd,
                "delete_member",
                &json!({"id": trio.officernd}),
            )?;
            let id = trio.officernd;
            stage.claim("the member is gone from OfficeRnD", move |sight| {
                let held = sight.person(System::OfficeRnd, &id);
                held.is_some_and(|held| held.gone)
            });
            let (contact, address) = (&trio.pair.highlevel, &trio.pair.onoffice);
            stage.says(System::HighLevel, contact, "stays", |_| true);
            stage.says(System::OnOffice, address, "stays", |held| !held.archived);
            Ok(())
        },
    )
}

/// People move between companies, and a company (by its id in OfficeRnD) gets another name.
pub(in crate::demo) fn companies(stage: &mut Stage<'_>, company: Option<&str>) -> Result<()> {
    const NEW: &str = "Seehandlung am Werkhof";
    stage.play(
        "company_moves",
        "A member moves to a company that is new in OfficeRnD, and another one begins there: HighLevel gets the company, and both belong to it",
        |stage| {
            let trio = stage.trio()?;
            stage.edit_officernd(&trio.officernd, &json!({"companyName": NEW}))?;
            stage.control.act(
                System::OfficeRnd,
                "create_member",
                &json!({
                    "name": "Gundula Mainau", "email": "g.mainau@werkhof.example",
                    "companyName": NEW,
                }),
            )?;
            let moved = trio.pair.highlevel;
            stage.claim("HighLevel has the company once, and both belong to it", move |sight| {
                let mut named = sight
                    .businesses
                    .iter()
                    .filter(|business| !business.gone && business.name == NEW);
                let (Some(business), None) = (named.next(), named.next()) else {
                    return false;
                };
                let mut members = sight
                    .living(System::HighLevel)
                    .filter(|held| held.company_id == business.id)
                    .map(|held| held.id == moved || held.last_name == "Mainau");
                members.by_ref().take(2).filter(|known| *known).count() == 2
                    && members.next().is_none()
            });
            Ok(())
        },
    )?;
    let Some(company) = company else {
        return Ok(());
    };
    stage.play(
        "company_renamed",
        "A company gets another name and description in OfficeRnD",
        |stage| {
            const NAME: &str = "Bodensee Werkstatt eG";
            const DESCRIPTION: &str = "Werkstatt am See, seit 1921";
            stage.control.act(
                System::OfficeRnd,
                "edit_company",
                &json!({"id": company, "fields": {"name": NAME, "description": DESCRIPTION}}),
            )?;
            stage.claim("HighLevel has both", |sight| {
                sight
                    .businesses
                    .iter()
                    .any(|business| business.name == NAME && business.description == DESCRIPTION)
            });
            Ok(())
        },
    )
}
