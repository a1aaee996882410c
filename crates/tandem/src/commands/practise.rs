//! What it takes to practise on a sandbox by hand: a config that fits the one that runs, and the secrets that it goes with.

use anyhow::{Context as _, Result, bail};
use sandbox::{Control, System};
use serde_json::{Value as Json, json};

use super::local::template;
use crate::cli::Pair;

/// Where `tandem sandbox` listens if nothing else is said.
pub(crate) const USUAL: &str = "http://127.0.0.1:4010";

/// Where the configs let the server listen.
const SERVER: &str = "http://127.0.0.1:8484";

/// What a config has to know of the sandbox that it is for.
struct Place {
    url: String,
    /// The key that the simulated HighLevel signs webhooks with.
    webhook_key: String,
    /// The organisation of the simulated OfficeRnD, and one of its locations.
    organization: String,
    location: String,
}

/// The ready config of a pair, pointed at the sandbox that runs at this address.
pub(crate) async fn config(pair: Pair, url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    let highlevel = ask(url, System::HighLevel, "access").await?;
    let officernd = ask(url, System::OfficeRnd, "access").await?;
    let key = text(&highlevel, "/webhookPublicKey")?;
    written(
        pair,
        &Place {
            url: url.to_owned(),
            webhook_key: key.lines().filter(|line| !line.starts_with('-')).collect(),
            organization: text(&officernd, "/slug")?.to_owned(),
            location: text(&officernd, "/locations/0/_id")?.to_owned(),
        },
    )
}

/// What a person reads off a settings page of the simulated system.
async fn ask(url: &str, system: System, act: &str) -> Result<Json> {
    let address = format!("{url}/_sandbox/{}/act/{act}", system.as_str());
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(&address)
        .json(&json!({}))
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => answer
            .json()
            .await
            .context("the sandbox's answer is no JSON"),
        Ok(answer) => bail!(
            "{address} answered {}: is a sandbox there?",
            answer.status()
        ),
        Err(error) if !error.is_connect() => Err(error).context(address),
        Err(_) => bail!(
            "no sandbox answers at {url}. Start one with `tandem sandbox` in another terminal, or say where it is: --sandbox=URL"
        ),
    }
}

fn text<'a>(json: &'a Json, place: &str) -> Result<&'a str> {
    json.pointer(place)
        .and_then(Json::as_str)
        .with_context(|| format!("the sandbox does not say {place}"))
}

/// The shipped config with what differs on a sandbox.
fn written(pair: Pair, place: &Place) -> Result<String> {
    let Place { url, .. } = place;
    let at = |system: &str| {
        format!(
            "    system: {system}\n    base_url: {url}/{system}\n    allow_private_addresses: true\n"
        )
    };
    let mut swaps = vec![
        (
            "\n#\n# What comes next:\n".to_owned(),
            format!(
                " This one practises on the\n# sandbox at {url}, as it is now: one that is started anew \
                 knows nothing of it (docs/sandbox.md).\n#\n# What comes next:\n"
            ),
        ),
        (
            "Put the secrets where the lines below say, or leave those lines out and be asked."
                .to_owned(),
            "Paste the `export` lines that `tandem sandbox` printed into this terminal.".to_owned(),
        ),
        (
            "# public_url: https://tandem.example.org".to_owned(),
            format!("public_url: {SERVER}"),
        ),
        (
            "database: tandem.db".to_owned(),
            "database: practice.db".to_owned(),
        ),
        (
            "    system: highlevel\n".to_owned(),
            format!(
                "{}    webhook_keys:\n      ed25519: {}\n",
                at("highlevel"),
                place.webhook_key
            ),
        ),
        (
            "    settings:\n      # How people write".to_owned(),
            format!(
                "    settings:\n      authorize_url: {url}/highlevel/v2/oauth/chooselocation\n      # How people write"
            ),
        ),
    ];
    match pair {
        Pair::HighlevelOnoffice => swaps.push(("    system: onoffice\n".to_owned(), at("onoffice"))),
        Pair::HighlevelOfficernd => swaps.extend([
            ("    system: officernd\n".to_owned(), at("officernd")),
            (
                "# organization: my-space".to_owned(),
                format!("organization: {}", place.organization),
            ),
            (
                "    settings:\n      country: DE\n      # OfficeRnD".to_owned(),
                format!("    settings:\n      token_url: {url}/officernd/oauth/token\n      country: DE\n      # OfficeRnD"),
            ),
            (
                "# location: 60c0ffee0000000000000001".to_owned(),
                format!("location: \"{}\"", place.location),
            ),
            (
                "Fill in `location` below, and what the blocks at the end need or delete those, and tandem apply tandem.yaml again.".to_owned(),
                "(`location` below is filled in already.)".to_owned(),
            ),
        ]),
    }
    let mut config = template(pair).to_owned();
    for (from, to) in swaps {
        if config.matches(&from).count() != 1 {
            bail!("the shipped config has not exactly one `{}`", from.trim());
        }
        config = config.replace(&from, &to);
    }
    let (begins, what) = match pair {
        Pair::HighlevelOnoffice => ("      # Appointments", "appointments"),
        Pair::HighlevelOfficernd => (
            "      # What belongs to contacts.",
            "opportunities, appointments, tasks and notes",
        ),
    };
    let Some((before, _)) = config.split_once(begins) else {
        bail!("the shipped config has no `{}`", begins.trim());
    };
    Ok(format!(
        "{}\n\n      # The blocks of {what} need ids of your own account, and are left out here.\n",
        before.trim_end()
    ))
}

/// What a sandbox that is up tells whoever wants to practise.
pub(crate) fn banner(control: &Control, url: &str) -> Result<String> {
    let access = |system, act| control.act(system, act, &json!({}));
    let highlevel = access(System::HighLevel, "access")?;
    let onoffice = access(System::OnOffice, "show_access")?;
    let officernd = access(System::OfficeRnd, "access")?;
    let other = if url == USUAL {
        String::new()
    } else {
        format!("={url}")
    };
    Ok(format!(
        "\
The sandbox is up: HighLevel, onOffice and OfficeRnD, simulated. It keeps nothing when it ends (Ctrl-C).

To practise, in another terminal and an empty folder:

  export HIGHLEVEL_CLIENT_ID={} HIGHLEVEL_CLIENT_SECRET={}
  export ONOFFICE_TOKEN={} ONOFFICE_SECRET={}
  export OFFICERND_CLIENT_ID={} OFFICERND_CLIENT_SECRET={}
  tandem init highlevel-onoffice --sandbox{other}     # or highlevel-officernd; what comes next stands at the top of the file

Webhooks of HighLevel, as its developer portal is told of them:

  curl -d '{{\"webhookUrl\": \"{SERVER}/hooks/highlevel\"}}' {url}/_sandbox/highlevel/act/configure_app

What people do there, faults and switches: docs/sandbox.md.",
        text(&highlevel, "/clientId")?,
        text(&highlevel, "/clientSecret")?,
        text(&onoffice, "/token")?,
        text(&onoffice, "/secret")?,
        text(&officernd, "/clientId")?,
        text(&officernd, "/clientSecret")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_can_be_pointed_at_a_sandbox() {
        let place = Place {
            url: "http://127.0.0.1:4020".to_owned(),
            webhook_key: "KEY".to_owned(),
            organization: "werkhof".to_owned(),
            location: "0123456789abcdef01234567".to_owned(),
        };
        for pair in [Pair::HighlevelOnoffice, Pair::HighlevelOfficernd] {
            let config = written(pair, &place).expect("what differs is there once");
            assert_eq!(config.matches("allow_private_addresses: true").count(), 2);
            assert!(!config.contains("database: tandem.db"), "{config}");
        }
    }
}
