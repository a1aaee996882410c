//! The catalog's pages: an overview with counts, a list for each system, a page for each operation.

use std::collections::BTreeMap;

use connector::{
    Connector,
    catalog::{Effects, Operation, Pick, Repeat},
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
    }
    pages
}

fn overview(connectors: &[&dyn Connector]) -> String {
    let mut text = format!(
        "{NOTE}# The catalog\n\nWhat Tandem can do in each system beside keeping records in sync: single operations, for people \
         (`tandem call`), scripts (the API) and workflows. `tandem catalog` lists them. Every entry is tried against [the sandbox](sandbox.md) \
         with its own example, and its effect is read back by another operation or out of the sandbox's state; what is not tried is not listed. \
         None of it has met a live account yet.\n\n\
         | system | actions | that read | that write | done again if the outcome is not known | looked up first | never done again | discouraged by the vendor |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
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
                "| {name} | {} | {} | {} | {} | {} | {} | {} |",
                operations.len(),
                count(&|operation| operation.effect == Effects::Read),
                count(&|operation| operation.effect == Effects::Write),
                count(&|operation| operation.repeat == Repeat::Repeatable),
                count(&|operation| matches!(operation.repeat, Repeat::LookUp(_))),
                count(&|operation| operation.repeat == Repeat::AtMostOnce),
                count(&|operation| operation.deprecated),
            ),
        );
    }
    text.push_str(
        "\nEach entry counts once: a call that the vendor offers in two versions is one entry, and one that the vendor discourages is \
         counted where it does something that no other entry does. Triggers are not part of the catalog yet.\n\n\
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
         what to look at; nothing is looked up by itself yet.\n",
    );
    text
}

fn list(connector: &dyn Connector) -> String {
    let title = connector.describe().title;
    let operations = &connector.catalog().operations;
    let mut text = format!(
        "{NOTE}# {title}: {} actions\n\n[The catalog](../../catalog.md)\n",
        operations.len()
    );
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
                needs(operation)
            ),
        );
    }
    text
}

fn needs(operation: &Operation) -> String {
    let needs: Vec<String> = operation
        .needs
        .iter()
        .map(|need| format!("`{need}`"))
        .collect();
    needs.join(" or ")
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
    let needs = match operation.needs.is_empty() {
        true => "nothing that the vendor names".to_owned(),
        false => needs(operation),
    };
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
    let required = operation.input["required"].as_array();
    let properties = operation.input["properties"].as_object();
    if properties.is_none_or(serde_json::Map::is_empty) {
        line(&mut text, format_args!("Nothing."));
    } else {
        line(
            &mut text,
            format_args!("| field | what | form | |\n| --- | --- | --- | --- |"),
        );
    }
    for (name, property) in properties.into_iter().flatten() {
        let needed = required.is_some_and(|required| required.iter().any(|own| own == name));
        let mut remarks = Vec::new();
        if needed {
            remarks.push("needed".to_owned());
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

/// Title and description in one.
fn said(property: &Json) -> String {
    let title = property["title"].as_str().unwrap_or_default();
    match property["description"].as_str() {
        Some(description) => super::cell(description),
        None => super::cell(title),
    }
}
