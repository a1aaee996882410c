//! What of a system is kept in sync and how: a page for each system, made of what its connector declares.

use connector::{Connector, Deletes, EntityDescription, Varies};
use record::{Access, Capability, CountryForm, FieldSpec, Kind, Rewrite};

use super::{NOTE, line};

/// The page of one system.
pub(super) fn page(connector: &dyn Connector) -> String {
    let description = connector.describe();
    let system = description.system;
    let title = description.title;
    let outline = connector.outline();
    let mut text = format!(
        "{NOTE}# {title}: what is kept in sync\n\nWhat the connector declares, for the fields that accounts usually have; \
         `tandem apply` checks the rules against the fields that an account really has, the tenant's own among them. \
         Set-up, words and quirks: [{title}](../{system}.md).\n"
    );
    for (entity, fields) in &outline.fields {
        let Some(described) = description.entity(*entity) else {
            continue;
        };
        line(
            &mut text,
            format_args!("\n## {} ({entity})\n", described.title),
        );
        line(&mut text, format_args!("{}\n", about(described)));
        line(
            &mut text,
            format_args!(
                "| field | in {title} | kind | in sync | lossy: what the system changes or cannot do |\n| --- | --- | --- | --- | --- |"
            ),
        );
        for field in fields {
            let varies = outline
                .varies
                .iter()
                .find(|own| own.entity == *entity && field.name.as_str() == own.field);
            line(
                &mut text,
                format_args!(
                    "| `{}` | {} | {} | {} | {} |",
                    field.name,
                    field.label,
                    kind(field.kind),
                    access(&field.capability, varies),
                    losses(field, varies)
                ),
            );
        }
        for consequence in &described.create_consequences {
            line(
                &mut text,
                format_args!("\nWhen one is made: {consequence}."),
            );
        }
    }
    line(&mut text, format_args!("\n## Not at all\n"));
    line(&mut text, format_args!("| what | why |\n| --- | --- |"));
    for absent in &outline.absent {
        line(
            &mut text,
            format_args!("| {} | {} |", absent.what, absent.why),
        );
    }
    text
}

fn about(described: &EntityDescription) -> String {
    let removed = match described.deletes {
        Deletes::Delete => "can be deleted",
        Deletes::Archive => "can be archived, not deleted",
        Deletes::Cancel => "stay and are closed as cancelled in the place of a delete",
        Deletes::Never => "cannot be removed",
    };
    let tags = match described.tag_field {
        Some(field) => format!("Free tags stand in `{field}`."),
        None => "There is no place for free tags.".to_owned(),
    };
    let lag = match described.search_lag.as_secs() {
        0 => String::new(),
        seconds => {
            format!(" A search may be up to {seconds} s behind (assumed, on the safe side).")
        }
    };
    let polled = match described.polled {
        true => "",
        false => " Nothing can be asked for what changed: webhooks and listings tell.",
    };
    format!(
        "Records {removed}. {} at most in a page of a list, {} in one read by id, {} in one write. {tags}{lag}{polled}",
        described.list_page, described.fetch_batch, described.write_batch
    )
}

fn access(capability: &Capability, varies: Option<&Varies>) -> String {
    let mut direction = match capability.access {
        Access::ReadWrite => "both ways",
        Access::CreateOnly => "both ways at create, then only out of it",
        Access::ReadOnly => "only out of it",
    }
    .to_owned();
    if varies.is_some_and(|varies| varies.by_account) {
        direction.push_str(", where the account takes it");
    }
    match (&capability.setting, capability.required) {
        (Some(setting), true) => {
            format!("{direction}; needed at create (or the setting `{setting}`)")
        }
        (None, true) => format!("{direction}; needed at create"),
        _ => direction,
    }
}

fn losses(field: &FieldSpec, varies: Option<&Varies>) -> String {
    let capability = &field.capability;
    let mut losses: Vec<String> = Vec::new();
    if capability.access != Access::ReadOnly {
        losses.extend(
            capability
                .rewrites
                .iter()
                .map(|rewrite| rewritten(*rewrite).to_owned()),
        );
        if let Some(length) = capability.max_length {
            losses.push(format!("{length} characters at most"));
        }
    }
    if capability.access == Access::ReadWrite && !capability.clearable {
        losses.push("cannot be emptied again".to_owned());
    }
    losses.extend(varies.map(|varies| varies.what.to_owned()));
    if losses.is_empty() {
        "–".to_owned()
    } else {
        losses.join("; ")
    }
}

fn rewritten(rewrite: Rewrite) -> &'static str {
    match rewrite {
        Rewrite::Lowercase => "may become lower case",
        Rewrite::Trim => "blanks at the ends may go",
        Rewrite::Phone => "the number is written its own way",
        Rewrite::Truncate => "what is too long is cut",
        Rewrite::Country => "the country is spelt its own way",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::LongText => "long text",
        Kind::Html => "HTML",
        Kind::Email => "e-mail",
        Kind::Phone => "phone number",
        Kind::Url => "web address",
        Kind::Country(CountryForm::Alpha2) => "country (`DE`)",
        Kind::Country(CountryForm::Alpha3) => "country (`DEU`)",
        Kind::Country(CountryForm::Name) => "country (by name)",
        Kind::Choice => "choice",
        Kind::Set => "set",
        Kind::Boolean => "yes or no",
        Kind::Number => "number",
        Kind::Date => "day",
        Kind::Instant => "point in time",
        Kind::Points => "list of numbers and addresses",
        Kind::User => "user",
        Kind::Reference(_) => "another record",
    }
}
