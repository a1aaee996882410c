//! Resolving rules against what the two accounts really have: schemas, capabilities, country.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use connections::Connections;
use mapping::{CompiledEntity, EntityRules, Problem, Settings, SyncRules};
use record::{Access, Country, Entity, FieldName, FieldSpec, Kind, Schema, Side};
use store::{ConnectionName, Lane, SyncName};
use uuid::Uuid;

use crate::{
    Error,
    engine::Core,
    news,
    pair::{End, Pairing},
};

/// A sync that cannot run at the moment.
pub(crate) struct Unready {
    pub(crate) sync: SyncName,
    pub(crate) why: String,
}

/// The country of an account that neither says nor is told.
const COUNTRY: &str = "DE";

/// Reads the schemas of all connections and resolves all rules. A sync whose account cannot be read
/// keeps what it had; one that never had anything is not ready and says why.
pub(crate) async fn resolve_all(core: &Core) {
    let _alone = core.resolving.lock().await;
    let rules = core.rules.read().expect("no panic while held").clone();
    let before = core.all_pairings();
    let mut pairings = Vec::new();
    let mut unready = Vec::new();
    for (sync, rules) in rules {
        let began = core.clock.now();
        match resolve(core, &sync, &rules).await {
            Ok(resolved) => {
                core.note_schemas_read(&sync, began);
                core.notices.only_last(&format!("accounts of {sync}"), &[]);
                pairings.extend(resolved);
            }
            Err(error) => {
                let news = core.notices.is_due(
                    &format!("accounts of {sync}"),
                    &error.to_string(),
                    core.clock.now(),
                );
                let kept: Vec<_> = before
                    .iter()
                    .filter(|pairing| pairing.sync == sync)
                    .map(|pairing| Pairing::clone(pairing))
                    .collect();
                if kept.is_empty() || matches!(error, Error::Rules { .. }) {
                    if news {
                        tracing::warn!(%sync, %error, "a sync is not ready");
                    }
                    unready.push(Unready {
                        sync,
                        why: error.to_string(),
                    });
                } else {
                    if news {
                        tracing::warn!(%sync, %error, "accounts could not be read anew; going on with what was known");
                    }
                    pairings.extend(kept);
                }
            }
        }
    }
    want(&mut pairings);
    core.set_pairings(pairings.into_iter().map(Arc::new).collect(), unready);
    if let Err(error) = news::look_for(core).await {
        // Nothing was noted as known, so the next reading of the accounts tries again.
        tracing::error!(%error, "records could not be marked for rules that changed");
    }
    if let Err(error) = news::look_for_refused(core).await {
        // The rows say under which schema they were refused, so the next reading tries again.
        tracing::error!(%error, "refused fields could not be marked for a schema that changed");
    }
}

/// Reads the schemas anew because a vendor refused what we asked for, and returns what has become of
/// the pairing. If nothing has, the refusal stands.
pub(crate) async fn renew(
    core: &Core,
    pairing: &Pairing,
    refusal: Error,
) -> Result<Arc<Pairing>, Error> {
    tracing::info!(sync = %pairing.sync, %refusal, "a read was refused; the accounts are read anew");
    resolve_all(core).await;
    let hashes = |pairing: &Pairing| Side::BOTH.map(|side| pairing.end(side).schema_hash);
    core.pairings_of_sync(&pairing.sync, pairing.entity)
        .filter(|renewed| hashes(renewed) != hashes(pairing))
        .ok_or(refusal)
}

/// Settles which fields of each connection are read: those that any sync of it needs, and the stamps.
fn want(pairings: &mut [Pairing]) {
    let mut needed: BTreeMap<(ConnectionName, Entity), BTreeSet<FieldName>> = BTreeMap::new();
    for pairing in &*pairings {
        for side in Side::BOTH {
            needed
                .entry((pairing.end(side).connection.clone(), pairing.entity))
                .or_default()
                .extend(pairing.compiled.fields(side).iter().cloned());
        }
    }
    for pairing in pairings {
        let entity = pairing.entity;
        for end in &mut pairing.ends {
            let needed = &needed[&(end.connection.clone(), entity)];
            let is_stamp = |field: &FieldSpec| {
                !field.custom
                    && field.capability.access == Access::ReadOnly
                    && matches!(field.kind, Kind::Date | Kind::Instant)
            };
            tracing::debug!(connection = %end.connection, fields = ?needed, "these fields are read");
            end.wanted.fields = end
                .schema
                .fields
                .iter()
                .filter(|field| needed.contains(&field.name) || is_stamp(field))
                .cloned()
                .collect();
        }
    }
}

/// Checks rules against the accounts without putting them into force.
pub(crate) async fn check(
    accounts: &Connections,
    sync: &SyncName,
    rules: &SyncRules,
) -> Result<Vec<Problem>, Error> {
    let mut problems = Vec::new();
    for (entity, entity_rules) in &rules.entities {
        let mut read = Vec::new();
        for (side, connection) in [(Side::Left, &rules.left), (Side::Right, &rules.right)] {
            match end(accounts, connection, *entity).await {
                Ok(end) => read.push(end),
                // what the config says of the account does not fit it
                Err(Error::Connector(error @ connector::Error::Setting { .. })) => {
                    let (path, message) = (side.to_string(), error.to_string());
                    if problems
                        .iter()
                        .all(|known: &Problem| known.message != message)
                    {
                        let hint = None;
                        problems.push(Problem {
                            path,
                            message,
                            hint,
                        });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let Ok(ends) = <[End; 2]>::try_from(read) else {
            continue;
        };
        let settings = settings(accounts, rules, &ends);
        if let Some(problem) = shared_keys(*entity, entity_rules, &ends) {
            problems.push(problem);
        }
        if let Err(found) =
            CompiledEntity::compile(entity_rules, &ends[0].schema, &ends[1].schema, &settings)
        {
            tracing::debug!(%sync, %entity, problems = found.len(), "rules do not fit");
            problems.extend(found.into_iter().map(|problem| with_way(problem, &ends)));
        }
    }
    Ok(problems)
}

async fn resolve(core: &Core, sync: &SyncName, rules: &SyncRules) -> Result<Vec<Pairing>, Error> {
    let mut pairings = Vec::new();
    // Parents before children: what a record names is linked before the record is looked at.
    for entity in &Entity::ALL {
        let Some(entity_rules) = rules.entities.get(entity) else {
            continue;
        };
        let ends = ends(&core.connections, rules, *entity).await?;
        let settings = settings(&core.connections, rules, &ends);
        let mut entity_rules = entity_rules.clone();
        entity_rules.trust_kept_ids();
        if shared_keys(*entity, &entity_rules, &ends).is_some() {
            tracing::warn!(%sync, %entity, "names are compared all the same: one system's keys repeat");
            entity_rules.matching.name_check = true;
        }
        // A field that was lost pauses its mapping; it never clears the other side.
        let (compiled, problems) = CompiledEntity::compile_what_fits(
            &entity_rules,
            &ends[0].schema,
            &ends[1].schema,
            &settings,
        );
        if compiled.mappings().is_empty() {
            return Err(Error::Rules {
                sync: sync.to_string(),
                problems: problems
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n"),
            });
        }
        let paused: Vec<(String, String)> = problems
            .into_iter()
            .map(|problem| (problem.path, problem.message))
            .collect();
        let about = |place: &str| format!("{entity} of {sync} at {place}");
        let these: Vec<String> = paused.iter().map(|(place, _)| about(place)).collect();
        core.notices.only_last(&about(""), &these);
        for (place, why) in &paused {
            if core.notices.is_due(&about(place), why, core.clock.now()) {
                tracing::warn!(%sync, %place, %why, "a mapping is paused");
            }
        }
        pairings.push(Pairing {
            sync: sync.clone(),
            entity: *entity,
            rules: entity_rules,
            mode: rules.mode,
            compiled,
            paused,
            ends,
        });
    }
    Ok(pairings)
}

/// A field that is to keep ids and is not there: how it is made differs from system to system.
fn with_way(mut problem: Problem, ends: &[End; 2]) -> Problem {
    for (side, end) in Side::BOTH.into_iter().zip(ends) {
        let way = end.description.own_fields;
        if problem.path.ends_with(&format!("keep_id.{side}"))
            && problem.hint.is_none()
            && !way.is_empty()
        {
            problem.hint = Some(format!("make it: {way}"));
        }
    }
    problem
}

/// What is wrong with trusting keys alone where one side's records share them as a matter of course.
fn shared_keys(entity: Entity, rules: &EntityRules, ends: &[End; 2]) -> Option<Problem> {
    let matching = &rules.matching;
    let is_trusted = |key: &connector::KeyKind| match key {
        connector::KeyKind::Email => matching.trusts(matching::KeyKind::Email),
        connector::KeyKind::Phone => matching.trusts(matching::KeyKind::Phone),
        connector::KeyKind::Name => matching.trusts(matching::KeyKind::Name),
        connector::KeyKind::Parent => false,
    };
    let shared = ends
        .iter()
        .find(|end| end.description.shared_keys.iter().any(is_trusted))?;
    (!matching.name_check).then(|| Problem {
        path: format!("entities.{entity}.match.name_check"),
        message: format!(
            "records of kind {} share e-mail addresses and phone numbers, so names must be compared",
            shared.description.title
        ),
        hint: Some("say `name_check: true`, or trust other keys only".to_owned()),
    })
}

async fn ends(
    accounts: &Connections,
    rules: &SyncRules,
    entity: Entity,
) -> Result<[End; 2], Error> {
    Ok([
        end(accounts, &rules.left, entity).await?,
        end(accounts, &rules.right, entity).await?,
    ])
}

async fn end(accounts: &Connections, connection: &str, entity: Entity) -> Result<End, Error> {
    let name = ConnectionName::from(connection);
    let connector = accounts
        .connector(&name)
        .map_err(|_| Error::NoConnection(connection.to_owned()))?;
    let description = connector
        .describe()
        .entity(entity)
        .cloned()
        .ok_or_else(|| Error::NoEntity {
            connection: connection.to_owned(),
            entity,
        })?;
    let trace = Uuid::now_v7().to_string();
    let calls = accounts
        .session(&name, Lane::Live, trace)
        .map_err(|_| Error::NoConnection(connection.to_owned()))?;
    let schema = connector.schema(&calls, entity).await?;
    Ok(End {
        connection: name,
        schema_hash: hash(&schema),
        connector,
        wanted: schema.clone(),
        schema,
        description,
    })
}

fn hash(schema: &Schema) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Its stored form has all that counts, in a stable order.
    serde_json::to_string(schema)
        .expect("a schema is text, numbers and lists")
        .hash(&mut hasher);
    hasher.finish()
}

fn settings(accounts: &Connections, rules: &SyncRules, ends: &[End; 2]) -> Settings {
    let mut countries = BTreeMap::new();
    for (side, end) in Side::BOTH.into_iter().zip(ends) {
        let told = accounts
            .config(&end.connection)
            .ok()
            .and_then(|config| config.settings.get("country")?.as_str().map(str::to_owned));
        let country = told
            .as_deref()
            .and_then(Country::parse)
            .or_else(|| Country::parse(COUNTRY))
            .expect("the built-in country is one");
        countries.insert(side, country);
    }
    Settings {
        mode: rules.mode,
        entities: rules.entities.keys().copied().collect(),
        left_country: countries[&Side::Left],
        right_country: countries[&Side::Right],
    }
}
