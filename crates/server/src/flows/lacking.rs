//! What a good workflow still lacks here before it can run: secrets that are not there, a mail server that nobody named,
//! webhooks that reach nobody. None of it is a mistake of the workflow, and all of it can be mended without it, so that it
//! is published all the same and told.

use connector::{AuthScheme, catalog::trigger::Source};
use store::ConnectionName;
use workflow::model::{CatalogEvent, Trigger, Workflow};

use crate::app::App;

/// What is missing, a sentence each.
pub(crate) fn lacking(app: &App, workflow: &Workflow) -> Vec<String> {
    let mut found = Vec::new();
    match &workflow.trigger {
        Trigger::Webhook(hook) => {
            if let Err(why) = connections::secret(&hook.secret) {
                found.push(format!(
                    "the secret of the trigger is not there ({why}): requests are answered 503"
                ));
            }
        }
        Trigger::Event(event) => found.extend(deaf(app, workflow, event)),
        Trigger::Manual(_) | Trigger::Schedule(_) | Trigger::Sync(_) => {}
    }
    let mail = app
        .in_force()
        .is_ok_and(|in_force| in_force.document.mail.is_some());
    for step in workflow.all_steps() {
        let headers = step.http.iter().flat_map(|http| http.headers.values());
        let headers = headers.filter(|text| text.starts_with("env:") || text.starts_with("file:"));
        let chat = step
            .notify
            .iter()
            .filter_map(|notify| notify.webhook.as_ref());
        for reference in headers.chain(chat.map(|chat| &chat.url)) {
            if let Err(why) = connections::secret(reference) {
                found.push(format!("step `{}` will fail: {why}", step.id));
            }
        }
        let sends = step
            .notify
            .as_ref()
            .is_some_and(|notify| notify.email.is_some());
        if sends && !mail {
            found.push(format!(
                "step `{}` will fail: the config names no server for e-mails (`mail`)",
                step.id
            ));
        }
    }
    found
}

/// Why nothing will be heard of what begins it, where that is so.
fn deaf(app: &App, workflow: &Workflow, event: &CatalogEvent) -> Option<String> {
    let name = workflow.connection(&event.connection);
    let connector = app
        .connections
        .connector(&ConnectionName::from(name))
        .ok()?;
    let trigger = connector.catalog().trigger(&event.trigger)?;
    let Source::Webhook { .. } = trigger.source else {
        return None;
    };
    let in_force = app.in_force().ok()?;
    let config = in_force.document.connections.get(name)?;
    let pasted = connector.describe().auth.iter().any(|scheme| {
        scheme.name() == config.auth.scheme && matches!(scheme, AuthScheme::Pasted { .. })
    });
    let why = if pasted {
        format!("connection `{name}` is signed in with a token, and webhooks go to apps only")
    } else if in_force.document.public_url.is_none() {
        "the config has no `public_url` that they could be sent to".to_owned()
    } else {
        return None;
    };
    Some(format!(
        "`{}` is told by webhook alone, and {why}",
        event.trigger
    ))
}
