//! `tandem probe`: asking a live account, with a question before each write and a report at the end.

mod report;

mod switches;

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use serde_json::{Value as Json, json};
use server::Code;
use tokio::sync::oneshot;

use crate::{
    cli,
    client::{Client, Events, Payload, segment},
    commands::serve,
    failure::Failure,
    output::{self, at, cell},
};

/// Exit status of a run that was stopped.
const INTERRUPTED: u8 = 130;

/// Lists what can be asked, or asks it.
pub(crate) async fn probe(client: &Client, probe: &cli::Probe) -> Result<ExitCode> {
    let path = format!("/api/v1/connections/{}/probes", segment(&probe.name));
    if probe.list {
        let mut all = client.get(&path, &[]).await?;
        if !probe.only.is_empty() {
            all = chosen(&all, &probe.only)?;
        }
        list(&all, probe.format)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !probe.yes && !io::stdin().is_terminal() {
        return Err(Failure::new(
            Code::BadRequest,
            "a probe asks before each write, and nobody can answer here",
        )
        .hint("run it in a terminal, or allow all writes with `--yes`")
        .into());
    }
    let wanted = json!({"only": probe.only, "costly": probe.costly, "yes": probe.yes});
    // before the first write: from then on there may be something to remove
    let interrupts = serve::Interrupts::listen();
    let events = client.stream(&path, Payload::Json(wanted)).await?;
    let mut report = Run {
        client,
        events,
        interrupts,
        id: None,
        stopping: false,
    }
    .until_its_end()
    .await?;
    let registry = sandbox::Switches::registry();
    report["switches"] = switches::standing(&report, &registry);
    let text = report::markdown(&report, &registry);
    if let Some(file) = &probe.report {
        let content = match file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            true => serde_json::to_string_pretty(&report)? + "\n",
            false => text.clone(),
        };
        std::fs::write(file, content)
            .with_context(|| format!("could not write {}", file.display()))?;
        eprintln!("Wrote {}.", file.display());
    }
    if probe.format.json {
        output::json(&report)?;
    } else {
        output::text(&text)?;
    }
    let left = report["left"]
        .as_array()
        .is_some_and(|left| !left.is_empty());
    if left {
        eprintln!("Some records could not be removed; they are listed in the report.");
    }
    Ok(match report["stopped"] == true {
        true => ExitCode::from(INTERRUPTED),
        false => ExitCode::SUCCESS,
    })
}

/// Those that are named.
fn chosen(probes: &Json, only: &[String]) -> Result<Json> {
    let all = probes.as_array().map_or(&[][..], Vec::as_slice);
    let known = |id: &String| all.iter().find(|probe| probe["id"] == **id).cloned();
    let found: Vec<Option<Json>> = only.iter().map(known).collect();
    if let Some((id, _)) = only.iter().zip(&found).find(|(_, probe)| probe.is_none()) {
        return Err(
            Failure::new(Code::BadRequest, format!("there is no probe `{id}`"))
                .hint("`tandem probe NAME --list` shows them all")
                .into(),
        );
    }
    Ok(found.into_iter().flatten().collect())
}

fn list(probes: &Json, format: cli::Format) -> Result<()> {
    if format.json {
        return output::json(probes);
    }
    let rows = probes.as_array().map_or(&[][..], Vec::as_slice);
    let writes = |row: &Json| match row["writes"] == true {
        true => "writes".to_owned(),
        false => "reads".to_owned(),
    };
    output::table(
        rows,
        &[
            ("probe", &at("/id")),
            ("does", &writes),
            ("question", &at("/question")),
            ("only if asked for, because it", &at("/costs")),
        ],
        "There is nothing to ask of this system.",
    )
}

/// A run under way.
struct Run<'a> {
    client: &'a Client,
    events: Events,
    interrupts: serve::Interrupts,
    id: Option<String>,
    stopping: bool,
}

impl Run<'_> {
    /// Follows the run until its report comes. Ctrl-C asks it to stop; it then removes what it made.
    async fn until_its_end(mut self) -> Result<Json> {
        loop {
            let event = tokio::select! {
                event = self.events.next() => event?,
                () = self.interrupts.next() => {
                    self.stop().await?;
                    continue;
                }
            };
            let Some((name, data)) = event else {
                return Err(Failure::new(
                    Code::ServerGone,
                    "the connection to the server ended before the report came",
                )
                .hint("the run ends by itself and removes what it made; see the server's log")
                .into());
            };
            match name.as_str() {
                "begun" => {
                    self.id = data["run"].as_str().map(str::to_owned);
                    eprintln!(
                        "Everything made carries {0}; `tandem calls --cause {0}` shows the calls.",
                        cell(&data, "/marker")
                    );
                }
                "probe" => eprintln!("{}", cell(&data, "/question")),
                "fact" => eprintln!("  {}: {}", report::outcome(&data), cell(&data, "/seen")),
                "ask" => self.ask(&data).await?,
                "report" => return Ok(data),
                _ => {}
            }
        }
    }

    async fn stop(&mut self) -> Result<()> {
        if self.stopping {
            return Err(
                Failure::new(Code::Stopping, "stopped before everything was removed")
                    .hint("search the account for the mark that was shown at the beginning")
                    .into(),
            );
        }
        self.stopping = true;
        eprintln!("Stopping; what was made is being removed. Ctrl-C once more leaves it.");
        self.say(json!({"stop": true})).await
    }

    /// Asks the person.
    async fn ask(&mut self, question: &Json) -> Result<()> {
        eprint!("  May I {}? [y/N] ", cell(question, "/what"));
        io::stderr().flush()?;
        // a thread of its own: the end of the process does not wait for it
        let (sender, answered) = oneshot::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line).map(|_| line);
            // whoever asked may be gone
            drop(sender.send(read));
        });
        let line = tokio::select! {
            line = answered => line??,
            () = self.interrupts.next() => {
                eprintln!();
                return self.stop().await;
            }
        };
        let yes = matches!(
            line.trim().to_lowercase().as_str(),
            "y" | "yes" | "j" | "ja"
        );
        self.say(json!({"number": question["number"], "yes": yes}))
            .await
    }

    async fn say(&self, what: Json) -> Result<()> {
        let Some(id) = &self.id else {
            return Ok(());
        };
        let path = format!("/api/v1/probes/{}", segment(id));
        self.client.post(&path, what).await.map(drop)
    }
}
