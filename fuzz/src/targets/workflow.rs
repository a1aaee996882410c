//! Workflows: read, checked, and gone through by the server.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value as Json, json};
use workflow::model::Workflow;

use super::{are_told, bent_yaml};
use crate::{
    bend,
    dice::Dice,
    rig::{Rig, is_told, run},
};

const RECIPES: [&str; 6] = [
    include_str!("../../../examples/recipes/highlevel-lead-to-onoffice.yaml"),
    include_str!("../../../examples/recipes/nightly-contacts-without-consent.yaml"),
    include_str!("../../../examples/recipes/officernd-ticket-to-highlevel-task.yaml"),
    include_str!("../../../examples/recipes/onoffice-appointment-to-highlevel-note.yaml"),
    include_str!("../../../examples/recipes/sync-question-to-chat.yaml"),
    include_str!("../../../examples/recipes/website-form-to-highlevel-and-onoffice.yaml"),
];

static FORM: LazyLock<(Vec<String>, Json)> = LazyLock::new(|| {
    let schema = serde_json::to_value(schemars::schema_for!(Workflow)).unwrap_or_default();
    let mut words = Vec::new();
    bend::words(&schema, &mut words);
    for word in [
        "marketing",
        "office",
        "coworking",
        "people",
        "{{ trigger.body.email }}",
        "{{ steps.a.id }}",
        "trigger.contact.email",
    ] {
        words.push(word.to_owned());
    }
    (words, schema)
});

pub(crate) fn play(dice: &mut Dice) -> Result<()> {
    run(async {
        let rig = Rig::new(dice, &[]).await?;
        for _ in 0..12 {
            one(dice, &rig).await?;
        }
        rig.close().await;
        Ok(())
    })
}

async fn one(dice: &mut Dice, rig: &Rig) -> Result<()> {
    let (words, schema) = &*FORM;
    let text = if dice.chance(20) {
        bend::of_schema(dice, schema, schema, 0).to_string()
    } else {
        let recipe = *dice.of(&RECIPES);
        bent_yaml(dice, recipe, words)?
    };
    let given = json!({
        "text": text, "with": {"highlevel": "marketing", "onoffice": "office"},
        "incomplete": dice.chance(50),
    });
    let path = *dice.of(&["/api/v1/workflows/validate", "/api/v1/workflows"]);
    let (status, body) = rig
        .ask("POST", path, "application/json", given.to_string())
        .await?;
    is_told(status, &body).with_context(|| text.clone())?;
    let said: Json = serde_json::from_str(&body).with_context(|| format!("{status}: {body}"))?;
    if !status.is_success() {
        if said["problems"].is_array() {
            let problems = serde_json::from_value(json!({"problems": said["problems"]}))?;
            are_told(&problems, &text).with_context(|| text.clone())?;
        }
        return Ok(());
    }
    if said["workflow"].is_object() {
        // what was taken is taken again as it was written out
        let taken: Workflow = serde_json::from_value(said["workflow"].clone())
            .with_context(|| format!("what was written out of\n{text}"))?;
        let again: Workflow = serde_yaml_ng::from_str(&serde_yaml_ng::to_string(&taken)?)
            .with_context(|| format!("what was written out as YAML of\n{text}"))?;
        ensure!(again == taken, "another workflow after it was written out");
    }
    let tried = json!({"workflow": given, "input": bend::value(dice)});
    let (status, body) = rig
        .ask(
            "POST",
            "/api/v1/workflows/test",
            "application/json",
            tried.to_string(),
        )
        .await?;
    is_told(status, &body).with_context(|| text.clone())
}
