//! The client's log of who touched what: the only trace that a deleted record leaves in the API.

use serde_json::{Map, Value as Json};

use super::answer::Answered;
use super::errors::{Failure, fail, fail_with};
use super::local_time::{self, CivilSeconds, datetime};
use super::php_json::PhpJson;
use super::quirks::Quirks;
use super::read::MAX_LIMIT;
use super::request::{Caller, integer};
use super::state::State;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogAction {
    Add,
    Edit,
    Delete,
}

impl LogAction {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Edit => "edit",
            Self::Delete => "delete",
        }
    }
}

#[derive(Clone, Debug)]
struct Line {
    user: u32,
    at: CivilSeconds,
    action: LogAction,
    module: &'static str,
    record: u32,
}

/// The log, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    lines: Vec<Line>,
}

impl Log {
    pub(crate) fn add(
        &mut self,
        user: u32,
        at: CivilSeconds,
        action: LogAction,
        module: &'static str,
        record: u32,
    ) {
        self.lines.push(Line {
            user,
            at,
            action,
            module,
            record,
        });
    }

    /// The records of a module that a user made or changed, newest first, with the time.
    pub(crate) fn touched<'a>(
        &'a self,
        module: &'a str,
        user: u32,
    ) -> impl Iterator<Item = (u32, String)> + 'a {
        self.lines
            .iter()
            .rev()
            .filter(move |line| line.module == module && line.user == user)
            .map(|line| (line.record, datetime(line.at)))
    }
}

/// Answers `read log`: newest first, everything as text.
///
/// # Errors
/// 156 unless the API user is an administrator, 256 without `listlimit`.
pub(crate) fn read(
    state: &State,
    quirks: &Quirks,
    caller: &Caller,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    if !state.rights(caller).admin {
        return Err(fail(156));
    }
    let limit = integer(parameters, "listlimit")?.ok_or_else(|| fail(256))?;
    let limit = usize::try_from(limit.clamp(0, 500)).unwrap_or(MAX_LIMIT);
    let offset =
        usize::try_from(integer(parameters, "listOffset")?.unwrap_or(0).max(0)).unwrap_or(0);
    let word = |name: &str| -> Option<String> {
        match parameters.get(name) {
            Some(Json::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Json::Number(number)) => Some(number.to_string()),
            _ => None,
        }
    };
    let (module, user, action) = (word("module"), word("user"), word("action"));
    let tests = tests(parameters.get("filter").unwrap_or(&Json::Null))?;
    let lines = &state.log().lines;
    let matching = lines.iter().enumerate().rev().filter(|(position, line)| {
        let columns = columns(*position, line);
        let column = |name: &str| {
            columns
                .iter()
                .find(|(known, _)| *known == name)
                .map_or("", |(_, value)| value.as_str())
        };
        module
            .as_deref()
            .is_none_or(|wanted| wanted == column("module"))
            && user
                .as_deref()
                .is_none_or(|wanted| wanted == column("userId"))
            && action
                .as_deref()
                .is_none_or(|wanted| wanted == column("action"))
            && tests.iter().all(|test| test.holds(column(&test.column)))
    });
    let mut total = 0;
    let mut out = PhpJson::new(quirks.php_escapes);
    for (position, line) in matching {
        if total >= offset && total - offset < limit {
            if total > offset {
                out.raw(",");
            }
            out.raw("{\"id\":")
                .number(i64::try_from(position).unwrap_or(i64::MAX) + 1)
                .raw(",\"type\":\"Log\",\"elements\":{");
            for (place, (name, value)) in columns(position, line).iter().enumerate() {
                if place > 0 {
                    out.raw(",");
                }
                out.key(name).string(value);
            }
            out.raw("}}");
        }
        total += 1;
    }
    Ok(Answered::records(Some(total), out.finish()))
}

fn columns(position: usize, line: &Line) -> [(&'static str, String); 8] {
    // the tables of the other modules are guesses after that of addresses
    let (table, key) = match line.module {
        "address" => ("Adressen", "AdrID"),
        "estate" => ("Objekte", "ObjektID"),
        "task" => ("Aufgaben", "Nr"),
        "calendar" => ("Termine", "Nr"),
        "agentslog" => ("Maklerbuch", "Nr"),
        other => (other, "Id"),
    };
    [
        ("id", (position + 1).to_string()),
        ("action", line.action.word().to_owned()),
        ("module", line.module.to_owned()),
        ("userId", line.user.to_string()),
        ("dateTime", datetime(line.at)),
        ("resourceId", line.record.to_string()),
        ("resourceTable", table.to_owned()),
        ("resourcePk", key.to_owned()),
    ]
}

struct Test {
    column: String,
    op: String,
    value: Vec<String>,
}

const COLUMNS: [&str; 8] = [
    "id",
    "action",
    "module",
    "userId",
    "dateTime",
    "resourceId",
    "resourceTable",
    "resourcePk",
];

fn tests(filter: &Json) -> Result<Vec<Test>, Failure> {
    let Json::Object(fields) = filter else {
        return Ok(Vec::new());
    };
    let mut tests = Vec::new();
    for (column, conditions) in fields {
        if !COLUMNS.contains(&column.as_str()) {
            return Err(fail_with(141, column));
        }
        for condition in conditions
            .as_array()
            .ok_or_else(|| fail_with(257, column))?
        {
            let op = condition
                .get("op")
                .and_then(Json::as_str)
                .ok_or_else(|| fail_with(257, column))?;
            let text = |value: &Json| match value {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            let value = match condition.get("val") {
                Some(Json::Array(items)) => items.iter().map(text).collect(),
                Some(single) => vec![text(single)],
                None => return Err(fail_with(257, column)),
            };
            let op = op.to_ascii_lowercase();
            let known = [
                "=", "is", "!=", "<>", ">", "<", ">=", "<=", "in", "not in", "between",
            ];
            if !known.contains(&op.as_str()) {
                return Err(fail_with(142, &op));
            }
            tests.push(Test {
                column: column.clone(),
                op,
                value,
            });
        }
    }
    Ok(tests)
}

impl Test {
    fn holds(&self, column: &str) -> bool {
        let order = |value: &String| match self.column.as_str() {
            "dateTime" => local_time::parse(column).cmp(&local_time::parse(value)),
            _ => column
                .parse::<i64>()
                .unwrap_or(0)
                .cmp(&value.parse().unwrap_or(0)),
        };
        let equal = |value: &String| match self.column.as_str() {
            "dateTime" => order(value).is_eq(),
            _ => column.eq_ignore_ascii_case(value),
        };
        let first = &self.value[..1.min(self.value.len())];
        match self.op.as_str() {
            "=" | "is" => first.iter().any(equal),
            "!=" | "<>" => !first.iter().any(equal),
            "in" => self.value.iter().any(equal),
            "not in" => !self.value.iter().any(equal),
            ">" => first.iter().any(|value| order(value).is_gt()),
            "<" => first.iter().any(|value| order(value).is_lt()),
            ">=" => first.iter().any(|value| order(value).is_ge()),
            "<=" => first.iter().any(|value| order(value).is_le()),
            _ => match self.value.as_slice() {
                [from, to] => order(from).is_ge() && order(to).is_le(),
                _ => false,
            },
        }
    }
}
