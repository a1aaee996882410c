//! Opportunities: a stage on the left, a status on the right that is known by id and description only.

use anyhow::{Context, Result};
use record::Entity;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, Options, World, member_rules, members};

use store::{Review, ReviewKind};

use crate::support::{options, questions};

/// A world with one linked person and rules for opportunities.
struct Deals {
    world: World,
    contact: String,
    member: String,
    /// `PIPELINE/STAGE` of the first stage.
    first: String,
    /// The same of the second.
    second: String,
}

impl Deals {
    async fn new(more: Json) -> Result<Self> {
        // what the accounts are connected for
        let mut first = member_rules();
        first.entities.insert(
            Entity::Opportunity,
            serde_json::from_value(json!({
                "fields": [{"left": "name", "right": "name"}],
                "create": {"left": false, "right": false},
            }))?,
        );
        let mut world = World::new(Options {
            members: Some(first),
            ..options()
        })
        .await?;
        let viewing = world.act(
            OFFICERND,
            "add_opportunity_status",
            &json!({"description": "viewing", "probability": 40}),
        )?;
        ensure_id(&viewing)?;
        let pipelines = world.act(HIGHLEVEL, "things", &json!({"kind": "pipeline"}))?;
        let stage = |at: usize| {
            let pipeline = &pipelines[0];
            let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
            format!(
                "{}/{}",
                text(&pipeline["id"]),
                text(&pipeline["stages"][at]["id"])
            )
        };
        let (first, second) = (stage(0), stage(1));
        let mut opportunity = json!({
            "fields": [
                {"left": "name", "right": "name"},
                {"name": "contact", "left": "contactId", "right": "member"},
                {"name": "stage", "left": "stage", "right": "status", "values": {
                    "Sales: New lead": "System status for open opportunities",
                    "Sales: Viewing": "viewing",
                    "won": "System status for won opportunities",
                    "lost": "System status for lost opportunities",
                }},
                {"name": "value", "left": "monetaryValue", "right": "dealSize", "direction": "to_left"},
            ],
            "match": {"keys": []},
            "deletes": {"left": "propagate", "right": "propagate"},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            opportunity[key] = value.clone();
        }
        let mut rules = member_rules();
        rules
            .entities
            .insert(Entity::Opportunity, serde_json::from_value(opportunity)?);
        assert_eq!(world.apply_to(members(), rules).await, []);
        let contact = world.make(
            HIGHLEVEL,
            &json!({"firstName": "Anna", "lastName": "Brandt", "email": "anna@brandt.example",
                "tags": ["coworking"]}),
        )?;
        world.sync_of(&members()).await?;
        world.settle().await?;
        let member = world.living(OFFICERND).pop().context("a member")?.id;
        Ok(Self {
            world,
            contact,
            member,
            first,
            second,
        })
    }

    /// A full run, and everything that follows from it.
    async fn run(&self) -> Result<()> {
        self.world.sync_of(&members()).await?;
        self.world.settle().await
    }

    fn all(&self, gone: bool) -> Result<Vec<Json>> {
        let all = self
            .world
            .act(HIGHLEVEL, "things", &json!({"kind": "opportunity"}))?;
        let all = all.as_array().cloned().unwrap_or_default();
        Ok(all.into_iter().filter(|one| one["gone"] == gone).collect())
    }

    fn left(&self) -> Result<Json> {
        let mut all = self.all(false)?;
        anyhow::ensure!(all.len() == 1, "{all:#?}");
        all.pop().context("one")
    }

    fn right(&self) -> Vec<(String, String, String, String)> {
        self.world.control.officernd(|state| {
            let living = state
                .all(sandbox::officernd::Kind::Opportunity)
                .iter()
                .filter(|record| record.deleted_ms.is_none());
            living
                .map(|record| {
                    let status = state.get(
                        sandbox::officernd::Kind::OpportunityStatus,
                        record.text("status"),
                    );
                    (
                        record.id.to_string(),
                        record.text("name").to_owned(),
                        record.text("member").to_owned(),
                        status.map_or_else(String::new, |status| {
                            status.text("description").to_owned()
                        }),
                    )
                })
                .collect()
        })
    }

    fn make(&self, name: &str, stage: &str) -> Result<String> {
        let (pipeline, stage) = stage.split_once('/').context("a stage")?;
        let made = self.world.act(
            HIGHLEVEL,
            "make_thing",
            &json!({"kind": "opportunity", "fields": {"name": name, "contactId": self.contact,
                "pipelineId": pipeline, "pipelineStageId": stage, "status": "open"}}),
        )?;
        Ok(made["id"].as_str().context("an id")?.to_owned())
    }

    fn change(&self, id: &str, fields: Json) -> Result<()> {
        let input = json!({"kind": "opportunity", "id": id, "fields": fields});
        self.world.act(HIGHLEVEL, "change_thing", &input).map(drop)
    }

    fn status(&self, description: &str) -> Result<String> {
        self.world.control.officernd(|state| {
            state
                .all(sandbox::officernd::Kind::OpportunityStatus)
                .iter()
                .find(|status| status.text("description") == description)
                .map(|status| status.id.to_string())
                .context("a status")
        })
    }
}

fn ensure_id(made: &Json) -> Result<()> {
    made["_id"].as_str().context("an id").map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_crosses_both_ways_with_its_contact() -> Result<()> {
    let deals = Deals::new(json!({})).await?;
    let id = deals.make("Two desks", &deals.first)?;
    deals.run().await?;
    let made = deals.right();
    let [(there, name, member, status)] = &made[..] else {
        anyhow::bail!("{made:?}")
    };
    assert_eq!(
        (&**name, &**member, &**status),
        (
            "Two desks",
            &*deals.member,
            "System status for open opportunities"
        )
    );

    deals.change(&id, json!({"status": "won"}))?;
    deals.world.poll().await?;
    assert_eq!(deals.right()[0].3, "System status for won opportunities");

    let status = deals.status("viewing")?;
    deals.world.act(
        OFFICERND,
        "edit_opportunity",
        &json!({"id": there, "fields": {"status": status}}),
    )?;
    deals.world.poll().await?;
    let left = deals.left()?;
    let stage = format!(
        "{}/{}",
        left["pipelineId"].as_str().unwrap_or_default(),
        left["pipelineStageId"].as_str().unwrap_or_default()
    );
    assert_eq!((&*stage, &left["status"]), (&*deals.second, &json!("open")));

    // Nothing more is written once both agree.
    let writes = deals.world.writes();
    deals.run().await?;
    assert_eq!(deals.world.writes(), writes);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_made_at_the_other_end_gets_its_contact_and_a_delete_crosses() -> Result<()> {
    let deals = Deals::new(json!({})).await?;
    // An empty list would be no proof that one was deleted.
    deals.make("Two desks", &deals.first)?;
    let status = deals.status("System status for lost opportunities")?;
    let made = deals.world.act(
        OFFICERND,
        "create_opportunity",
        &json!({"name": "Team room", "member": deals.member, "status": status}),
    )?;
    deals.run().await?;
    let all = deals.all(false)?;
    assert_eq!(all.len(), 2, "{all:#?}");
    let left = all
        .iter()
        .find(|one| one["name"] == "Team room")
        .context("the opportunity")?;
    assert_eq!(left["contactId"], json!(deals.contact));
    assert_eq!(left["status"], "lost");

    deals
        .world
        .act(OFFICERND, "delete_opportunity", &json!({"id": made["_id"]}))?;
    deals.run().await?;
    let open = crate::support::questions(&deals.world).await?;
    assert_eq!(deals.left()?["name"], "Two desks", "{open:#?}");
    assert_eq!(deals.all(true)?.len(), 1);
    assert_eq!(deals.right().len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_stage_has_no_counterpart_is_not_made_and_says_so() -> Result<()> {
    let deals = Deals::new(json!({})).await?;
    // the third stage stands in no pair
    let pipelines = deals
        .world
        .act(HIGHLEVEL, "things", &json!({"kind": "pipeline"}))?;
    let third = format!(
        "{}/{}",
        pipelines[0]["id"].as_str().context("an id")?,
        pipelines[0]["stages"][2]["id"].as_str().context("an id")?
    );
    let id = deals.make("Offer out", &third)?;
    deals.run().await?;
    let made = deals.right();
    assert!(
        made.iter()
            .all(|(_, name, _, status)| name == "Offer out" && status.is_empty()),
        "{made:?}"
    );
    deals.change(&id, json!({"status": "won"}))?;
    deals.run().await?;
    assert_eq!(deals.right().len(), 1);
    assert_eq!(deals.right()[0].3, "System status for won opportunities");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_on_both_sides_at_one_stage_is_one_and_at_another_a_question() -> Result<()> {
    let deals = Deals::new(json!({})).await?;
    for (name, status) in [
        ("two desks", "System status for open opportunities"),
        ("Conference", "viewing"),
    ] {
        let fields = json!({"name": name, "member": deals.member, "status": deals.status(status)?});
        deals.world.act(OFFICERND, "create_opportunity", &fields)?;
    }
    deals.make("Two Desks", &deals.first)?;
    deals.make("Conference", &deals.first)?;
    deals.run().await?;
    assert_eq!((deals.all(false)?.len(), deals.right().len()), (2, 2));
    let open = questions(&deals.world).await?;
    let about = |review: &Review| {
        review.kind == ReviewKind::Ambiguous && review.summary.contains("almost the same")
    };
    assert!(open.len() == 2 && open.iter().all(about), "{open:#?}");
    let links = deals.world.engine().links(&members(), None, 0).await?;
    let of = links
        .iter()
        .filter(|link| link.entity == Entity::Opportunity);
    assert_eq!(of.count(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_amount_is_only_read_there_and_never_sent() -> Result<()> {
    let deals = Deals::new(json!({})).await?;
    let id = deals.make("Two desks", &deals.first)?;
    deals.change(&id, json!({"monetaryValue": 700}))?;
    deals.run().await?;
    let made = deals.right();
    assert_eq!(made.len(), 1, "it is made without an amount: {made:?}");
    // another amount here is nothing to be written there
    let mark = deals.world.edit_mark();
    deals.change(&id, json!({"monetaryValue": 900}))?;
    deals.run().await?;
    let written = deals.world.api_edits(mark);
    assert!(
        written.iter().all(|edit| edit.system != OFFICERND),
        "{written:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_both_ways_and_a_status_that_there_is_not_are_refused_with_what_to_do()
-> Result<()> {
    let deals = Deals::new(json!({})).await?;
    let refused = async |fields: Json| -> Result<String> {
        let mut rules = member_rules();
        let opportunity = json!({"fields": fields, "match": {"keys": []}});
        rules
            .entities
            .insert(Entity::Opportunity, serde_json::from_value(opportunity)?);
        let (engine, accounts) = (deals.world.engine(), &deals.world.connections);
        let problems = engine.check_rules(accounts, &members(), &rules).await?;
        Ok(format!("{problems:?}"))
    };
    let contact = json!({"name": "contact", "left": "contactId", "right": "member"});
    let amount = json!([
        {"left": "name", "right": "name"},
        contact,
        {"name": "value", "left": "monetaryValue", "right": "dealSize"},
    ]);
    let told = refused(amount).await?;
    for word in ["dealSize", "to_left"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let status = json!([
        {"left": "name", "right": "name"},
        contact,
        {"name": "stage", "left": "stage", "right": "status", "values": {"Sales: New lead": "Besichtigung"}},
    ]);
    let told = refused(status).await?;
    for word in ["Besichtigung", "viewing"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_tells_of_an_opportunity_there_so_a_poll_finds_its_edits() -> Result<()> {
    let deals = Deals::new(json!({})).await?;
    deals.make("Two desks", &deals.first)?;
    deals.run().await?;
    let there = deals.right().pop().context("one")?.0;
    let edit = json!({"id": there, "fields": {"name": "Three desks"}});
    deals.world.act(OFFICERND, "edit_opportunity", &edit)?;
    deals.world.settle().await?;
    assert_eq!(deals.left()?["name"], "Two desks", "nobody told of it");
    deals.world.poll().await?;
    assert_eq!(deals.left()?["name"], "Three desks");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_map_may_name_a_status_by_its_id() -> Result<()> {
    let mut deals = Deals::new(json!({})).await?;
    let (open, viewing) = (
        deals.status("System status for open opportunities")?,
        deals.status("viewing")?,
    );
    let rules = |values: Json| -> Result<_> {
        let mut rules = member_rules();
        let opportunity = json!({
            "fields": [
                {"left": "name", "right": "name"},
                {"name": "contact", "left": "contactId", "right": "member"},
                {"name": "stage", "left": "stage", "right": "status", "values": values},
            ],
            "match": {"keys": []},
        });
        rules
            .entities
            .insert(Entity::Opportunity, serde_json::from_value(opportunity)?);
        Ok(rules)
    };
    let values = json!({&deals.first: open, &deals.second: viewing});
    assert_eq!(deals.world.apply_to(members(), rules(values)?).await, []);
    let id = deals.make("Two desks", &deals.first)?;
    deals.run().await?;
    assert_eq!(deals.right()[0].3, "System status for open opportunities");
    let (pipeline, stage) = deals.second.split_once('/').context("a stage")?;
    deals.change(
        &id,
        json!({"pipelineId": pipeline, "pipelineStageId": stage}),
    )?;
    deals.run().await?;
    assert_eq!(deals.right()[0].3, "viewing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_entered_in_both_between_two_polls_is_one() -> Result<()> {
    let deals = Deals::new(json!({})).await?;
    deals.make("Conference", &deals.second)?;
    deals.run().await?;
    assert_eq!((deals.all(false)?.len(), deals.right().len()), (1, 1));
    // nothing tells of the one there; the one here is told of at once
    let open = deals.status("System status for open opportunities")?;
    let fields = json!({"name": "two desks", "member": deals.member, "status": open});
    deals.world.act(OFFICERND, "create_opportunity", &fields)?;
    deals.make("Two Desks", &deals.first)?;
    deals.world.settle().await?;
    deals.world.poll().await?;
    assert_eq!(
        (deals.all(false)?.len(), deals.right().len()),
        (2, 2),
        "{:#?}",
        deals.right()
    );
    let links = deals.world.engine().links(&members(), None, 0).await?;
    let of = links
        .iter()
        .filter(|link| link.entity == Entity::Opportunity);
    assert_eq!(of.count(), 2);
    Ok(())
}
