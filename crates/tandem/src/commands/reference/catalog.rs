//! The catalog's pages: an overview with counts, a list for each system, a page for each operation.

use std::collections::BTreeMap;

use connector::{
    Connector,
    catalog::{
        Effects, Operation, Pick, Repeat, needs,
        trigger::{Source, Trigger},
    },
};
use serde_json::Value as Json;

use super::{NOTE, line};

/// All pages, by their place below the docs.
pub(super) fn pages(connectors: &[&dyn Connector]) -> Vec<(String, String)> {
    let mut pages = vec![("catalog.md".to_owned(), overview(connectors))];
    for connector in connectors {
        let catalog = connector.catalog();
        if catalog.operations.is_empty() {
            continue;
        }
        let system = connector.describe().system;
        pages.push((format!("catalog/{system}/README.md"), list(*connector)));
        pages.extend(catalog.operations.iter().map(|operation| {
            let text = page(*connector, operation, &catalog.picks);
            (format!("catalog/{system}/{}.md", operation.id), text)
        }));
        pages.extend(catalog.triggers.iter().map(|trigger| {
            let text = trigger_page(*connector, trigger);
            (format!("catalog/{system}/{}.md", trigger.id), text)
        }));
    }
    pages
}

fn overview(connectors: &[&dyn Connector]) -> String {
    let mut text = format!(
        "{NOTE}# The catalog\n\nWhat Tandem can do in each system beside keeping records in sync: single operations, for people \
         (`tandem call`), scripts (the API) and workflows. `tandem catalog` lists them. Every entry is tried against [the sandbox](sandbox.md) \
         with its own example, and its effect is read back by another operation or out of the sandbox's state; what is not tried is not listed. \
         None of it has met a live account yet.\n\n\
         | system | actions | different ones | that read | that write | done again if the outcome is not known | looked up first | never done again | discouraged by the vendor | triggers |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    );
    for connector in connectors {
        let operations = &connector.catalog().operations;
        let count = |fits: &dyn Fn(&Operation) -> bool| {
            operations
                .iter()
                .filter(|operation| fits(operation))
                .count()
        };
        let description = connector.describe();
        let name = match operations.is_empty() {
            true => description.title.to_owned(),
            false => format!(
                "[{}](catalog/{}/README.md)",
                description.title, description.system
            ),
        };
        line(
            &mut text,
            format_args!(
                "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                operations.len(),
                connector.catalog().distinct().actions,
                count(&|operation| operation.effect == Effects::Read),
                count(&|operation| operation.effect == Effects::Write),
                count(&|operation| operation.repeat == Repeat::Repeatable),
                count(&|operation| matches!(operation.repeat, Repeat::LookUp(_))),
                count(&|operation| operation.repeat == Repeat::AtMostOnce),
                count(&|operation| operation.deprecated),
                connector.catalog().triggers.len(),
            ),
        );
    }
    text.push_str(
        "\nAs different ones count: a call in two versions of the API once, one that the vendor discourages not at all. `tandem catalog --counts` \
         says the same. onOffice has several entries for one pair of an action and a resource where \
         they do different things, such as listing and reading one: its pairs are counted in its list.\n\n\
         ## Triggers\n\n\
         What happens in a system, as the beginning of workflows. Some are told by webhook and cost no call; others are found by asking the \
         same question again and again and handing on what is new in the answer: what came and went between two questions is not seen. \
         Each that asks is tried against the sandbox: nothing at first, then what was made, nothing twice, then what was changed. \
         A [workflow](workflows.md) begins with one by `event: {connection, trigger}`; `tandem listen` shows what one hands on.\n\n\
         ## Doing one\n\n\
         ```console\n\
         $ tandem catalog highlevel --search task\n\
         $ tandem catalog highlevel contacts.tasks.create\n\
         $ tandem call agency contacts.tasks.create --input contactId=… --input title='Call back' \\\n\
         \x20   --input completed=false --input dueDate=2026-12-01T09:00:00Z --dry-run\n\
         ```\n\n\
         The input is checked before anything is sent; a problem names the field, what is wrong and what is allowed. `--dry-run` builds and \
         authorises the very request that would be sent and shows it with every secret masked. Calls keep to the budget of the connection, \
         renew its token, are retried where that is safe and stand in the call log (`tandem calls`).\n\n\
         ## When the outcome is not known\n\n\
         A call can break after it was sent. What then happens is declared by each operation: *done again* where doing it twice is the \
         same as doing it once; *looked up first* where another operation shows whether it is there; *never done again by itself* where \
         a second time would reach a person, such as a message. `tandem call` repeats only the first kind, once, and for the others says \
         what to look at. A [workflow](workflows.md#when-a-step-fails) looks by itself, and asks a person where that does not settle it.\n\n\
         ## An API of your own\n\n\
         ```console\n\
         $ tandem catalog import openapi.json --name crm\n\
         $ tandem catalog crm\n\
         ```\n\n\
         Any API with an OpenAPI 3.0 or 3.1 document, in JSON or YAML, becomes a system: a connection of the config then has `system: crm`, and each call of \
         the document is an operation. Understood are servers with variables, references within the document, parameters in path, query and \
         header, bodies of JSON or forms, bearer tokens, name and password, keys in header or query, and OAuth client credentials; a token of \
         another OAuth flow can be pasted. Left out, and listed, are calls whose body is neither JSON nor a form, that need a cookie, or that live on a \
         server of their own. A body takes fields that its schema does not name, unless that says `additionalProperties: false`. A header that is needed and of which there is \
         one value, or a default, is filled in. What happens when the outcome is not known follows from the method: `POST` and `PATCH` are never done again by themselves. \
         The limits of such an API are not known: set `limits` for the connection; two accounts of one API are told apart by the setting `account`. Documents lie in a folder named as the database with `.systems` at \
         its end (take it along in backups), and a server that runs takes a new one with the next config that names it; a document that replaces another is taken at the next start. They have no triggers; steps of [workflows](workflows.md) \
         can do them like any other.\n",
    );
    text
}

fn list(connector: &dyn Connector) -> String {
    let title = connector.describe().title;
    let operations = &connector.catalog().operations;
    let triggers = &connector.catalog().triggers;
    let mut text = format!(
        "{NOTE}# {title}: {} actions, {} triggers\n\n[The catalog](../../catalog.md)\n",
        operations.len(),
        triggers.len()
    );
    if let Some(pairs) = connector.catalog().pairs() {
        // one address for all: what the vendor counts is the action with the resource, and with a literal resource id where it has one
        line(
            &mut text,
            format_args!("\n{pairs} different pairs of an action and a resource."),
        );
    }
    let mut family = "";
    for operation in operations {
        if operation.family() != family {
            family = operation.family();
            line(
                &mut text,
                format_args!(
                    "\n## {family}\n\n| operation | what it does | needs |\n| --- | --- | --- |"
                ),
            );
        }
        line(
            &mut text,
            format_args!(
                "| [`{0}`]({0}.md) | {1} | {2} |",
                operation.id,
                operation.title,
                needs::shown(&operation.needs, "`")
            ),
        );
    }
    if !triggers.is_empty() {
        line(
            &mut text,
            format_args!("\n## Triggers\n\n| trigger | when | how |\n| --- | --- | --- |"),
        );
    }
    for trigger in triggers {
        let how = match &trigger.source {
            Source::Webhook { .. } => "webhook".to_owned(),
            Source::Poll(poll) => format!("asked with [`{0}`]({0}.md)", poll.operation),
        };
        line(
            &mut text,
            format_args!(
                "| [`{0}`]({0}.md) | {1} | {how} |",
                trigger.id, trigger.title
            ),
        );
    }
    let left_out = &connector.catalog().left_out;
    if !left_out.is_empty() {
        text.push_str("\n## Left out\n\nDocumented by the vendor, and no action here:\n\n| call | why |\n| --- | --- |\n");
    }
    for own in left_out {
        line(
            &mut text,
            format_args!("| `{} {}` | {} |", own.method, own.path, own.why),
        );
    }
    text
}

fn trigger_page(connector: &dyn Connector, trigger: &Trigger) -> String {
    let title = connector.describe().title;
    let mut text = format!(
        "{NOTE}# {}\n\n`{}`, a trigger of [{title}](README.md). {}\n\n| | |\n| --- | --- |\n",
        trigger.title, trigger.id, trigger.description
    );
    let mut facts = vec![("needs", needs::shown(&trigger.needs, "`"))];
    match &trigger.source {
        Source::Webhook { events, set_up } => {
            let events: Vec<String> = events.iter().map(|event| format!("`{event}`")).collect();
            facts.push(("how", "webhook".to_owned()));
            facts.push(("events", events.join(", ")));
            facts.push(("set up", set_up.clone()));
            facts.push(("costs", "no call".to_owned()));
        }
        Source::Poll(poll) => {
            facts.push(("how", format!("asked with [`{0}`]({0}.md)", poll.operation)));
            facts.push(("costs", format!("{} call for each question", poll.calls)));
        }
    }
    for (name, value) in facts {
        line(&mut text, format_args!("| {name} | {value} |"));
    }
    let example = serde_json::to_string_pretty(&trigger.example).unwrap_or_default();
    line(
        &mut text,
        format_args!("\n## Output\n\n| field | form |\n| --- | --- |"),
    );
    for (name, property) in inside("", &trigger.output) {
        line(
            &mut text,
            format_args!("| `{name}` | {} |", super::form(property)),
        );
    }
    line(&mut text, format_args!("\n```json\n{example}\n```"));
    text
}

/// The properties of a schema with those inside of objects, as `data.name`.
fn inside<'a>(before: &str, schema: &'a Json) -> Vec<(String, &'a Json)> {
    let mut all = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let name = format!("{before}{name}");
        let deeper = inside(&format!("{name}."), property);
        all.push((name, property));
        all.extend(deeper);
    }
    all
}

fn page(
    connector: &dyn Connector,
    operation: &Operation,
    picks: &BTreeMap<String, Pick>,
) -> String {
    let title = connector.describe().title;
    let mut text = format!(
        "{NOTE}# {}\n\n`{}` of [{title}](README.md). {}\n\n| | |\n| --- | --- |\n",
        operation.title, operation.id, operation.description
    );
    let needs = needs::shown(&operation.needs, "`");
    let repeat = match &operation.repeat {
        Repeat::Repeatable => "done again".to_owned(),
        Repeat::LookUp(by) => format!("looked up with [`{by}`]({by}.md) first"),
        Repeat::AtMostOnce => "never done again by itself".to_owned(),
    };
    let mut facts = vec![
        (
            "request",
            format!("`{} {}`", operation.method, operation.path),
        ),
        (
            "effect",
            match operation.effect {
                Effects::Read => "reads".to_owned(),
                Effects::Write => "writes".to_owned(),
            },
        ),
        ("needs", needs),
        ("costs", format!("{} call", operation.calls)),
        ("if its outcome is not known", repeat),
    ];
    for (name, value) in &operation.headers {
        facts.push(("header", format!("`{name}: {value}`")));
    }
    if operation.deprecated {
        facts.push(("status", "discouraged by the vendor".to_owned()));
    }
    for (name, value) in facts {
        line(&mut text, format_args!("| {name} | {value} |"));
    }
    line(&mut text, format_args!("\n## Input\n"));
    let properties = inside("", &operation.input);
    if properties.is_empty() {
        line(&mut text, format_args!("Nothing."));
    } else {
        line(
            &mut text,
            format_args!("| field | what | form | |\n| --- | --- | --- | --- |"),
        );
    }
    for (name, property) in properties {
        let mut remarks = Vec::new();
        if is_needed(&operation.input, &name) {
            remarks.push("needed".to_owned());
        }
        if let Some(given) = property.get("x-given") {
            remarks.push(format!("`{given}` if not given"));
        }
        if let Some(setting) = property["x-setting"].as_str() {
            remarks.push(format!("filled in from the connection's `{setting}`"));
        }
        let kind = property["x-kind"]
            .as_str()
            .or_else(|| property["items"]["x-kind"].as_str());
        if let Some(pick) = kind.and_then(|kind| picks.get(kind)) {
            remarks.push(format!("picked from [`{0}`]({0}.md)", pick.operation));
        }
        line(
            &mut text,
            format_args!(
                "| `{name}` | {} | {} | {} |",
                said(property),
                super::form(property),
                remarks.join(", ")
            ),
        );
    }
    let example = serde_json::to_string_pretty(&operation.example).unwrap_or_default();
    line(
        &mut text,
        format_args!("\n## Example\n\n```json\n{example}\n```\n\n## Output\n"),
    );
    let shown = operation.output["properties"]
        .as_object()
        .or_else(|| operation.output["items"]["properties"].as_object());
    match shown {
        None => line(
            &mut text,
            format_args!("JSON; the vendor does not say of what form."),
        ),
        Some(properties) => {
            line(&mut text, format_args!("| field | form |\n| --- | --- |"));
            for (name, property) in properties {
                line(
                    &mut text,
                    format_args!("| `{name}` | {} |", super::form(property)),
                );
            }
        }
    }
    text
}

/// Whether a property must be given, wherever it is.
fn is_needed(schema: &Json, name: &str) -> bool {
    let (outer, inner) = match name.split_once('.') {
        Some((outer, inner)) => (outer, Some(inner)),
        None => (name, None),
    };
    match inner {
        Some(inner) => is_needed(&schema["properties"][outer], inner),
        None => schema["required"]
            .as_array()
            .is_some_and(|required| required.iter().any(|own| own == outer)),
    }
}

/// Title and description in one.
fn said(property: &Json) -> String {
    let title = property["title"].as_str().unwrap_or_default();
    match property["description"].as_str() {
        Some(description) => super::cell(description),
        None => super::cell(title),
    }
}
