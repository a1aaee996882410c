//! Commands that only look.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use server::Code;

use crate::{
    cli::{self, Format},
    client::{Client, segment},
    failure::Failure,
    output::{self, Column, at, cell},
};

/// So many rows are asked for at once.
const PAGE: usize = 1_000;

/// A list that is asked for page by page.
struct Pages<'a> {
    path: &'a str,
    query: &'a [(&'a str, Option<String>)],
    /// What says where a page begins, and what of the last row it takes.
    place: (&'a str, &'a str),
}

impl Pages<'_> {
    /// At most so many rows; 0: all of them.
    async fn rows(&self, client: &Client, limit: usize) -> Result<Vec<Json>> {
        let mut rows: Vec<Json> = Vec::new();
        loop {
            let wanted = match limit {
                0 => PAGE,
                limit => PAGE.min(limit - rows.len()),
            };
            let mut query = self.query.to_vec();
            query.push((self.place.0, rows.last().map(|row| cell(row, self.place.1))));
            query.push(("limit", Some(wanted.to_string())));
            let page = list(client, self.path, &query).await?;
            let whole = page.len() == wanted;
            rows.extend(page);
            if !whole || rows.len() == limit {
                return Ok(rows);
            }
        }
    }
}

/// The questions that wait.
pub(crate) async fn reviews(client: &Client, reviews: &cli::Reviews) -> Result<()> {
    let pages = Pages {
        path: "/api/v1/reviews",
        query: &[
            ("sync", reviews.sync.clone()),
            ("state", reviews.all.then(|| "all".to_owned())),
            ("kind", reviews.kind.clone()),
        ],
        place: ("after", "/id"),
    };
    let rows = pages.rows(client, 0).await?;
    if reviews.format.json || rows.is_empty() {
        return show(rows, reviews.format, &[], "No reviews wait.");
    }
    for row in &rows {
        output::text(&format!(
            "{}  {} · {} · {} · {}\n  {}\n",
            cell(row, "/id"),
            cell(row, "/sync"),
            cell(row, "/kind"),
            cell(row, "/state"),
            when("/opened")(row),
            cell(row, "/summary"),
        ))?;
        for (side, place) in [("left", "/left"), ("right", "/right")] {
            if row.pointer(place).is_some_and(|id| !id.is_null()) {
                output::text(&format!("  {side}: {}\n", cell(row, place)))?;
            }
        }
        let is_closed = ["decided", "withdrawn"].contains(&cell(row, "/state").as_str());
        if is_closed {
            let why = match cell(row, "/choice") {
                nothing if nothing == "–" => "no question any more".to_owned(),
                choice => choice,
            };
            output::text(&format!("  {}: {why}\n\n", when("/decided")(row)))?;
            continue;
        }
        let awaited = &row["details"]["waits_for"];
        if awaited.is_object() && cell(row, "/state") == "postponed" {
            output::text(&format!(
                "  waits for the answer about {} {}\n\n",
                cell(awaited, "/connection"),
                cell(awaited, "/record")
            ))?;
            continue;
        }
        for choice in row["details"]["choices"].as_array().into_iter().flatten() {
            let effect = choice
                .as_object()
                .into_iter()
                .flatten()
                .find(|(key, _)| *key != "key")
                .map_or(String::new(), |(_, effect)| {
                    effect.as_str().unwrap_or_default().to_owned()
                });
            output::text(&format!(
                "  tandem resolve {} {}   {effect}\n",
                cell(row, "/id"),
                cell(choice, "/key"),
            ))?;
        }
        output::text("\n")?;
    }
    Ok(())
}

/// Why a record is as it is.
pub(crate) async fn explain(client: &Client, explain: &cli::Explain) -> Result<()> {
    let answer = client
        .get(
            "/api/v1/explain",
            &[
                ("connection", Some(explain.connection.clone())),
                ("entity", Some(explain.entity.clone())),
                ("id", Some(explain.id.clone())),
                ("field", explain.field.clone()),
            ],
        )
        .await?;
    if explain.format.json {
        return output::json(&answer);
    }
    output::text(&format!(
        "{} {} {}\n",
        cell(&answer, "/connection"),
        cell(&answer, "/entity"),
        cell(&answer, "/record")
    ))?;
    for link in answer["links"].as_array().into_iter().flatten() {
        output::text(&format!(
            "  linked by sync {} with {} {} since {}, {}\n",
            cell(link, "/sync"),
            cell(link, "/other_connection"),
            cell(link, "/other_record"),
            when("/since")(link),
            match link["how"].as_str() {
                Some("created") => "when one was made from the other".to_owned(),
                _ => format!("matched by {}", cell(link, "/how")),
            },
        ))?;
    }
    let fields = answer["fields"].as_array().map_or(&[][..], Vec::as_slice);
    for mapping in fields.chunk_by(|one, next| one["mapping"] == next["mapping"]) {
        output::text(&explained(mapping))?;
    }
    for entry in answer["events"].as_array().into_iter().flatten() {
        output::text(&format!("  {}\n", event(entry)))?;
    }
    for review in answer["reviews"].as_array().into_iter().flatten() {
        output::text(&format!(
            "  asked: {}\n",
            review.as_str().unwrap_or_default()
        ))?;
    }
    Ok(())
}

/// The fields that one mapping reads, with what the other side has for them: once, however many there are.
fn explained(fields: &[Json]) -> String {
    let held = fields.iter().map(|field| {
        let (name, value) = (cell(field, "/field"), plain(&field["value"]));
        format!("{name} = {value}")
    });
    let name = fields.first().map(|field| cell(field, "/mapping"));
    let mut text = format!(
        "  {}: {}\n",
        name.unwrap_or_default(),
        held.collect::<Vec<_>>().join(", ")
    );
    let mut lines: Vec<String> = Vec::new();
    for field in fields {
        let others = field["counterpart"].as_array().into_iter().flatten();
        let others: Vec<String> = others
            .map(|other| format!("{} = {}", cell(other, "/0"), plain(&other[1])))
            .collect();
        if !others.is_empty() {
            lines.push(format!("the other side: {}", others.join(", ")));
        }
        if field["blocked"].is_string() {
            lines.push(format!("blocked: {}", cell(field, "/blocked")));
        }
        lines.extend(field["changes"].as_array().into_iter().flatten().map(event));
    }
    let mut told: Vec<&String> = Vec::new();
    for line in &lines {
        if !told.contains(&line) {
            told.push(line);
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

fn event(event: &Json) -> String {
    let mut line = format!(
        "{} {}{} by {}, signalled by {}",
        when("/at")(event),
        cell(event, "/effect"),
        change(event).map_or_else(String::new, |change| format!(": {change}")),
        cell(event, "/rule"),
        cell(event, "/signal"),
    );
    if let Some(sync) = event["sync"].as_str() {
        line.push_str(&format!(", in {sync}"));
    }
    if let Some(from) = begun_with(&event["origin"], &event["passed"]) {
        line.push_str(&format!(", begun with {from}"));
    }
    if let Some(note) = event["note"].as_str() {
        line.push_str(&format!(" ({note})"));
    }
    line
}

/// Where something began, and through which syncs it came.
fn begun_with(origin: &Json, passed: &Json) -> Option<String> {
    let (connection, record) = (origin[0].as_str()?, origin[1].as_str()?);
    let passed: Vec<&str> = passed
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let through = match passed.as_slice() {
        [] => String::new(),
        syncs => format!(", through {}", syncs.join(" and ")),
    };
    Some(format!("{connection} {record}{through}"))
}

/// The values before and after; none where the effect is about a whole record, such as a link.
fn change(event: &Json) -> Option<String> {
    let (before, after) = (&event["before"], &event["after"]);
    if event["values_gone"] == true {
        return Some("(kept no longer)".to_owned());
    }
    let has_values = before != "unknown" || after != "unknown";
    has_values.then(|| format!("{} → {}", plain(before), plain(after)))
}

/// A stored field as a person reads it.
pub(crate) fn plain(field: &Json) -> String {
    match field {
        Json::String(word) if word == "empty" => "(empty)".to_owned(),
        Json::String(word) if word == "unknown" => "(unknown)".to_owned(),
        Json::Object(field) => match field.get("value").unwrap_or(&Json::Null) {
            Json::Object(value) => match value.values().next() {
                Some(Json::String(text)) => text.clone(),
                Some(Json::Array(items)) => items
                    .iter()
                    .map(|item| match item {
                        Json::String(text) => text.clone(),
                        item => cell(item, "/value"),
                    })
                    .collect::<Vec<_>>()
                    .join(", "),
                Some(other) => other.to_string(),
                None => "–".to_owned(),
            },
            other => other.to_string(),
        },
        Json::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// The fields of an account.
pub(crate) async fn fields(client: &Client, fields: &cli::Fields) -> Result<()> {
    if let Some(other) = &fields.users_of {
        return users(client, &fields.name, other, fields.format.json).await;
    }
    let path = format!("/api/v1/connections/{}/fields", segment(&fields.name));
    let schemas = list(client, &path, &[("entity", fields.entity.clone())]).await?;
    if fields.format.json && fields.field.is_none() {
        return output::json(&Json::Array(schemas));
    }
    let mut rows = Vec::new();
    for schema in schemas {
        if let Some(problem) = schema["problem"].as_str() {
            eprintln!(
                "The fields of {} cannot be read: {problem}",
                cell(&schema, "/entity")
            );
        }
        for field in schema["fields"].as_array().into_iter().flatten() {
            let mut row = field.clone();
            row["entity"] = schema["entity"].clone();
            rows.push(row);
        }
    }
    if let Some(name) = &fields.field {
        rows.retain(|row| row["name"] == **name);
        return match fields.format.json {
            true => output::json(&Json::Array(rows)),
            false => one_field(&rows, name, &fields.name),
        };
    }
    let label = |row: &Json| match row["custom"].as_bool() {
        Some(true) => format!("{} (own)", cell(row, "/label")),
        _ => cell(row, "/label"),
    };
    let kind = |row: &Json| match &row["kind"] {
        Json::Object(kind) => kind.keys().cloned().collect::<Vec<_>>().join(", "),
        kind => kind.as_str().unwrap_or_default().to_owned(),
    };
    let capability = |row: &Json| {
        let mut words = vec![cell(row, "/capability/access").replace('_', " ")];
        if row["capability"]["required"] == true {
            words.push("required".to_owned());
        }
        if row["capability"]["clearable"] == false {
            words.push("cannot be emptied".to_owned());
        }
        if let Some(longest) = row["capability"]["max_length"].as_u64() {
            words.push(format!("at most {longest} characters"));
        }
        words.join(", ")
    };
    let choices = |row: &Json| {
        const SHOWN: usize = 4;
        let keys: Vec<String> = row["choices"]
            .as_array()
            .into_iter()
            .flatten()
            .map(named)
            .collect();
        match keys.len() {
            0 => String::new(),
            number if number > SHOWN => format!("{}, … ({number})", keys[..SHOWN].join(", ")),
            _ => keys.join(", "),
        }
    };
    output::table(
        &rows,
        &[
            ("entity", &at("/entity")),
            ("field", &at("/name")),
            ("label", &label),
            ("kind", &kind),
            ("may be", &capability),
            ("choices", &choices),
        ],
        "No fields.",
    )
}

/// What a field takes: its key, and what people see where that is another word.
fn named(choice: &Json) -> String {
    let (key, label) = (cell(choice, "/key"), cell(choice, "/label"));
    match label.trim().is_empty() || label == key {
        true => key,
        false => format!("{key} ({label})"),
    }
}

/// Everything that the fields of this name take.
fn one_field(rows: &[Json], name: &str, connection: &str) -> Result<()> {
    if rows.is_empty() {
        return Err(Failure::new(
            Code::BadRequest,
            format!("{connection} has no field `{name}`"),
        )
        .hint(format!("`tandem fields {connection}` lists them"))
        .into());
    }
    let mut taken = Vec::new();
    for field in rows {
        for choice in field["choices"].as_array().into_iter().flatten() {
            let mut row = choice.clone();
            row["entity"] = field["entity"].clone();
            taken.push(row);
        }
    }
    output::table(
        &taken,
        &[
            ("entity", &at("/entity")),
            ("id", &at("/key")),
            ("what people see", &at("/label")),
        ],
        "It takes anything of its kind.",
    )
}

/// Who of one account is who of another, as the `values` of a mapping.
async fn users(client: &Client, name: &str, other: &str, json: bool) -> Result<()> {
    let path = format!(
        "/api/v1/connections/{}/users/{}",
        segment(name),
        segment(other)
    );
    let answer = client.get(&path, &[]).await?;
    if json {
        return output::json(&answer);
    }
    let mut lines = vec!["values:".to_owned()];
    for pair in answer["pairs"].as_array().into_iter().flatten() {
        let (left, right) = (cell(pair, "/0/key"), cell(pair, "/1/key"));
        lines.push(format!("  {left}: {right}   # {}", cell(pair, "/0/label")));
    }
    for (side, name) in [("left", name), ("right", other)] {
        for user in answer[side].as_array().into_iter().flatten() {
            let (key, label) = (cell(user, "/key"), cell(user, "/label"));
            lines.push(format!("  # only in {name}: {key} ({label})"));
        }
    }
    output::text(&format!("{}\n", lines.join("\n")))
}

/// Calls to the systems.
pub(crate) async fn calls(client: &Client, calls: &cli::Calls) -> Result<()> {
    let since = match &calls.since {
        None => None,
        Some(text) => Some(since(client, text).await?.to_string()),
    };
    let pages = Pages {
        path: "/api/v1/calls",
        query: &[
            ("connection", calls.connection.clone()),
            ("operation", calls.operation.clone()),
            ("outcome", calls.outcome.clone()),
            ("status", calls.status.map(|status| status.to_string())),
            ("cause", calls.cause.clone()),
            ("since", since),
        ],
        place: ("after", "/cursor"),
    };
    let rows = pages.rows(client, calls.limit).await?;
    show(
        rows,
        calls.format,
        &[
            ("time", &when("/at")),
            ("connection", &at("/connection")),
            ("operation", &at("/operation")),
            ("status", &at("/status")),
            ("ms", &at("/milliseconds")),
            ("attempt", &at("/attempt")),
            ("outcome", &at("/outcome")),
            ("records", &at("/records")),
            ("lane", &at("/lane")),
            ("cause", &at("/cause")),
        ],
        "No calls.",
    )
}

/// A moment, or how long ago by the server's clock.
pub(crate) async fn since(client: &Client, text: &str) -> Result<Timestamp> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let ago: SignedDuration = text.parse().map_err(|error| {
        anyhow::anyhow!("`{text}` is neither a time nor a duration such as `2h`: {error}")
    })?;
    let status = client.get("/api/v1/status", &[]).await?;
    let now: Timestamp = cell(&status, "/now").parse()?;
    Ok(now.checked_sub(ago.abs())?)
}

/// What was done to records.
pub(crate) async fn journal(client: &Client, journal: &cli::Journal) -> Result<()> {
    let pages = Pages {
        path: "/api/v1/journal",
        query: &[
            ("connection", journal.connection.clone()),
            ("sync", journal.sync.clone()),
            ("record", journal.record.clone()),
            ("field", journal.field.clone()),
        ],
        place: ("before", "/seq"),
    };
    let rows = pages.rows(client, journal.limit).await?;
    show(
        rows,
        journal.format,
        &[
            ("time", &when("/at")),
            ("effect", &at("/effect")),
            ("connection", &at("/connection")),
            ("record", &at("/record")),
            ("field", &at("/field")),
            ("change", &|row| change(row).unwrap_or_default()),
            ("rule", &at("/rule")),
            ("signal", &at("/cause/source")),
            ("begun with", &|row| {
                begun_with(&row["cause"]["origin"], &row["cause"]["passed"]).unwrap_or_default()
            }),
        ],
        "Nothing was done yet.",
    )
}

/// Records that fail.
pub(crate) async fn failing(client: &Client, failing: &cli::Failing) -> Result<()> {
    let pages = Pages {
        path: "/api/v1/failing",
        query: &[("connection", failing.connection.clone())],
        place: ("after", "/cursor"),
    };
    let rows = pages.rows(client, failing.limit).await?;
    show(
        rows,
        failing.format,
        &[
            ("connection", &at("/connection")),
            ("entity", &at("/entity")),
            ("record", &at("/record")),
            ("tries", &at("/attempts")),
            ("since", &when("/since")),
            ("error", &at("/error")),
        ],
        "No record fails.",
    )
}

/// How much is kept.
pub(crate) async fn retention(client: &Client, format: cli::Format) -> Result<()> {
    let answer = client.get("/api/v1/retention", &[]).await?;
    if format.json {
        return output::json(&answer);
    }
    let what = |row: &Json| match row["what"].as_str() {
        // open ones are never dropped
        Some("reviews") => "closed reviews".to_owned(),
        _ => cell(row, "/what").replace('_', " "),
    };
    let rule = |row: &Json| match row["most"].as_u64() {
        Some(most) => format!("{} days, at most {most}", cell(row, "/days")),
        None => format!("{} days", cell(row, "/days")),
    };
    output::table(
        answer["kept"].as_array().map_or(&[], Vec::as_slice),
        &[
            ("what", &what),
            ("how many", &at("/rows")),
            ("the oldest", &when("/oldest")),
            ("kept for", &rule),
        ],
        "Nothing is kept.",
    )?;
    let megabytes = answer["bytes"].as_u64().unwrap_or(0).div_ceil(1_000_000);
    output::text(&format!("The database has {megabytes} MB.\n"))
}

/// Fields that do not cross: each once, with how many records it is about, or record by record.
pub(crate) async fn blocked(client: &Client, blocked: &cli::Blocked) -> Result<()> {
    let pages = Pages {
        path: if blocked.records {
            "/api/v1/blocked"
        } else {
            "/api/v1/blocked/fields"
        },
        query: &[("sync", blocked.sync.clone())],
        place: ("after", "/cursor"),
    };
    let rows = pages.rows(client, blocked.limit).await?;
    let none = "Every field crosses.";
    if blocked.records {
        let columns: &[Column<'_>] = &[
            ("sync", &at("/sync")),
            ("entity", &at("/entity")),
            ("left", &at("/left")),
            ("right", &at("/right")),
            ("mapping", &at("/mapping")),
            ("not taken by", &at("/connection")),
            ("since", &when("/since")),
            ("why", &at("/reason")),
        ];
        return show(rows, blocked.format, columns, none);
    }
    let some = !rows.is_empty();
    let columns: &[Column<'_>] = &[
        ("sync", &at("/sync")),
        ("entity", &at("/entity")),
        ("mapping", &at("/mapping")),
        ("not taken by", &at("/connection")),
        ("records", &at("/records")),
        ("since", &when("/since")),
        ("why", &at("/reason")),
    ];
    show(rows, blocked.format, columns, none)?;
    if some && !blocked.format.json {
        eprintln!("hint: `tandem blocked --records` lists each record");
    }
    Ok(())
}

/// Records that a sync left out.
pub(crate) async fn skipped(client: &Client, skipped: &cli::Skipped) -> Result<()> {
    let path = format!("/api/v1/syncs/{}/skipped", segment(&skipped.sync));
    let pages = Pages {
        path: &path,
        query: &[("reason", skipped.reason.clone())],
        place: ("after", "/cursor"),
    };
    let rows = pages.rows(client, skipped.limit).await?;
    show(
        rows,
        skipped.format,
        &[
            ("entity", &at("/entity")),
            ("connection", &at("/connection")),
            ("record", &at("/record")),
            ("since", &when("/since")),
            ("reason", &at("/reason")),
            ("why", &at("/why")),
        ],
        "No record was left out.",
    )
}

/// Runs.
pub(crate) async fn runs(client: &Client, runs: &cli::Runs) -> Result<()> {
    let rows = list(
        client,
        "/api/v1/runs",
        &[
            ("sync", runs.sync.clone()),
            ("limit", Some(runs.limit.to_string())),
        ],
    )
    .await?;
    let counts = |row: &Json| {
        row["counts"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, count)| format!("{name} {count}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    show(
        rows,
        runs.format,
        &[
            ("started", &when("/started")),
            ("sync", &at("/sync")),
            ("kind", &at("/kind")),
            ("state", &at("/state")),
            ("ended", &when("/ended")),
            ("counts", &counts),
        ],
        "No run yet.",
    )
}

async fn list(client: &Client, path: &str, query: &[(&str, Option<String>)]) -> Result<Vec<Json>> {
    Ok(match client.get(path, query).await? {
        Json::Array(rows) => rows,
        other => vec![other],
    })
}

fn show(rows: Vec<Json>, format: Format, columns: &[Column<'_>], nothing: &str) -> Result<()> {
    if format.json {
        return output::json(&Json::Array(rows));
    }
    output::table(&rows, columns, nothing)
}

/// A moment to the second, in UTC.
pub(crate) fn when(pointer: &'static str) -> impl Fn(&Json) -> String {
    move |row| {
        let text = cell(row, pointer);
        match text.parse::<Timestamp>() {
            Ok(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            Err(_) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stored_fields_read_like_values() {
        assert_eq!(plain(&json!({"value": {"text": "Anna"}})), "Anna");
        assert_eq!(plain(&json!({"value": {"set": ["a", "b"]}})), "a, b");
        assert_eq!(
            plain(&json!({"value": {"points": [{"kind": "email", "value": "a@b.de"}]}})),
            "a@b.de"
        );
        assert_eq!(plain(&json!({"value": {"boolean": true}})), "true");
        assert_eq!(plain(&json!("empty")), "(empty)");
        assert_eq!(plain(&Json::Null), "–");
    }
}
