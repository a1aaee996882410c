//! What a config must keep beside its form, as far as it can be told without asking any system.

mod owners;

use std::collections::BTreeMap;

use connector::Description;
use url::Host;

use super::{Document, VERSION, read::Reading, words::nearest_hint};
use crate::Code;

/// Notes everything that is wrong.
pub(super) fn check(reading: &mut Reading<'_>, document: &Document, systems: &[&Description]) {
    version(reading, document);
    names(reading, document);
    public_url(reading, document);
    tokens(reading, document);
    retention(reading, document);
    connections(reading, document, systems);
    syncs(reading, document);
    mail(reading, document);
    alerts(reading, document);
    owners::check(reading, document);
}

fn mail(reading: &mut Reading<'_>, document: &Document) {
    let password = document
        .mail
        .as_ref()
        .and_then(|mail| mail.password.as_deref());
    if password.is_some_and(|text| !text.starts_with("env:") && !text.starts_with("file:")) {
        reading.problem(
            Code::ConfigSecret,
            "mail.password",
            "a secret does not belong into the config",
            Some("write `env:NAME` or `file:PATH`".to_owned()),
        );
    }
}

fn alerts(reading: &mut Reading<'_>, document: &Document) {
    let alerts = &document.alerts;
    let mut problem = |key: &str, message: &str, hint: &str| {
        let place = format!("alerts.{key}");
        reading.problem(Code::ConfigValue, &place, message, Some(hint.to_owned()));
    };
    if !alerts.email.is_empty() && document.mail.is_none() {
        let hint = "name one as `mail`, or leave `alerts.email` out";
        problem(
            "email",
            "there is no mail server that they could go through",
            hint,
        );
    }
    for (at, address) in alerts.email.iter().enumerate() {
        if !is_mailbox(address) {
            let hint = "write each address by itself, such as `operations@example.org`";
            problem(&format!("email[{at}]"), "this is no e-mail address", hint);
        }
    }
    if let Some(webhook) = &alerts.webhook
        && let Err((what, hint)) = webhook_of(webhook, document.workflows.allow_private_addresses)
    {
        problem("webhook", &what, hint);
    }
    if alerts.after_minutes > 1440 {
        problem(
            "after_minutes",
            "so long nobody should wait",
            "from 0 to 1440 minutes",
        );
    }
    if alerts.idle_hours > 8760 {
        problem(
            "idle_hours",
            "this is longer than a year",
            "from 0 (never) to 8760 hours",
        );
    }
    if !(0.01..=1.0).contains(&alerts.error_share) {
        problem(
            "error_share",
            "this is no share that can be told of",
            "from 0.01 to 1",
        );
    }
    if !(0.0..=0.9).contains(&alerts.quota_left) {
        problem(
            "quota_left",
            "this is no share that can be told of",
            "from 0 to 0.9",
        );
    }
}

/// Whether mail can be sent there, as far as the form tells: somebody at some host.
fn is_mailbox(address: &str) -> bool {
    let breaks = |text: &str| {
        text.chars()
            .any(|at| at.is_whitespace() || ",;<>\"()".contains(at))
    };
    address.split_once('@').is_some_and(|(who, host)| {
        !who.is_empty()
            && !breaks(address)
            && !host.contains('@')
            && host.split('.').all(|label| !label.is_empty())
    })
}

/// What is wrong with the address of a webhook, and what to do. What a reference leads to is never shown: it may be a secret.
fn webhook_of(webhook: &str, allow_private: bool) -> Result<(), (String, &'static str)> {
    const FORM: &str =
        "write `https://…`, or `env:NAME` or `file:PATH` where the address is a secret";
    let held;
    let text = if webhook.starts_with("env:") || webhook.starts_with("file:") {
        held = connections::secret(webhook).map_err(|why| (why, FORM))?;
        held.expose()
    } else {
        webhook
    };
    let url = url::Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or_else(|| ("this is no address".to_owned(), FORM))?;
    if !allow_private && connections::leads_inside(&url) {
        return Err((
            "this is an address of this machine or of a private network".to_owned(),
            "set `workflows: {allow_private_addresses: true}` if that is meant",
        ));
    }
    Ok(())
}

fn version(reading: &mut Reading<'_>, document: &Document) {
    if document.version != VERSION {
        reading.problem(
            Code::ConfigVersion,
            "version",
            format!(
                "version {} of the config format is not known",
                document.version
            ),
            Some(format!("this Tandem reads version {VERSION}")),
        );
    }
}

/// Names end up in addresses, logs and metrics.
fn names(reading: &mut Reading<'_>, document: &Document) {
    let groups = [
        (
            "connections",
            document.connections.keys().collect::<Vec<_>>(),
        ),
        ("syncs", document.syncs.keys().collect()),
        ("api.tokens", document.api.tokens.keys().collect()),
    ];
    for (group, names) in groups {
        for name in names {
            let fits = name.len() <= 48
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c));
            if !fits {
                reading.problem(
                    Code::ConfigValue,
                    &format!("{group}.{name}"),
                    format!("`{name}` cannot be a name"),
                    Some(
                        "a name begins with a lower case letter and goes on with lower case letters, digits, `-` and `_`, 48 in all at most"
                            .to_owned(),
                    ),
                );
            }
        }
    }
}

fn public_url(reading: &mut Reading<'_>, document: &Document) {
    let Some(url) = &document.public_url else {
        return;
    };
    let on_this_machine = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let problem = if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        Some((
            "only host, port and path may stand in `public_url`",
            "remove what follows `?` or `#`, and any user name",
        ))
    } else if url.scheme() == "https" || (url.scheme() == "http" && on_this_machine) {
        None
    } else {
        Some((
            "`public_url` must begin with https://: sign-ins and webhooks go through it",
            "put a reverse proxy with HTTPS before Tandem (docs/reverse-proxy.md); plain http is taken for this machine only",
        ))
    };
    if let Some((message, hint)) = problem {
        reading.problem(
            Code::ConfigValue,
            "public_url",
            message,
            Some(hint.to_owned()),
        );
    }
}

fn tokens(reading: &mut Reading<'_>, document: &Document) {
    for (name, token) in &document.api.tokens {
        let is_hash = token.sha256.len() == 64
            && token
                .sha256
                .chars()
                .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        if !is_hash {
            reading.problem(
                Code::ConfigValue,
                &format!("api.tokens.{name}.sha256"),
                "a SHA-256 has 64 hexadecimal digits in lower case",
                Some(format!(
                    "`tandem token {name}` makes a token and prints its hash"
                )),
            );
        }
    }
    let size = document.webhooks.largest_body;
    if !(1024..=32 * 1024 * 1024).contains(&size) {
        reading.problem(
            Code::ConfigValue,
            "webhooks.largest_body",
            format!("{size} bytes is no sensible limit"),
            Some("from 1024 to 33554432 bytes; vendors send less than 1 MB".to_owned()),
        );
    }
}

/// One wrong digit must not empty the journal at the next pass.
fn retention(reading: &mut Reading<'_>, document: &Document) {
    let (days, most) = (document.retention.days(), document.retention.most());
    for (key, days) in days {
        if !(1..=3650).contains(&days) {
            reading.problem(
                Code::ConfigValue,
                &format!("retention.{key}"),
                format!("{days} days is no sensible time"),
                Some("from 1 to 3650 days".to_owned()),
            );
        }
    }
    for (key, most) in most {
        if most < 1000 {
            reading.problem(
                Code::ConfigValue,
                &format!("retention.{key}"),
                format!("{most} is too few to be of use"),
                Some("1000 or more".to_owned()),
            );
        }
    }
}

fn connections(reading: &mut Reading<'_>, document: &Document, systems: &[&Description]) {
    let known: BTreeMap<&str, &Description> = systems
        .iter()
        .map(|description| (description.system, *description))
        .collect();
    for (name, connection) in &document.connections {
        let Some(description) = known.get(connection.system.as_str()) else {
            let words: Vec<&str> = known.keys().copied().collect();
            reading.problem(
                Code::ConfigSystem,
                &format!("connections.{name}.system"),
                format!("`{}` is no system that Tandem knows", connection.system),
                Some(nearest_hint(&connection.system, &words)),
            );
            continue;
        };
        for error in connection.validate(name, description) {
            let in_clear = error.place.contains(".auth.") && error.problem.contains("env:NAME");
            let code = if in_clear {
                Code::ConfigSecret
            } else {
                Code::ConfigConnection
            };
            reading.problem(code, &error.place, error.problem, None);
        }
    }
}

fn syncs(reading: &mut Reading<'_>, document: &Document) {
    let known: Vec<&str> = document.connections.keys().map(String::as_str).collect();
    for (name, rules) in &document.syncs {
        for (side, connection) in [("left", &rules.left), ("right", &rules.right)] {
            // one that could not be read has a problem of its own
            if !reading.has(&format!("connections.{connection}")) {
                reading.problem(
                    Code::ConfigReference,
                    &format!("syncs.{name}.{side}"),
                    format!("there is no connection `{connection}`"),
                    Some(nearest_hint(connection, &known)),
                );
            }
        }
        if rules.left == rules.right {
            reading.problem(
                Code::ConfigReference,
                &format!("syncs.{name}.right"),
                format!("`{}` stands on both sides", rules.right),
                Some("a sync is between two connections".to_owned()),
            );
        }
        if rules.entities.is_empty() {
            reading.problem(
                Code::ConfigRules,
                &format!("syncs.{name}.entities"),
                "there is nothing to keep the same",
                Some("say at least `contact` with its fields".to_owned()),
            );
        }
    }
}
