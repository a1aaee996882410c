//! `tandem workflow`: what there is, checking and publishing, and runs with what they did.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};
use server::Code;

use crate::{
    cli::Format,
    client::{Client, segment},
    commands::apply::{read_file, show},
    failure::Failure,
    output::{self, Output, at, cell},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// All workflows, with the version in force
    #[command(after_help = "\
Example:
  tandem workflow list")]
    List(Format),
    /// Check a workflow, and change nothing
    #[command(after_help = "\
Example:
  tandem workflow validate examples/recipes/new-lead-to-onoffice.yaml --with crm=marketing --with office=office")]
    Validate(File),
    /// Go through a workflow: what reads is done, what would write is shown and not sent
    #[command(after_help = "\
Example:
  tandem workflow test new-lead.yaml --input '{\"email\": \"anna@example.org\"}'")]
    Test(Test),
    /// What is different between the version in force and the draft, or between two versions
    #[command(after_help = "\
Examples:
  tandem workflow diff onboarding
  tandem workflow diff onboarding --from 3 --to 4")]
    Diff(Diff),
    /// Check a workflow and put it in force; runs under way keep their version
    #[command(after_help = "\
Examples:
  tandem workflow publish new-lead.yaml
  tandem workflow publish new-lead.yaml --draft          (only save it as the draft)
  tandem workflow publish new-lead.yaml --each places.yaml   (once for each of many places)
  tandem workflow publish new-lead.yaml --with crm=marketing --with office=office --var agent=anna")]
    Publish(Publish),
    /// Go back to an earlier version
    #[command(after_help = "\
Example:
  tandem workflow rollback onboarding 3")]
    Rollback(Rollback),
    /// Events begin no run of it any more; runs under way go on
    #[command(after_help = "\
Example:
  tandem workflow pause onboarding")]
    Pause(Name),
    /// Events begin runs of it again
    #[command(after_help = "\
Example:
  tandem workflow resume onboarding")]
    Resume(Name),
    /// The workflow in force as YAML, for another installation
    #[command(after_help = "\
Example:
  tandem workflow export onboarding > onboarding.yaml")]
    Export(Name),
    /// Begin a run, and wait a few seconds for its end
    #[command(after_help = "\
Example:
  tandem workflow run onboarding --input '{\"member\": \"5f2a\"}'")]
    Run(Run),
    /// Runs, newest first
    #[command(after_help = "\
Examples:
  tandem workflow runs
  tandem workflow runs --workflow onboarding --state failed")]
    Runs(Runs),
    /// One run with all its steps
    #[command(after_help = "\
Example:
  tandem workflow show 0197a3c2")]
    Show(OneRun),
    /// Answer a run that asks: approve or refuse; or repeat, done or fail for a step whose outcome is not known
    #[command(after_help = "\
Example:
  tandem workflow answer 0197a3c2 approve")]
    Answer(Answer),
    /// End a run and all that it began
    #[command(after_help = "\
Example:
  tandem workflow cancel 0197a3c2")]
    Cancel(OneRun),
    /// Do a run again, from its beginning or from a step on
    #[command(after_help = "\
Examples:
  tandem workflow replay 0197a3c2
  tandem workflow replay 0197a3c2 --from create_task     (what was done before is taken over)")]
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(crate) struct File {
    /// The workflow, YAML or JSON
    pub(crate) file: PathBuf,
    /// Which connection plays a role
    #[arg(long, value_name = "ROLE=CONNECTION")]
    pub(crate) with: Vec<String>,
    /// The value of a variable: JSON, or else text
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// Another name for it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) file: File,
    /// What its trigger hands on, as JSON [default: the example of its trigger in the catalog]
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
    /// With what began this run
    #[arg(long, value_name = "RUN", conflicts_with = "input")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The workflow
    pub(crate) name: String,
    /// A version [default: the one in force]
    #[arg(long, value_name = "VERSION")]
    pub(crate) from: Option<u64>,
    /// A version [default: the draft]
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<u64>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Publish {
    #[command(flatten)]
    pub(crate) file: File,
    /// Only save it as the draft
    #[arg(long)]
    pub(crate) draft: bool,
    /// Once for each place of a list: `[{name, with, vars}]`; for all of them or none
    #[arg(long, value_name = "FILE")]
    pub(crate) each: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Name {
    /// The workflow
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The workflow
    pub(crate) name: String,
    /// The version to go back to
    #[arg(value_name = "VERSION")]
    pub(crate) to: u64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The workflow
    pub(crate) name: String,
    /// What its trigger hands on, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// Only of this workflow
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
    /// Only in this state: queued, ready, waiting, asking, done, failed, stopped, cancelled
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// Also runs that work for a step of another run
    #[arg(long)]
    pub(crate) children: bool,
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct OneRun {
    /// The run's id, or as much of its beginning as is unique
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The run's id, or as much of its beginning as is unique
    pub(crate) run: String,
    /// One of its choices
    pub(crate) choice: String,
    /// For `done`: what the step would have answered, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The run's id, or as much of its beginning as is unique
    pub(crate) run: String,
    /// The step to begin at
    #[arg(long, value_name = "STEP")]
    pub(crate) from: Option<String>,
    /// Another input, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Does one of the commands.
pub(crate) async fn workflow(
    client: &Client,
    asked: &Workflow,
    output: Output,
) -> Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match asked {
        Workflow::List(format) => list(client, *format).await.map(done),
        Workflow::Validate(file) => {
            let answer = client
                .post("/api/v1/workflows/validate", given(file, false)?)
                .await;
            with_problems(file, answer, output, |answer| {
                format!(
                    "{} can be: {} steps. Nothing was changed.\n",
                    cell(answer, "/name"),
                    cell(answer, "/steps")
                )
            })
        }
        Workflow::Test(asked) => {
            let mut body = json!({"workflow": given(&asked.file, false)?});
            if asked.input.is_some() {
                body["input"] = input(asked.input.as_deref())?;
            }
            if let Some(run) = &asked.run {
                body["run"] = json!(run);
            }
            let answer = client.post("/api/v1/workflows/test", body).await;
            with_problems(&asked.file, answer, output, rehearsed)
        }
        Workflow::Diff(asked) => {
            let path = format!("/api/v1/workflows/{}/diff", segment(&asked.name));
            let query = [
                ("from", asked.from.map(|version| version.to_string())),
                ("to", asked.to.map(|version| version.to_string())),
            ];
            let rows = client.get(&path, &query).await?;
            differences(&rows, asked.format).map(done)
        }
        Workflow::Publish(asked) => {
            let mut body = given(&asked.file, !asked.draft)?;
            if let Some(each) = &asked.each {
                let places: Json = serde_yaml_ng::from_str(&read_file(each)?)?;
                body["each"] = places;
            }
            let answer = client.post("/api/v1/workflows", body).await;
            with_problems(&asked.file, answer, output, |answer| {
                let many = answer["workflows"].as_array();
                let all = many.map_or(std::slice::from_ref(answer), Vec::as_slice);
                all.iter().inspect(|one| warn(one)).map(kept).collect()
            })
        }
        Workflow::Rollback(asked) => {
            let path = format!("/api/v1/workflows/{}/publish", segment(&asked.name));
            let answer = client.post(&path, json!({"version": asked.to})).await?;
            warn(&answer);
            say(&answer, asked.format, |_| {
                format!("Version {} of {} is in force.\n", asked.to, asked.name)
            })
            .map(done)
        }
        Workflow::Pause(asked) => turn(client, asked, "pause").await.map(done),
        Workflow::Resume(asked) => turn(client, asked, "resume").await.map(done),
        Workflow::Export(asked) => export(client, asked).await.map(done),
        Workflow::Run(asked) => {
            let path = format!("/api/v1/workflows/{}/run", segment(&asked.name));
            let body = json!({"input": input(asked.input.as_deref())?, "wait": true});
            let run = client.post(&path, body).await?;
            told(&run, asked.format)
        }
        Workflow::Runs(asked) => runs(client, asked).await.map(done),
        Workflow::Show(asked) => {
            let path = format!("/api/v1/workflow-runs/{}", segment(&asked.run));
            let run = client.get(&path, &[]).await?;
            shown(&run, asked.format).map(done)
        }
        Workflow::Answer(asked) => {
            let path = format!("/api/v1/workflow-runs/{}/answer", segment(&asked.run));
            let mut body = json!({"choice": asked.choice});
            if asked.output.is_some() {
                body["output"] = input(asked.output.as_deref())?;
            }
            let run = client.post(&path, body).await?;
            shown(&run, asked.format).map(done)
        }
        Workflow::Cancel(asked) => {
            let path = format!("/api/v1/workflow-runs/{}/cancel", segment(&asked.run));
            let run = client.post(&path, json!({})).await?;
            shown(&run, asked.format).map(done)
        }
        Workflow::Replay(asked) => {
            let path = format!("/api/v1/workflow-runs/{}/replay", segment(&asked.run));
            let mut body = json!({"from": asked.from, "wait": true});
            if asked.input.is_some() {
                body["input"] = input(asked.input.as_deref())?;
            }
            let run = client.post(&path, body).await?;
            told(&run, asked.format)
        }
    }
}

/// What became of one workflow.
fn kept(answer: &Json) -> String {
    if answer["draft"] == true {
        return format!("{} has a new draft.\n", cell(answer, "/name"));
    }
    format!(
        "{} is in force, version {}.\n",
        cell(answer, "/name"),
        cell(answer, "/published")
    )
}

/// A rehearsal as a list.
fn rehearsed(answer: &Json) -> String {
    let mut text = String::new();
    for row in answer["steps"].as_array().into_iter().flatten() {
        let mut line = format!("  {}", cell(row, "/step"));
        if let Some(elements) = row["elements"].as_array() {
            line.push_str(&format!(" of element {}", Json::from(elements.clone())));
        }
        if !row["would_send"].is_null() {
            line.push_str(&format!(
                ": would send {}, and if its outcome were not known, {}",
                row["would_send"],
                cell(row, "/if_unknown")
            ));
        } else {
            line.push_str(&format!(": {}", row["output"]));
        }
        if let Some(error) = row["error"].as_str() {
            line.push_str(&format!(" FAILS: {error}"));
        }
        line.push('\n');
        text.push_str(&line);
    }
    match answer["failed"].as_str() {
        Some(why) => text.push_str(&format!("It would fail: {why}\n")),
        None => text.push_str("It would come to its end. Nothing was sent.\n"),
    }
    text
}

fn differences(rows: &Json, format: Format) -> Result<()> {
    if format.json {
        return output::json(rows);
    }
    let rows = rows.as_array().cloned().unwrap_or_default();
    output::table(
        &rows,
        &[
            ("where", &at("/place")),
            ("before", &at("/before")),
            ("after", &at("/after")),
        ],
        "They are the same.",
    )
}

fn say(answer: &Json, format: Format, words: impl Fn(&Json) -> String) -> Result<()> {
    if format.json {
        return output::json(answer);
    }
    output::text(&words(answer))
}

/// Says what a published workflow lacks here.
fn warn(answer: &Json) {
    for lacking in answer["warnings"].as_array().into_iter().flatten() {
        eprintln!("warning: {}", lacking.as_str().unwrap_or_default());
    }
}

/// A file as the API takes it.
fn given(file: &File, publish: bool) -> Result<Json> {
    let pair = |text: &String| -> Result<(String, String)> {
        text.split_once('=')
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .ok_or_else(|| {
                Failure::new(
                    Code::BadRequest,
                    format!("`{text}` is no pair; write NAME=VALUE"),
                )
                .into()
            })
    };
    let with: Map<String, Json> = file
        .with
        .iter()
        .map(|text| pair(text).map(|(role, name)| (role, json!(name))))
        .collect::<Result<_>>()?;
    let vars: Map<String, Json> = file
        .var
        .iter()
        .map(|text| {
            let (name, value) = pair(text)?;
            let value = serde_json::from_str(&value).unwrap_or_else(|_| json!(value));
            Ok((name, value))
        })
        .collect::<Result<_>>()?;
    Ok(json!({
        "text": read_file(&file.file)?,
        "with": with,
        "vars": vars,
        "name": file.name,
        "publish": publish,
    }))
}

/// The answer, or the problems of the file at their places.
fn with_problems(
    file: &File,
    answer: Result<Json>,
    output: Output,
    words: impl Fn(&Json) -> String,
) -> Result<ExitCode> {
    let error = match answer {
        Ok(answer) => return say(&answer, file.format, words).map(|()| ExitCode::SUCCESS),
        Err(error) => error,
    };
    let failure = match error.downcast::<Failure>() {
        Ok(failure) if !failure.problems.is_empty() => failure,
        Ok(failure) => return Err(failure.into()),
        Err(error) => return Err(error),
    };
    if file.format.json {
        output::json(&json!({"problems": failure.problems}))?;
    } else {
        show(&file.file, &read_file(&file.file)?, &failure, output);
    }
    Ok(failure.exit_code())
}

fn input(text: Option<&str>) -> Result<Json> {
    match text {
        None => Ok(json!({})),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Failure::new(Code::BadRequest, format!("the input is no JSON: {error}")).into()
        }),
    }
}

async fn list(client: &Client, format: Format) -> Result<()> {
    let rows = client.get("/api/v1/workflows", &[]).await?;
    if format.json {
        return output::json(&rows);
    }
    let rows = rows.as_array().cloned().unwrap_or_default();
    let stands = |row: &Json| {
        let mut words = match row["published"].as_u64() {
            Some(version) => format!("version {version}"),
            None => "not published".to_owned(),
        };
        if row["draft"] == true {
            words.push_str(", a draft");
        }
        if row["paused"] == true {
            words.push_str(", paused");
        }
        if row["unreadable"].is_string() {
            words.push_str(", cannot be read");
        }
        words
    };
    output::table(
        &rows,
        &[
            ("name", &at("/name")),
            ("begins with", &at("/trigger")),
            ("stands", &stands),
            ("title", &at("/title")),
        ],
        "There is no workflow yet; `tandem workflow publish FILE` makes one.",
    )
}

async fn turn(client: &Client, asked: &Name, word: &str) -> Result<()> {
    let path = format!("/api/v1/workflows/{}/{word}", segment(&asked.name));
    let answer = client.post(&path, json!({})).await?;
    say(&answer, asked.format, |answer| {
        if answer["paused"] == true {
            format!("{} is paused. Events begin no run of it.\n", asked.name)
        } else {
            format!("{} goes on.\n", asked.name)
        }
    })
}

async fn export(client: &Client, asked: &Name) -> Result<()> {
    let path = format!("/api/v1/workflows/{}", segment(&asked.name));
    let answer = client.get(&path, &[]).await?;
    let in_force = answer["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|version| version["version"] == answer["published"])
        .map(|version| &version["body"]);
    let body = in_force.unwrap_or(&answer["draft"]);
    if asked.format.json {
        return output::json(body);
    }
    output::text(&serde_yaml_ng::to_string(body)?)
}

async fn runs(client: &Client, asked: &Runs) -> Result<()> {
    let query = [
        ("workflow", asked.workflow.clone()),
        ("state", asked.state.clone()),
        ("children", asked.children.then(|| "true".to_owned())),
        ("limit", Some(asked.limit.to_string())),
    ];
    let rows = client.get("/api/v1/workflow-runs", &query).await?;
    if asked.format.json {
        return output::json(&rows);
    }
    let rows = rows.as_array().cloned().unwrap_or_default();
    output::table(
        &rows,
        &[
            ("run", &at("/id")),
            ("workflow", &at("/workflow")),
            ("version", &at("/version")),
            ("state", &at("/state")),
            ("step", &at("/step")),
            ("accepted", &at("/accepted")),
            ("note", &at("/note")),
        ],
        "There is no such run.",
    )
}

/// A run that was waited for: a failed one is an error.
fn told(run: &Json, format: Format) -> Result<ExitCode> {
    shown(run, format)?;
    Ok(match run["state"].as_str() {
        Some("failed") => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

fn shown(run: &Json, format: Format) -> Result<()> {
    if format.json {
        return output::json(run);
    }
    output::text(&format!(
        "{} of {} version {}: {}{}\n",
        cell(run, "/id"),
        cell(run, "/workflow"),
        cell(run, "/version"),
        cell(run, "/state"),
        match run["note"].as_str() {
            Some(note) => format!(" ({note})"),
            None => String::new(),
        }
    ))?;
    let rows = run["steps"].as_array().cloned().unwrap_or_default();
    let short = |pointer: &'static str| {
        move |row: &Json| {
            let text = cell(row, pointer);
            match text.char_indices().nth(60) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    };
    output::table(
        &rows,
        &[
            ("step", &at("/step")),
            ("try", &at("/attempt")),
            ("state", &at("/state")),
            ("output", &short("/output")),
            ("error", &short("/error/message")),
        ],
        "No step was done yet.",
    )?;
    if let Some(choices) = run["choices"].as_array() {
        let choices: Vec<&str> = choices.iter().filter_map(Json::as_str).collect();
        eprintln!(
            "hint: answer with `tandem workflow answer {} {}`",
            cell(run, "/id"),
            choices.join("|")
        );
    }
    Ok(())
}
