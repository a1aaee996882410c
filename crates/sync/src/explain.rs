//! Why a field has the value that it has.

use jiff::Timestamp;
use record::{Entity, Field, RecordId, Side};
use serde::Serialize;
use store::{ConnectionName, Effect, JournalEntry, JournalFilter, Link};

use crate::{Error, engine::Core, pair::Pairing};

/// Everything that is known of a record and how it came to be so.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The connection.
    pub connection: String,
    /// What it is.
    pub entity: Entity,
    /// Which record.
    pub record: RecordId,
    /// Its links, by sync.
    pub links: Vec<ExplainedLink>,
    /// Its fields, with what happened to each, newest first.
    pub fields: Vec<ExplainedField>,
    /// What happened to the record as a whole, newest first.
    pub events: Vec<ExplainedEvent>,
    /// Open questions about it.
    pub reviews: Vec<String>,
}

/// A link of the record.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedLink {
    /// The sync.
    pub sync: String,
    /// The connection of the other record.
    pub other_connection: String,
    /// The other record.
    pub other_record: RecordId,
    /// How they were matched.
    pub how: String,
    /// Since when.
    pub since: Timestamp,
}

/// A field of the record.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedField {
    /// The field.
    pub field: String,
    /// The mapping that carries it.
    pub mapping: Option<String>,
    /// The value last agreed on.
    pub value: Field,
    /// Its counterpart on the other side, as last agreed on.
    pub counterpart: Vec<(String, Field)>,
    /// Why it is blocked, if it is.
    pub blocked: Option<String>,
    /// What happened to it, newest first.
    pub changes: Vec<ExplainedEvent>,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedEvent {
    /// When.
    pub at: Timestamp,
    /// What: `written`, `created`, ….
    pub effect: Effect,
    /// The rule that decided.
    pub rule: String,
    /// The value before.
    pub before: Field,
    /// The value after.
    pub after: Field,
    /// How we came to know: `webhook`, `sweep`, ….
    pub signal: store::SignalSource,
    /// Where it began: connection and record.
    pub origin: Option<(String, RecordId)>,
    /// The trace that all its effects share; see `tandem calls --cause`.
    pub trace: String,
    /// The run, if it was one.
    pub run: Option<String>,
    /// More in words.
    pub note: Option<String>,
}

/// Explains a record, or one field of it.
pub(crate) async fn explain(
    core: &Core,
    connection: &ConnectionName,
    entity: Entity,
    record: &RecordId,
    field: Option<&str>,
) -> Result<Explanation, Error> {
    let mut links = Vec::new();
    let mut fields = Vec::new();
    let mut reviews = Vec::new();
    for (pairing, side) in core.pairings_of(connection, entity) {
        let of_sync = core
            .store
            .links_of(
                &core.workspace,
                &pairing.sync,
                entity,
                side,
                std::slice::from_ref(record),
            )
            .await?;
        for link in of_sync {
            links.push(explained_link(&pairing, side, &link));
            fields.extend(explained_fields(core, &pairing, side, &link, field).await?);
        }
        let open = core
            .store
            .reviews(
                &core.workspace,
                &store::ReviewFilter {
                    sync: Some(pairing.sync.clone()),
                    state: Some(store::ReviewState::Open),
                    records: Some(vec![record.clone()]),
                    ..store::ReviewFilter::default()
                },
            )
            .await?;
        reviews.extend(
            open.into_iter()
                .map(|review| format!("{}: {}", review.id, review.summary)),
        );
    }
    let journal = core
        .store
        .journal(
            &core.workspace,
            &JournalFilter {
                connection: Some(connection.clone()),
                entity: Some(entity),
                record: Some(record.clone()),
                limit: 500,
                ..JournalFilter::default()
            },
        )
        .await?;
    let mut events = Vec::new();
    for entry in journal {
        let name = entry.entry.field.as_ref().map(ToString::to_string);
        match name {
            None => events.push(event(entry)),
            Some(name) if field.is_none_or(|field| field == name) => {
                match fields.iter_mut().find(|known| known.field == name) {
                    Some(known) => known.changes.push(event(entry)),
                    None => fields.push(ExplainedField {
                        field: name,
                        mapping: None,
                        value: entry.entry.after.clone(),
                        counterpart: Vec::new(),
                        blocked: None,
                        changes: vec![event(entry)],
                    }),
                }
            }
            Some(_) => {}
        }
    }
    if links.is_empty() && fields.is_empty() && events.is_empty() && reviews.is_empty() {
        return Err(Error::NotKnown {
            connection: connection.to_string(),
            entity,
            record: record.to_string(),
        });
    }
    Ok(Explanation {
        connection: connection.to_string(),
        entity,
        record: record.clone(),
        links,
        fields,
        events,
        reviews,
    })
}

fn explained_link(pairing: &Pairing, side: Side, link: &Link) -> ExplainedLink {
    let other = side.other();
    ExplainedLink {
        sync: pairing.sync.to_string(),
        other_connection: pairing.end(other).connection.to_string(),
        other_record: link.record(other).clone(),
        how: link.how.clone(),
        since: link.created,
    }
}

async fn explained_fields(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    link: &Link,
    field: Option<&str>,
) -> Result<Vec<ExplainedField>, Error> {
    let blocked = core
        .store
        .blocked(&core.workspace, &pairing.sync, Some(&[link.id]))
        .await?;
    let mut fields = Vec::new();
    for mapping in pairing.compiled.mappings() {
        for name in mapping.fields(side) {
            if field.is_some_and(|field| field != name.as_str()) {
                continue;
            }
            let counterpart = mapping
                .fields(side.other())
                .iter()
                .map(|other| {
                    (
                        other.to_string(),
                        link.base(side.other()).get(other.as_str()).clone(),
                    )
                })
                .collect();
            fields.push(ExplainedField {
                field: name.to_string(),
                mapping: Some(mapping.id().to_owned()),
                value: link.base(side).get(name.as_str()).clone(),
                counterpart,
                blocked: blocked
                    .iter()
                    .find(|row| row.mapping == mapping.id())
                    .map(|row| format!("on the {}: {}", row.side, row.reason)),
                changes: Vec::new(),
            });
        }
    }
    Ok(fields)
}

fn event(entry: JournalEntry) -> ExplainedEvent {
    let entry = entry.entry;
    ExplainedEvent {
        at: entry.at,
        effect: entry.effect,
        rule: entry.rule,
        before: entry.before,
        after: entry.after,
        signal: entry.cause.source,
        origin: entry
            .cause
            .origin
            .map(|(connection, record)| (connection.to_string(), record)),
        trace: entry.cause.trace.to_string(),
        run: entry.run.map(|run| run.to_string()),
        note: entry.note,
    }
}
