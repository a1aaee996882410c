//! `tandem connect` and `tandem check`.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value as Json, json};
use server::Code;
use tokio_util::sync::CancellationToken;

use crate::{
    cli,
    client::{Client, segment},
    failure::Failure,
    output::{self, Output, cell},
    session::Session,
};

/// Signs a connection in, or gives it new credentials.
pub(crate) async fn connect(
    session: &mut Session,
    connect: cli::Connect,
    output: Output,
) -> Result<ExitCode> {
    let path = format!("/api/v1/connections/{}", segment(&connect.name));
    if connect.confirm {
        let connected = session
            .client
            .post(&format!("{path}/confirm"), json!({}))
            .await?;
        return told(&connected, &Json::Null, connect.format.json);
    }
    let shown = session.client.get(&path, &[]).await?;
    let fields = ask_for(&shown, &connect)?;
    // a vendor redirects the browser back to us: without a server there must be somebody to answer
    let (stop, listening) = match &session.here {
        Some(here) if shown["sign_in"]["redirect"] == true => {
            let stop = CancellationToken::new();
            let listening = here.service.answer(stop.clone()).await;
            let listening = listening.map_err(|error| {
                Failure::new(Code::PortTaken, error.to_string()).hint(
                    "the vendor redirects the browser there; free the address or change `listen`",
                )
            })?;
            (Some(stop), Some(listening))
        }
        _ => (None, None),
    };
    let outcome = sign_in(&session.client, &path, fields, &connect, output).await;
    if let Some(stop) = stop {
        stop.cancel();
    }
    if let Some(listening) = listening {
        listening.await.context("the listener broke off")??;
    }
    outcome
}

async fn sign_in(
    client: &Client,
    path: &str,
    fields: BTreeMap<String, String>,
    connect: &cli::Connect,
    output: Output,
) -> Result<ExitCode> {
    let path = format!("{path}/connect");
    let asking = client.post(&path, json!({"fields": fields}));
    let answer = with_patience(asking).await?;
    let Some(link) = answer["link"].as_str() else {
        // nothing is registered at the vendor for what is pasted
        return told(&answer["connected"], &Json::Null, connect.format.json);
    };
    let redirect = cell(&answer, "/redirect_uri");
    eprintln!("The redirect address to register at the vendor: {redirect}");
    if !redirect.starts_with("https://") {
        eprintln!(
            "A vendor registers HTTPS addresses only: on a real account set `public_url` first (docs/reverse-proxy.md). The sandbox takes this one."
        );
    }
    if connect.format.json {
        output::json(&answer)?;
    } else {
        eprintln!("Open this in a browser and sign in (it works once):");
        output::text(&format!("{link}\n"))?;
        io::stdout().flush()?;
    }
    if output.interactive {
        eprintln!("Waiting for the sign-in; Ctrl-C stops waiting, not the sign-in.");
    }
    let standing = format!("/api/v1/sign-ins/{}", segment(&cell(&answer, "/ticket")));
    let longest = Duration::from_secs(connect.wait);
    match tokio::time::timeout(longest, until_over(client, &standing)).await {
        Ok(connected) => told(&connected?, &answer, connect.format.json),
        Err(_) => Err(Failure::new(
            Code::ConnectionSignIn,
            format!("nobody signed in within {} seconds", connect.wait),
        )
        .into()),
    }
}

/// How long an answer is waited for before the person is told what takes so long, and then again and again.
const PATIENCE: Duration = Duration::from_secs(5);
const REMINDER: Duration = Duration::from_secs(20);

/// Waits for the answer of a sign-in, and says what is being waited for.
async fn with_patience(asking: impl Future<Output = Result<Json>>) -> Result<Json> {
    let began = Instant::now();
    let mut pause = PATIENCE;
    tokio::pin!(asking);
    loop {
        tokio::select! {
            answer = &mut asking => return answer,
            () = tokio::time::sleep(pause) => {}
        }
        match pause == PATIENCE {
            true => eprintln!(
                "Still signing in. A vendor that refuses because one permission was not granted does not say which: Tandem asks for parts of them until it knows. Vendors take few sign-ins a minute (OfficeRnD: five), so this takes about a minute for each that is missing."
            ),
            false => eprintln!("Still signing in ({} s).", began.elapsed().as_secs()),
        }
        pause = REMINDER;
    }
}

async fn until_over(client: &Client, path: &str) -> Result<Json> {
    loop {
        let mut standing = client.get(path, &[]).await?;
        match standing["stage"].as_str() {
            Some("connected") => return Ok(standing),
            Some("failed") => {
                if let Some(failed) = standing.as_object_mut() {
                    failed.remove("stage");
                }
                let failure: Failure = serde_json::from_value(standing)?;
                return Err(failure.into());
            }
            _ => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// Says what was connected; fails if rights are missing.
fn told(connected: &Json, answer: &Json, json: bool) -> Result<ExitCode> {
    let missing = words(&connected["account"]["missing"]);
    if json {
        output::json(connected)?;
    } else {
        output::text(&format!(
            "{} is connected to {} ({}){}.\n",
            cell(connected, "/connection"),
            cell(connected, "/account/name"),
            cell(connected, "/account/id"),
            if connected["replaced"] == true {
                "; its credentials were replaced, everything else stays"
            } else {
                ""
            }
        ))?;
        for remark in connected["account"]["remarks"]
            .as_array()
            .into_iter()
            .flatten()
        {
            eprintln!("  {}", remark.as_str().unwrap_or_default());
        }
        for joined in connected["beside"].as_array().into_iter().flatten() {
            output::text(&match &joined["problem"] {
                Json::String(problem) => {
                    format!(
                        "{} is not connected: {problem}\n",
                        cell(joined, "/connection")
                    )
                }
                _ => format!(
                    "{} is connected to {} ({}), too.\n",
                    cell(joined, "/connection"),
                    cell(joined, "/connected/account/name"),
                    cell(joined, "/connected/account/id")
                ),
            })?;
        }
        if let Some(url) = answer["webhook_url"].as_str() {
            eprintln!("The webhook address to register at the vendor: {url}");
        }
    }
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(lacking(&missing).into())
}

fn lacking(missing: &str) -> Failure {
    Failure::new(Code::ConnectionRights, format!("missing: {missing}"))
        .hint("grant these at the vendor, then connect again")
}

fn words(list: &Json) -> String {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What the sign-in needs and neither config nor command line has, asked of the person.
fn ask_for(shown: &Json, connect: &cli::Connect) -> Result<BTreeMap<String, String>> {
    let mut given = BTreeMap::new();
    for field in &connect.fields {
        let (name, reference) = field
            .split_once('=')
            .with_context(|| format!("`{field}` has no `=`; write --field NAME=env:VARIABLE"))?;
        given.insert(name.to_owned(), resolve(reference)?);
    }
    for field in shown["sign_in"]["fields"].as_array().into_iter().flatten() {
        let name = cell(field, "/name");
        if field["in_config"] == true || given.contains_key(&name) {
            continue;
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::new(
                Code::ConnectionSignIn,
                format!("`{name}` ({}) is missing", cell(field, "/label")),
            )
            .hint(format!(
                "put `{name}: env:VARIABLE` below `auth` in the config, or pass --field {name}=env:VARIABLE"
            ))
            .into());
        }
        eprintln!("{}: {}", cell(field, "/label"), cell(field, "/help"));
        let value = if field["secret"] == true {
            rpassword::prompt_password(format!("{name} (not shown): "))?
        } else {
            eprint!("{name}: ");
            io::stderr().flush()?;
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            line
        };
        given.insert(name, value.trim().to_owned());
    }
    Ok(given)
}

/// The text behind `env:NAME` or `file:PATH`.
fn resolve(reference: &str) -> Result<String> {
    let text = if let Some(variable) = reference.strip_prefix("env:") {
        std::env::var(variable)
            .with_context(|| format!("the variable `{variable}` cannot be used"))?
    } else if let Some(path) = reference.strip_prefix("file:") {
        std::fs::read_to_string(path).with_context(|| format!("`{path}` cannot be read"))?
    } else {
        bail!(
            "other users of this machine can see command lines; write env:VARIABLE or file:PATH instead of the value"
        );
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The accounts that the sign-in of a connection reaches.
pub(crate) async fn accounts(client: &Client, wanted: &cli::Accounts) -> Result<ExitCode> {
    let path = format!("/api/v1/connections/{}/accounts", segment(&wanted.name));
    let reached = client.get(&path, &[]).await?;
    let mut rows = reached.as_array().cloned().unwrap_or_default();
    if wanted.rows {
        rows.retain(|row| row["connection"].is_null());
    }
    if wanted.format.json {
        output::json(&Json::Array(rows))?;
    } else if wanted.rows {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for row in &rows {
            let mut name = config_name(&cell(row, "/name"));
            let before = names.entry(name.clone()).or_default();
            *before += 1;
            if *before > 1 {
                name = format!("{name}-{before}");
            }
            // a JSON string is one of YAML too
            output::text(&format!("- {{name: {name}, account: {}}}\n", row["id"]))?;
        }
    } else {
        let connected = |row: &Json| match (&row["connection"], &row["connected"]) {
            (Json::Null, _) => "no connection",
            (_, Json::Bool(true)) => "connected",
            _ => "not signed in",
        };
        output::table(
            &rows,
            &[
                ("account", &|row| cell(row, "/id")),
                ("name", &|row| cell(row, "/name")),
                ("connection", &|row| cell(row, "/connection")),
                ("state", &|row| connected(row).to_owned()),
            ],
            "The app is installed in no account yet.",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What people call an account, in letters that a connection may have.
fn config_name(name: &str) -> String {
    let mut text = String::new();
    // a name has 48 letters at most, and one that comes twice gets a number
    for letter in name.to_lowercase().chars().take(32) {
        match letter {
            'a'..='z' | '0'..='9' => text.push(letter),
            'ä' => text.push_str("ae"),
            'ö' => text.push_str("oe"),
            'ü' => text.push_str("ue"),
            'ß' => text.push_str("ss"),
            _ if text.is_empty() || text.ends_with('-') => {}
            _ => text.push('-'),
        }
    }
    let text = text.trim_end_matches('-');
    match text.chars().next() {
        Some('a'..='z') => text.to_owned(),
        _ => format!("account-{text}"),
    }
}

/// Makes a custom field, or finds the one that is called so already, and prints its name.
pub(crate) async fn add_field(client: &Client, field: &cli::AddField) -> Result<ExitCode> {
    let path = format!("/api/v1/connections/{}/fields", segment(&field.name));
    let wanted = json!({"entity": field.entity, "label": field.label});
    let made = client.post(&path, wanted).await?;
    if field.format.json {
        output::json(&made)?;
    } else {
        output::text(&format!("{}\n", cell(&made, "/field")))?;
        if made["was_there"] == true {
            eprintln!(
                "There is a text field `{}` already; nothing was made.",
                cell(&made, "/label")
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks one connection, or all. Exit status 4 if one of them cannot be used as it must be.
pub(crate) async fn check(client: &Client, check: &cli::Check) -> Result<ExitCode> {
    let names: Vec<String> = match &check.name {
        Some(name) => vec![name.clone()],
        None => client
            .get("/api/v1/connections", &[])
            .await?
            .as_array()
            .into_iter()
            .flatten()
            .map(|connection| cell(connection, "/name"))
            .collect(),
    };
    let mut rows = Vec::new();
    let mut all_well = true;
    for name in names {
        let path = format!("/api/v1/connections/{}/check", segment(&name));
        let row = match client.post(&path, json!({})).await {
            Ok(account) => {
                all_well &= words(&account["missing"]).is_empty();
                json!({"connection": name, "account": account})
            }
            Err(error) => {
                let failure = error.downcast::<Failure>()?;
                if failure.code == Code::ConnectionUnknown {
                    return Err(failure.into());
                }
                all_well = false;
                json!({
                    "connection": name,
                    "problem": {"code": failure.code, "message": failure.message, "hint": failure.hint},
                })
            }
        };
        rows.push(row);
    }
    if check.format.json {
        output::json(&Json::Array(rows))?;
    } else {
        for row in &rows {
            show_checked(row, check.all)?;
        }
    }
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(4)
    })
}

fn show_checked(row: &Json, all: bool) -> Result<()> {
    let name = cell(row, "/connection");
    if row["problem"].is_object() {
        output::text(&format!(
            "{name}: {} ({})\n",
            cell(row, "/problem/message"),
            cell(row, "/problem/code")
        ))?;
        if row["problem"]["hint"].is_string() {
            output::text(&format!("  hint: {}\n", cell(row, "/problem/hint")))?;
        }
        return Ok(());
    }
    output::text(&format!(
        "{name}: {} ({})\n",
        cell(row, "/account/name"),
        cell(row, "/account/id")
    ))?;
    for (what, place) in [
        ("country", "/account/country"),
        ("time zone", "/account/time_zone"),
    ] {
        if let Some(Json::String(value)) = row.pointer(place) {
            output::text(&format!("  {what}: {value}\n"))?;
        }
    }
    let missing = &row["account"]["missing"];
    output::text(&match words(missing) {
        none if none.is_empty() => "  all that your syncs need is there\n".to_owned(),
        missing => format!("  missing: {missing}\n"),
    })?;
    // what no sync needs is a lot, and most people want none of it
    let mut beside: Vec<&Json> = Vec::new();
    for (scope, lost) in row["account"]["lost"].as_object().into_iter().flatten() {
        let needed = missing
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == scope));
        if !all && !needed && words(&lost["syncs"]).is_empty() {
            beside.push(lost);
            continue;
        }
        output::text(&format!("  without {scope}:\n"))?;
        for told in lost["syncs"].as_array().into_iter().flatten() {
            output::text(&format!("    {}\n", told.as_str().unwrap_or_default()))?;
        }
        for what in ["operations", "triggers"] {
            let names = words(&lost[what]);
            if !names.is_empty() {
                output::text(&format!("    of the catalog, no {what}: {names}\n"))?;
            }
        }
    }
    if !beside.is_empty() {
        let count = |place: &str| -> usize {
            let each = beside.iter().filter_map(|lost| lost[place].as_array());
            each.map(Vec::len).sum()
        };
        output::text(&format!(
            "  of the catalog, {} operations and {} triggers need {} scopes that were not granted; --all lists them\n",
            count("operations"),
            count("triggers"),
            beside.len(),
        ))?;
    }
    for remark in row["account"]["remarks"].as_array().into_iter().flatten() {
        output::text(&format!("  {}\n", remark.as_str().unwrap_or_default()))?;
    }
    Ok(())
}
