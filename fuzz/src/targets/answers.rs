//! Answers of the vendors: whatever comes back, a connector reads it, or says what was wrong with it.
//!
//! The simulated vendor answers as it should; on the way back its answer is bent. What was read of it goes on into the
//! forms in which values are compared, and into the next calls.

use anyhow::{Context as _, Result, ensure};
use connections::{Lane, Session};
use connector::{
    Change, Connector, CreateOutcome, Draft, Error, Fetched, IdentityKey, KeyKind, PageRequest,
    RemoveOutcome, SetDelta, UpdateOutcome, catalog::Effects,
};
use record::{
    Country, Entity, Field, FieldSpec, Kind, Locale, Read, Record, RecordId, Schema, Value, meaning,
};
use sandbox::System;
use serde_json::{Value as Json, json};

use crate::{
    bend::{self, SECRET},
    dice::Dice,
    rig::{CONNECTIONS, Rig, run},
};

pub(crate) fn highlevel(dice: &mut Dice) -> Result<()> {
    play(dice, System::HighLevel)
}

pub(crate) fn onoffice(dice: &mut Dice) -> Result<()> {
    play(dice, System::OnOffice)
}

pub(crate) fn officernd(dice: &mut Dice) -> Result<()> {
    play(dice, System::OfficeRnd)
}

fn play(dice: &mut Dice, system: System) -> Result<()> {
    run(async {
        let rig = Rig::new(dice, &[system]).await?;
        let people: Vec<Json> = (0..4).map(|number| person(system, number)).collect();
        rig.control.seed(system, &people)?;
        let name = CONNECTIONS.iter().find(|(_, of)| *of == system);
        let (name, _) = name.context("no connection")?;
        let connections = rig.handle.connections();
        let session = connections.session(&(*name).into(), Lane::Live, "fuzz")?;
        let mut vendor = Vendor {
            connector: session.connector().clone(),
            session,
            known: Vec::new(),
        };
        rig.transport.percent(*dice.of(&[10, 30, 60]));
        for _ in 0..20 {
            vendor.asks(dice).await?;
        }
        rig.transport.percent(0);
        rig.close().await;
        Ok(())
    })
}

fn person(system: System, number: usize) -> Json {
    let email = format!("anna{number}@brandt.example");
    match system {
        System::HighLevel => {
            json!({"firstName": "Anna", "lastName": "Brandt", "email": email, "phone": "+493012345",
                "tags": ["Kunde"], "dateOfBirth": "1980-05-17", "country": "DE"})
        }
        System::OnOffice => {
            json!({"Vorname": "Anna", "Name": "Brandt", "email": email, "phone": "030 12345",
                "ArtDaten": ["Kunde"], "Geburtsdatum": "1980-05-17", "Land": "Deutschland"})
        }
        System::OfficeRnd => {
            json!({"name": "Anna Brandt", "email": email, "phone": "+493012345",
                "address": {"street": "Am Markt 9", "zip": "10115", "city": "Berlin", "country": "Germany"}})
        }
    }
}

struct Vendor {
    connector: std::sync::Arc<dyn Connector>,
    session: Session,
    /// What was read, with the schema by which it was.
    known: Vec<(Schema, Record)>,
}

impl Vendor {
    async fn asks(&mut self, dice: &mut Dice) -> Result<()> {
        let (connector, calls) = (self.connector.clone(), self.session.clone());
        let entities = &connector.describe().entities;
        let entity = dice.of(entities).entity;
        let schema = match connector.schema(&calls, entity).await {
            Ok(schema) => schema,
            Err(error) => return is_told(&error),
        };
        for spec in &schema.fields {
            ensure!(!spec.name.as_str().is_empty(), "a field without a name");
        }
        match dice.below(8) {
            0 => self.pages(dice, &schema, true).await?,
            1 | 2 => self.pages(dice, &schema, false).await?,
            3 => self.fetches(dice, &schema).await?,
            4 => {
                let keys = [
                    (KeyKind::Email, "anna1@brandt.example"),
                    (KeyKind::Phone, "+493012345"),
                    (KeyKind::Name, "werft"),
                    (KeyKind::Email, SECRET),
                ];
                let keys: Vec<IdentityKey> = (0..1 + dice.below(3))
                    .map(|_| *dice.of(&keys))
                    .map(|(kind, value)| IdentityKey {
                        kind,
                        value: value.to_owned(),
                    })
                    .collect();
                match connector.find(&calls, &schema, &keys).await {
                    Ok(reads) => self.take(&schema, reads)?,
                    Err(error) => is_told(&error)?,
                }
            }
            5 => self.creates(dice, &schema).await?,
            6 => self.updates(dice).await?,
            _ => self.other(dice, entity).await?,
        }
        Ok(())
    }

    async fn pages(&mut self, dice: &mut Dice, schema: &Schema, changes: bool) -> Result<()> {
        let mut cursor = None;
        for _ in 0..4 {
            let page = PageRequest {
                cursor: cursor.take(),
                limit: *dice.of(&[1, 2, 100, 0, usize::MAX]),
            };
            let read = if changes {
                self.connector.changes(&self.session, schema, page).await
            } else {
                self.connector.list(&self.session, schema, page).await
            };
            match read {
                Ok(page) => {
                    cursor = page.next.or(page.resume);
                    self.take(schema, page.reads)?;
                }
                Err(error) => return is_told(&error),
            }
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn fetches(&mut self, dice: &mut Dice, schema: &Schema) -> Result<()> {
        let of_it = self
            .known
            .iter()
            .filter(|(of, _)| of.entity == schema.entity);
        let mut ids: Vec<RecordId> = of_it.map(|(_, record)| record.id.clone()).take(5).collect();
        if dice.chance(50) || ids.is_empty() {
            ids.push(RecordId::from(*dice.of(&["1", "4711", "nobody", "ü/?#"])));
        }
        ids.sort();
        ids.dedup();
        match self.connector.fetch(&self.session, schema, &ids).await {
            Ok(fetched) => {
                for one in fetched {
                    match one {
                        Fetched::Found(read) => {
                            ensure!(
                                ids.contains(&read.record.id),
                                "{} was not asked for, but {ids:?}",
                                read.record.id
                            );
                            self.take(schema, vec![*read])?;
                        }
                        Fetched::Gone(id) => {
                            ensure!(ids.contains(&id), "{id} is gone and was not asked for");
                        }
                        Fetched::Failed(id, error) => {
                            ensure!(ids.contains(&id), "{id} failed and was not asked for");
                            is_told(&error)?;
                        }
                    }
                }
                Ok(())
            }
            Err(error) => is_told(&error),
        }
    }

    async fn creates(&mut self, dice: &mut Dice, schema: &Schema) -> Result<()> {
        let mut drafts = Vec::new();
        for _ in 0..1 + dice.below(2) {
            let mut draft = Draft::default();
            if dice.below(4) == 0 {
                draft.apart.push(record::RecordId::from("7"));
            }
            for _ in 0..1 + dice.below(6) {
                if let Some(spec) = some_field(dice, schema) {
                    draft.fields.set(spec.name.clone(), some_value(dice, spec));
                }
            }
            drafts.push(draft);
        }
        let made = self.connector.create(&self.session, schema, &drafts).await;
        ensure!(
            made.len() == drafts.len(),
            "{} outcomes of {} creates",
            made.len(),
            drafts.len()
        );
        for outcome in made {
            match outcome {
                CreateOutcome::Created { id, read, .. } => {
                    ensure!(!id.as_str().is_empty(), "made, and without an id");
                    self.take(schema, read.into_iter().map(|read| *read).collect())?;
                }
                CreateOutcome::Existing { candidate, .. } => {
                    ensure!(!candidate.as_str().is_empty(), "there, and without an id");
                }
                CreateOutcome::Unknown { why } => ensure!(!why.is_empty(), "unknown, and no why"),
                CreateOutcome::Refused(_) => {}
                CreateOutcome::Failed(error) => is_told(&error)?,
            }
        }
        Ok(())
    }

    async fn updates(&mut self, dice: &mut Dice) -> Result<()> {
        if self.known.is_empty() {
            return Ok(());
        }
        let (schema, current) = dice.of(&self.known).clone();
        let mut change = Change {
            current,
            set: record::Fields::new(),
            sets: std::collections::BTreeMap::new(),
        };
        for _ in 0..1 + dice.below(4) {
            if let Some(spec) = some_field(dice, &schema) {
                if spec.kind == Kind::Set && dice.chance(60) {
                    let delta = SetDelta {
                        add: [bend::text(dice)].into(),
                        remove: [bend::text(dice)].into(),
                    };
                    change.sets.insert(spec.name.clone(), delta);
                } else {
                    change.set.set(spec.name.clone(), some_value(dice, spec));
                }
            }
        }
        let changes = [change];
        let outcomes = self
            .connector
            .update(&self.session, &schema, &changes)
            .await;
        ensure!(outcomes.len() == 1, "{} outcomes of one", outcomes.len());
        for outcome in outcomes {
            match outcome {
                UpdateOutcome::Done { read } => {
                    self.take(&schema, read.into_iter().map(|read| *read).collect())?;
                }
                UpdateOutcome::Unknown { why } => ensure!(!why.is_empty(), "unknown, and no why"),
                UpdateOutcome::Failed(error) => is_told(&error)?,
                UpdateOutcome::Refused { .. } | UpdateOutcome::Gone => {}
            }
        }
        Ok(())
    }

    async fn other(&mut self, dice: &mut Dice, entity: Entity) -> Result<()> {
        if dice.chance(30) {
            let ids: Vec<RecordId> = self
                .known
                .iter()
                .filter(|(of, _)| of.entity == entity)
                .map(|(_, record)| record.id.clone())
                .take(2)
                .collect();
            if ids.is_empty() {
                return Ok(());
            }
            let outcomes = self.connector.remove(&self.session, entity, &ids).await;
            ensure!(
                outcomes.len() == ids.len(),
                "{} outcomes of {} removals",
                outcomes.len(),
                ids.len()
            );
            for outcome in outcomes {
                if let RemoveOutcome::Failed(error) = outcome {
                    is_told(&error)?;
                }
            }
            return Ok(());
        }
        // what reads in the catalog, by its own example
        let operations = &self.connector.catalog().operations;
        let operation = dice.of(operations);
        if operation.effect != Effects::Read {
            return Ok(());
        }
        let input = operation.example.as_object().cloned().unwrap_or_default();
        if let Err(error) = catalog::run(&self.session, &*self.connector, operation, &input).await {
            ensure!(!error.to_string().is_empty(), "no reason is said");
        }
        Ok(())
    }

    /// Whatever was read has an id, and its values have a meaning that does not change when it is looked at again.
    fn take(&mut self, schema: &Schema, reads: Vec<Read>) -> Result<()> {
        let german = Country::parse("DE").context("no country")?;
        for read in reads {
            ensure!(
                !read.record.id.as_str().is_empty(),
                "read, and without an id"
            );
            for (name, field) in read.record.fields.iter() {
                let kind = schema
                    .field(name.as_str())
                    .map_or(Kind::Text, |spec| spec.kind);
                let residence = field.text().and_then(Country::parse);
                for locale in [Locale::new(german), Locale::new(german).residing(residence)] {
                    let once = meaning(kind, field, &locale);
                    let twice = meaning(kind, &once, &locale);
                    ensure!(
                        once == twice,
                        "{kind:?} {field:?} means {once:?}, and that means {twice:?}"
                    );
                }
            }
            // written to the store and read from it
            let stored: Record = serde_json::from_str(&serde_json::to_string(&read.record)?)?;
            ensure!(
                stored == read.record,
                "stored as {stored:?}: {:?}",
                read.record
            );
            if self.known.len() < 40 {
                self.known.push((schema.clone(), read.record));
            }
        }
        Ok(())
    }
}

fn some_field<'a>(dice: &mut Dice, schema: &'a Schema) -> Option<&'a FieldSpec> {
    (!schema.fields.is_empty()).then(|| dice.of(&schema.fields))
}

fn some_value(dice: &mut Dice, spec: &FieldSpec) -> Field {
    match dice.below(5) {
        0 => Field::Empty,
        1 if spec.kind == Kind::Set => Field::of(Value::Set([bend::text(dice)].into())),
        2 => Field::of(Value::Boolean(dice.chance(50))),
        _ => Field::of(bend::text(dice)),
    }
}

/// What fails says what it was, and no value of a record.
fn is_told(error: &Error) -> Result<()> {
    let said = error.to_string();
    ensure!(!said.trim().is_empty(), "no reason is said: {error:?}");
    if let Error::Unexpected { .. } = error {
        ensure!(
            !said.contains(SECRET),
            "a value of the answer stands in the message: {said}"
        );
    }
    Ok(())
}
