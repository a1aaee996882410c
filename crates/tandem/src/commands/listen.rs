//! `tandem listen`: what a trigger hands on, as it happens.

use std::time::Duration;

use anyhow::Result;
use connector::catalog::trigger::Trigger;
use serde_json::{Value as Json, json};
use server::Code;

use crate::{
    cli,
    client::{Client, segment},
    failure::Failure,
    output,
};

/// How often it is looked for webhooks. The vendor is not asked.
const LOOK: Duration = Duration::from_millis(500);

/// Prints what happens, one JSON object a line, until there were enough or Ctrl-C.
pub(crate) async fn listen(client: &Client, wanted: &cli::Listen) -> Result<()> {
    let path = format!(
        "/api/v1/connections/{}/triggers/{}",
        segment(&wanted.connection),
        segment(&wanted.trigger)
    );
    let trigger: Trigger = serde_json::from_value(client.get(&path, &[]).await?)?;
    let told = matches!(
        trigger.source,
        connector::catalog::trigger::Source::Webhook { .. }
    );
    if told && matches!(client, Client::Here { .. }) {
        return Err(Failure::new(
            Code::BadRequest,
            format!("{} is told by webhook, and no server runs", trigger.id),
        )
        .hint("start one with `tandem serve`; webhooks reach only a server")
        .into());
    }
    let pause = match told {
        true => LOOK,
        false => Duration::from_secs(wanted.every.max(1)),
    };
    let how = match told {
        true => "waiting for webhooks".to_owned(),
        false => format!("asking every {} s", pause.as_secs()),
    };
    let mut on = Json::Null;
    let mut shown = 0;
    loop {
        let answer = client.post(&path, json!({"on": on})).await?;
        if on.is_null() {
            eprintln!("{}: {how}. Ctrl-C ends it.", trigger.title);
        }
        if let Some(why) = answer["passed_over"].as_str() {
            eprintln!("Not all that happened is shown: {why}.");
        }
        for happened in answer["happened"].as_array().into_iter().flatten() {
            output::text(&format!("{happened}\n"))?;
            shown += 1;
            if wanted.count.is_some_and(|count| shown >= count) {
                return Ok(());
            }
        }
        on = answer["on"].clone();
        tokio::time::sleep(pause).await;
    }
}
