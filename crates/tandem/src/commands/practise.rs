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

/// What the fourth step is where the ids are filled in.
const NOTHING: &str = "(Nothing is to be filled in: the ids below are the sandbox's.)";

/// What a config has to know of the sandbox that it is for.
struct Place {
    url: String,
    /// The key that the simulated HighLevel signs webhooks with.
    webhook_key: String,
    /// The id of a calendar of the simulated HighLevel.
    calendar: String,
    /// What the simulated OfficeRnD has, for the pair with it.
    officernd: Option<OfficeRnd>,
}

/// What a config has to know of the simulated OfficeRnD.
struct OfficeRnd {
    organization: String,
    location: String,
    /// A stage of the simulated HighLevel that stands for an open opportunity.
    stage: String,
    resource: String,
    /// An option of tickets for each of [`OPTIONS`].
    ticket_options: [String; 3],
}

/// The text property of members that holds their notes.
const NOTES: &str = "notes";

/// The ready config of a pair, pointed at the sandbox that runs at this address. What the config needs and the sandbox
/// lacks is made there, as a person would in the settings.
pub(crate) async fn config(pair: Pair, url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    let highlevel = ask(url, System::HighLevel, "access", json!({})).await?;
    let key = text(&highlevel, "/webhookPublicKey")?;
    let main = text(&highlevel, "/mainLocationId")?;
    let calendars = things(url, System::HighLevel, "calendar").await?;
    let calendar = calendars
        .as_array()
        .into_iter()
        .flatten()
        .find(|calendar| calendar["locationId"] == main);
    let calendar = match calendar {
        Some(calendar) => text(calendar, "/id")?.to_owned(),
        None => {
            let wanted = json!({"kind": "calendar", "fields": {"name": "Besichtigungen"}});
            let made = ask(url, System::HighLevel, "make_thing", wanted).await?;
            text(&made, "/id")?.to_owned()
        }
    };
    let officernd = match pair {
        Pair::HighlevelOnoffice => None,
        Pair::HighlevelOfficernd => Some(officernd(url).await?),
    };
    written(
        pair,
        &Place {
            url: url.to_owned(),
            webhook_key: key.lines().filter(|line| !line.starts_with('-')).collect(),
            calendar,
            officernd,
        },
    )
}

/// What a ticket has to have.
const OPTIONS: [&str; 3] = ["type", "severity", "priority"];

/// The first option of a category.
fn option(options: &Json, category: &str) -> Result<String> {
    let options = options.as_array().into_iter().flatten();
    let mut fitting = options.filter(|option| option["category"] == category);
    let id = fitting.next().and_then(|option| option["_id"].as_str());
    let missing = || format!("the sandbox has no {category} of tickets");
    Ok(id.with_context(missing)?.to_owned())
}

async fn officernd(url: &str) -> Result<OfficeRnd> {
    let access = ask(url, System::OfficeRnd, "access", json!({})).await?;
    let pipelines = things(url, System::HighLevel, "pipeline").await?;
    let resources = things(url, System::OfficeRnd, "resource").await?;
    let options = things(url, System::OfficeRnd, "ticket_option").await?;
    let state = answer(client()?.get(format!("{url}/_sandbox/officernd/state"))).await?;
    let properties = state["properties"].as_array();
    if !properties.is_some_and(|all| all.iter().any(|each| each["key"] == NOTES)) {
        let wanted = json!({"key": NOTES, "type": "Text", "targets": ["member"]});
        ask(url, System::OfficeRnd, "add_property", wanted).await?;
    }
    Ok(OfficeRnd {
        organization: text(&access, "/slug")?.to_owned(),
        location: text(&access, "/locations/0/_id")?.to_owned(),
        stage: format!(
            "{}: {}",
            text(&pipelines, "/0/name")?,
            text(&pipelines, "/0/stages/0/name")?
        ),
        resource: text(&resources, "/0/_id")?.to_owned(),
        ticket_options: [
            option(&options, OPTIONS[0])?,
            option(&options, OPTIONS[1])?,
            option(&options, OPTIONS[2])?,
        ],
    })
}

/// What there is of a kind.
async fn things(url: &str, system: System, kind: &str) -> Result<Json> {
    let mut all = ask(url, system, "things", json!({ "kind": kind })).await?;
    if let Some(all) = all.as_array_mut() {
        all.retain(|thing| thing["gone"] != true);
    }
    Ok(all)
}

/// What a person reads off a settings page of the simulated system, or does there.
async fn ask(url: &str, system: System, act: &str, input: Json) -> Result<Json> {
    let address = format!("{url}/_sandbox/{}/act/{act}", system.as_str());
    answer(client()?.post(&address).json(&input)).await
}

fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Json> {
    match request.send().await {
        Ok(answer) if answer.status().is_success() => answer
            .json()
            .await
            .context("the sandbox's answer is no JSON"),
        Ok(answer) => bail!(
            "{} answered {}: is a sandbox there?",
            answer.url(),
            answer.status()
        ),
        Err(error) if !error.is_connect() => Err(error.into()),
        Err(error) => {
            let url = error.url().map(|url| url.origin().ascii_serialization());
            bail!(
                "no sandbox answers at {}. Start one with `tandem sandbox` in another terminal, or say where it is: --sandbox=URL",
                url.unwrap_or_default()
            )
        }
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
    swaps.push((
        "# calendar: ve9EPM428h8vShlRW1KT".to_owned(),
        format!("calendar: {}", place.calendar),
    ));
    match &place.officernd {
        None => swaps.extend([
            ("    system: onoffice\n".to_owned(), at("onoffice")),
            // this client demands a type for each task
            ("# task_type: 153".to_owned(), "task_type: 153".to_owned()),
            (
                "Fill in `calendar` below, or delete the block `appointment`, and tandem apply tandem.yaml again."
                    .to_owned(),
                NOTHING.to_owned(),
            ),
        ]),
        Some(officernd) => {
            let given = |setting: &str, id: &str| format!("{setting}: \"{id}\"");
            swaps.extend([
                ("    system: officernd\n".to_owned(), at("officernd")),
                (
                    "# organization: my-space".to_owned(),
                    format!("organization: {}", officernd.organization),
                ),
                (
                    "    settings:\n      country: DE\n      # OfficeRnD".to_owned(),
                    format!("    settings:\n      token_url: {url}/officernd/oauth/token\n      country: DE\n      # OfficeRnD"),
                ),
                (
                    "# location: 60c0ffee0000000000000001".to_owned(),
                    given("location", &officernd.location),
                ),
                (
                    "# resource: 60c0ffee0000000000000021".to_owned(),
                    given("resource", &officernd.resource),
                ),
                ("# notes_property: notes".to_owned(), format!("notes_property: {NOTES}")),
                ("PIPELINE: FIRST STAGE".to_owned(), officernd.stage.clone()),
                (
                    "Fill in `location` below, and what the blocks at the end need or delete those, and tandem apply tandem.yaml again."
                        .to_owned(),
                    NOTHING.to_owned(),
                ),
            ]);
            let ids = [
                ("ticket_type", "60c0ffee0000000000000011"),
                ("ticket_severity", "60c0ffee0000000000000012"),
                ("ticket_priority", "60c0ffee0000000000000013"),
            ];
            for ((setting, id), option) in ids.into_iter().zip(&officernd.ticket_options) {
                swaps.push((
                    format!("# {setting}: {id}"),
                    given(setting, option),
                ));
            }
        }
    }
    let mut config = template(pair).to_owned();
    for (from, to) in swaps {
        if config.matches(&from).count() != 1 {
            bail!("the shipped config has not exactly one `{}`", from.trim());
        }
        config = config.replace(&from, &to);
    }
    Ok(config)
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
        for pair in [Pair::HighlevelOnoffice, Pair::HighlevelOfficernd] {
            let place = Place {
                url: "http://127.0.0.1:4020".to_owned(),
                webhook_key: "KEY".to_owned(),
                calendar: "CALENDAR".to_owned(),
                officernd: (pair == Pair::HighlevelOfficernd).then(|| OfficeRnd {
                    organization: "werkhof".to_owned(),
                    location: "0123456789abcdef01234567".to_owned(),
                    stage: "Sales: New lead".to_owned(),
                    resource: "0123456789abcdef01234568".to_owned(),
                    ticket_options: ["69", "6a", "6b"]
                        .map(|end| format!("0123456789abcdef012345{end}")),
                }),
            };
            let config = written(pair, &place).expect("what differs is there once");
            assert_eq!(config.matches("allow_private_addresses: true").count(), 2);
            assert!(!config.contains("database: tandem.db"), "{config}");
        }
    }
}
