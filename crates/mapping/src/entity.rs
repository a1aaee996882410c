//! The rules of one entity, ready to be used.

use std::sync::Arc;

use matching::{MatchRules, Person};
use record::{Entity, Field, FieldName, Fields, Schema, Side, Sides, Value};

use crate::{
    CompiledMapping, Loss, Problem, References, Settings, compile,
    lens::Lens,
    person::Roles,
    rules::{DeleteRule, EntityRules, ImportTag, Limits, OnLeave, OnLoss},
    scope::CompiledScope,
};

/// The rules of one entity, checked against both schemas.
#[derive(Debug, Clone)]
pub struct CompiledEntity {
    pub(crate) entity: Entity,
    pub(crate) rules: EntityRules,
    pub(crate) mappings: Vec<CompiledMapping>,
    pub(crate) creates: Sides<bool>,
    pub(crate) roles: Sides<Roles>,
    pub(crate) scope: CompiledScope,
    pub(crate) only: CompiledScope,
    pub(crate) kept: Sides<Option<FieldName>>,
    pub(crate) fields: Sides<Vec<FieldName>>,
    pub(crate) known: Sides<Vec<FieldName>>,
}

/// A record to be created, and what of the other side it cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// The raw fields.
    pub fields: Fields,
    /// What was left out or will be cut, by mapping.
    pub losses: Vec<(String, Loss)>,
}

impl CompiledEntity {
    /// Checks the rules of an entity against the schemas of both sides.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with its place.
    pub fn compile(
        rules: &EntityRules,
        left: &Schema,
        right: &Schema,
        settings: &Settings,
    ) -> Result<Self, Vec<Problem>> {
        let (compiled, problems) = Self::compile_what_fits(rules, left, right, settings);
        if problems.is_empty() {
            Ok(compiled)
        } else {
            Err(problems)
        }
    }

    /// The same for rules that once were right and meet schemas that have changed: a mapping that no
    /// longer fits is left out, which pauses it, and listed.
    pub fn compile_what_fits(
        rules: &EntityRules,
        left: &Schema,
        right: &Schema,
        settings: &Settings,
    ) -> (Self, Vec<Problem>) {
        compile::entity(rules, Sides::new(left, right), settings)
    }

    /// Which entity it is.
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// The mappings in the order of the rules.
    pub fn mappings(&self) -> &[CompiledMapping] {
        &self.mappings
    }

    /// The mapping of this name.
    pub fn mapping(&self, id: &str) -> Option<&CompiledMapping> {
        self.mappings.iter().find(|mapping| mapping.id == id)
    }

    /// The mappings of fields that name records of another entity, each with that entity.
    pub fn references(&self) -> impl Iterator<Item = (&CompiledMapping, Entity)> {
        self.mappings
            .iter()
            .filter_map(|mapping| Some((mapping, mapping.refers_to()?)))
    }

    /// The mapping of the record that these records belong to, if they cannot be made without one.
    pub fn parent(&self) -> Option<(&CompiledMapping, Entity)> {
        self.references()
            .find(|(mapping, _)| mapping.names_parent())
    }

    /// The same rules, knowing which records of other entities are linked. Without that knowledge a reference can
    /// only be compared with an earlier one of the same side, and is never written.
    #[must_use]
    pub fn knowing(&self, references: References) -> Self {
        let references = Arc::new(references);
        let mut knowing = self.clone();
        for mapping in &mut knowing.mappings {
            if let Lens::Reference(reference) = &mut mapping.lens {
                reference.known = Some(Arc::clone(&references));
            }
        }
        knowing
    }

    /// All fields of a side that reading, matching and scope need, without repetition.
    pub fn fields(&self, side: Side) -> &[FieldName] {
        self.fields.get(side)
    }

    /// Whether records may be created on `side`: by the rules and the mode.
    pub fn creates(&self, side: Side) -> bool {
        *self.creates.get(side)
    }

    /// What happens when the record on `side` was deleted.
    pub fn on_delete(&self, side: Side) -> DeleteRule {
        self.rules.deletes.of(side)
    }

    /// What one run may do at most.
    pub fn limits(&self) -> &Limits {
        &self.rules.limits
    }

    /// How people are matched.
    pub fn match_rules(&self) -> &MatchRules {
        &self.rules.matching
    }

    /// The tag of records created on `side`.
    pub fn import_tag(&self, side: Side) -> Option<&ImportTag> {
        self.rules.import_tag.of(side)
    }

    /// The field of `side` that keeps the ids of the other side.
    pub fn keep_id(&self, side: Side) -> Option<&FieldName> {
        self.kept.get(side).as_ref()
    }

    /// Whether a record of `side` takes part. `None`: a field that decides it is unknown.
    pub fn in_scope(&self, side: Side, fields: &Fields) -> Option<bool> {
        self.scope.includes(side, fields)
    }

    /// Whether a record of `side` without a counterpart gets one. `None`: a field that decides it is
    /// unknown.
    pub fn gets_counterpart(&self, side: Side, fields: &Fields) -> Option<bool> {
        self.only.includes(side, fields)
    }

    /// What becomes of a link whose record left the scope.
    pub fn on_leave(&self) -> OnLeave {
        self.rules.scope.on_leave
    }

    /// Who the record is, as far as its fields say.
    pub fn person(&self, side: Side, fields: &Fields) -> Person {
        self.roles.get(side).person(fields)
    }

    /// The raw fields of `side` that have to change so that each of the mappings means the value given
    /// for it. Several mappings may share a field (the main e-mail address and the main phone of one
    /// list): each builds on what the one before it changed. `source` is what the other side holds.
    pub fn put_all<'a>(
        &self,
        side: Side,
        values: impl IntoIterator<Item = (&'a CompiledMapping, &'a Field)>,
        current: &Fields,
        source: &Fields,
    ) -> Fields {
        let mut next = current.clone();
        let mut change = Fields::new();
        for (mapping, value) in values {
            for (name, field) in mapping.put_as_spelled(side, value, &next, source) {
                next.set(name.clone(), field.clone());
                change.set(name, field);
            }
        }
        change
    }

    /// A new record of `side` for a record of the other side: every mapping put onto an empty record,
    /// with what can be written only now, the defaults and the import tag.
    pub fn draft(&self, side: Side, from: &Fields) -> Draft {
        let mut draft = Draft::default();
        let mut next: Fields = self
            .known
            .get(side)
            .iter()
            .map(|name| (name.clone(), Field::Empty))
            .collect();
        for mapping in self.mappings.iter().filter(|mapping| mapping.drafts(side)) {
            let value = mapping.read(side.other(), from);
            let change = match value {
                Field::Value(_) if mapping.only_allows(&value) => {
                    mapping.default(side).cloned().unwrap_or_default()
                }
                Field::Value(_) => {
                    let loss = mapping.lossy(side, &value);
                    let held = match (&loss, mapping.on_loss) {
                        (None, _) => Some(value),
                        (Some(_), Some(OnLoss::Ask | OnLoss::Leave)) => None,
                        (Some(loss), _) if loss.partial => Some(value),
                        (Some(_), Some(OnLoss::Shorten)) => mapping.shortened(side, &value),
                        (Some(_), None) => None,
                    };
                    draft
                        .losses
                        .extend(loss.map(|loss| (mapping.id.clone(), loss)));
                    held.map_or_else(Fields::new, |value| {
                        mapping.put_as_spelled(side, &value, &next, from)
                    })
                }
                Field::Empty | Field::Unknown => mapping.default(side).cloned().unwrap_or_default(),
            };
            for (name, field) in change {
                next.set(name.clone(), field.clone());
                draft.fields.set(name, field);
            }
        }
        if let Some(ImportTag { field, tag }) = self.import_tag(side) {
            let mut tags = match draft.fields.get(field).value() {
                Some(Value::Set(tags)) => tags.clone(),
                _ => std::collections::BTreeSet::new(),
            };
            tags.insert(tag.clone());
            draft
                .fields
                .set(field.as_str(), Field::of(Value::Set(tags)));
        }
        draft
    }
}
