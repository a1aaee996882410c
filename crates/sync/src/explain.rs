//! Why a field has the value that it has.

use jiff::Timestamp;
use record::{Entity, Field, RecordId, Side};
use serde::Serialize;
use store::{ConnectionName, Effect, JournalEntry, JournalFilter, Link, SyncName};

use crate::{Error, engine::Core, pair::index};

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
    /// Questions about it that were not answered yet, those too that wait for the answer about another record.
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
    /// The values were removed from the journal, because they are kept no longer.
    pub values_gone: bool,
    /// How we came to know: `webhook`, `sweep`, ….
    pub signal: store::SignalSource,
    /// The sync that did it.
    pub sync: Option<String>,
    /// Where it began: connection and record.
    pub origin: Option<(String, RecordId)>,
    /// The syncs that it came through, in order.
    pub passed: Vec<String>,
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
    for shared in shared_by(core, connection, entity) {
        let of_sync = core
            .store
            .links_of(
                &core.workspace,
                &shared.sync,
                entity,
                shared.side,
                std::slice::from_ref(record),
            )
            .await?;
        for link in of_sync {
            links.push(explained_link(&shared, &link));
            fields.extend(explained_fields(core, &shared, &link, field).await?);
        }
        let open = core
            .store
            .reviews(
                &core.workspace,
                &store::ReviewFilter {
                    sync: Some(shared.sync.clone()),
                    records: Some(vec![record.clone()]),
                    ..store::ReviewFilter::default()
                },
            )
            .await?;
        reviews.extend(
            open.into_iter()
                .filter(|review| review.is_asked() || review.waits_for().is_some())
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

/// A sync that the record may have a link in. Made of the rules, and of the accounts only where they were read:
/// what is stored has to be told when no account can be reached, too.
struct Shared {
    sync: SyncName,
    side: Side,
    other_connection: String,
    /// The mappings, each with its fields on the left and on the right.
    mappings: Vec<(String, [Vec<String>; 2])>,
}

fn shared_by(core: &Core, connection: &ConnectionName, entity: Entity) -> Vec<Shared> {
    let rules = core.rules.read().expect("no panic while held");
    let mut shared = Vec::new();
    for (sync, rules) in &*rules {
        let Some(of_entity) = rules.entities.get(&entity) else {
            continue;
        };
        let names = [&rules.left, &rules.right];
        let Some(side) = Side::BOTH
            .into_iter()
            .find(|side| names[index(*side)] == connection.as_str())
        else {
            continue;
        };
        let mappings = match core.pairings_of_sync(sync, entity) {
            Some(pairing) => {
                let of_side = |mapping: &mapping::CompiledMapping, side| {
                    let names = mapping.fields(side).iter();
                    names.map(ToString::to_string).collect()
                };
                let mappings = pairing.compiled.mappings().iter();
                mappings
                    .map(|mapping| {
                        let fields = Side::BOTH.map(|side| of_side(mapping, side));
                        (mapping.id().to_owned(), fields)
                    })
                    .collect()
            }
            None => {
                let words = |words: &Option<mapping::Words>| {
                    let words = words.iter().flat_map(|words| words.iter());
                    words.map(ToString::to_string).collect()
                };
                let mappings = of_entity.fields.iter();
                mappings
                    .map(|rules| (rules.id(), [words(&rules.left), words(&rules.right)]))
                    .collect()
            }
        };
        shared.push(Shared {
            sync: sync.clone(),
            side,
            other_connection: names[index(side.other())].clone(),
            mappings,
        });
    }
    shared
}

fn explained_link(shared: &Shared, link: &Link) -> ExplainedLink {
    ExplainedLink {
        sync: shared.sync.to_string(),
        other_connection: shared.other_connection.clone(),
        other_record: link.record(shared.side.other()).clone(),
        how: link.how.clone(),
        since: link.created,
    }
}

async fn explained_fields(
    core: &Core,
    shared: &Shared,
    link: &Link,
    field: Option<&str>,
) -> Result<Vec<ExplainedField>, Error> {
    let side = shared.side;
    let blocked = core
        .store
        .blocked(&core.workspace, &shared.sync, Some(&[link.id]))
        .await?;
    let mut fields = Vec::new();
    for (mapping, names) in &shared.mappings {
        for name in &names[index(side)] {
            if field.is_some_and(|field| field != name) {
                continue;
            }
            let counterpart = names[index(side.other())]
                .iter()
                .map(|other| {
                    let value = link.base(side.other()).get(other.as_str()).clone();
                    (other.clone(), value)
                })
                .collect();
            fields.push(ExplainedField {
                field: name.clone(),
                mapping: Some(mapping.clone()),
                value: link.base(side).get(name.as_str()).clone(),
                counterpart,
                blocked: blocked
                    .iter()
                    .find(|row| row.mapping == *mapping)
                    .map(|row| format!("on the {}: {}", row.side, row.reason)),
                changes: Vec::new(),
            });
        }
    }
    Ok(fields)
}

fn event(entry: JournalEntry) -> ExplainedEvent {
    let values_gone = entry.values_gone;
    let entry = entry.entry;
    ExplainedEvent {
        at: entry.at,
        effect: entry.effect,
        rule: entry.rule,
        before: entry.before,
        after: entry.after,
        values_gone,
        signal: entry.cause.source,
        sync: entry.sync.map(|sync| sync.to_string()),
        passed: entry.cause.passed.iter().map(ToString::to_string).collect(),
        origin: entry
            .cause
            .origin
            .map(|(connection, record)| (connection.to_string(), record)),
        trace: entry.cause.trace.to_string(),
        run: entry.run.map(|run| run.to_string()),
        note: entry.note,
    }
}
