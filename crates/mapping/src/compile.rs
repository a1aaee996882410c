//! Checking rules against schemas. Everything that is wrong is collected, each with its place.

mod one;

mod lenses;

mod kinds;

mod vocabulary;

mod rule;

mod default;

mod marks;

use matching::KeyKind;
use merge::Direction;
use record::{Access, Country, Entity, FieldName, FieldSpec, Kind, Schema, Side, Sides};

use crate::{
    CompiledEntity, CompiledMapping, Problem,
    lens::{Channel, Lens},
    person::Roles,
    problem::{Problems, nearest},
    rules::{EntityRules, ImportTag, Limit, Mode, Role},
    scope::CompiledScope,
    slot::{Slot, folded},
};

/// What checking needs to know besides rules and schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which way the sync writes. A preview is checked and planned as two-way.
    pub mode: Mode,
    /// The country of the left account: how its people write phone numbers.
    pub left_country: Country,
    /// The country of the right account.
    pub right_country: Country,
    /// The entities of the sync: records of these can be named by fields of others.
    pub entities: Vec<Entity>,
}

impl Settings {
    fn country(&self, side: Side) -> Country {
        match side {
            Side::Left => self.left_country,
            Side::Right => self.right_country,
        }
    }
}

impl Mode {
    /// Whether writes to `side` are planned. In a preview they are, and never carried out.
    pub fn plans(self, side: Side) -> bool {
        self == Self::Preview || self.writes(side)
    }
}

/// What all mappings of an entity are checked against.
struct Context<'a> {
    rules: &'a EntityRules,
    schemas: Sides<&'a Schema>,
    settings: &'a Settings,
    residence: Sides<Option<FieldName>>,
}

impl Context<'_> {
    fn slot(&self, side: Side, spec: &record::FieldSpec) -> Slot {
        Slot {
            spec: spec.clone(),
            account: self.settings.country(side),
            residence: self.residence.get(side).clone(),
        }
    }
}

pub(crate) fn entity(
    rules: &EntityRules,
    schemas: Sides<&Schema>,
    settings: &Settings,
) -> (CompiledEntity, Vec<Problem>) {
    let entity: Entity = schemas.left.entity;
    let path = format!("entities.{entity}");
    let mut problems = Problems::at(path.as_str());
    let context = Context {
        rules,
        schemas,
        settings,
        residence: Sides::each(|side| residence(rules, schemas.get(side), side)),
    };
    if rules.fields.is_empty() {
        problems.add("fields", "there is no mapping");
    }
    let mut mappings: Vec<CompiledMapping> = Vec::new();
    let mut roles = Sides::each(|_| Roles::of(schemas.left.entity));
    for (index, mapping_rules) in rules.fields.iter().enumerate() {
        let mut here = Problems::at(format!("{path}.fields[{index}]"));
        let compiled = one::mapping(mapping_rules, &context, &mut here);
        if let Some(mapping) = compiled {
            refuse_twins(&mapping, &mappings, &mut here);
            if here.found.is_empty() {
                for side in Side::BOTH {
                    roles.get_mut(side).add(mapping_rules, &mapping.lens, side);
                }
                mappings.push(mapping);
            }
        }
        problems.found.append(&mut here.found);
    }
    for side in Side::BOTH {
        for spec in &schemas.get(side).fields {
            if spec.kind == Kind::Points {
                roles.get_mut(side).add_points(context.slot(side, spec));
            }
        }
        import_tag(&context, side, &mut problems);
    }
    let creates = Sides::each(|side| {
        let asked = match side {
            Side::Left => rules.create.left,
            Side::Right => rules.create.right,
        };
        asked && settings.mode.plans(side)
    });
    // a missing mapping may be one of those with a problem of its own
    if problems.found.is_empty() {
        required_fields(&context, creates, &mappings, &mut problems);
        match_keys(&context, &mut problems);
    }
    limits(rules, &mut problems);
    let scope = CompiledScope::compile(&rules.scope, schemas, &mut problems);
    let only = CompiledScope::for_creates(&rules.create.only, schemas, &mut problems);
    let kept = Sides::each(|side| keep_id(&context, side, &mappings, &mut problems));
    let fields = Sides::each(|side| {
        let mut fields: Vec<FieldName> = Vec::new();
        let mapped = mappings.iter().flat_map(|mapping| mapping.fields(side));
        let told = roles.get(side).slots().map(Slot::name);
        for name in mapped
            .chain(told)
            .chain(scope.fields(side))
            .chain(only.fields(side))
            .chain(kept.get(side))
        {
            if !fields.contains(name) {
                fields.push(name.clone());
            }
        }
        fields
    });
    let known = Sides::each(|side| {
        let names = schemas
            .get(side)
            .fields
            .iter()
            .map(|field| field.name.clone());
        names.collect()
    });
    let compiled = CompiledEntity {
        entity,
        rules: rules.clone(),
        mappings,
        creates,
        roles,
        scope,
        only,
        kept,
        fields,
        known,
    };
    (compiled, problems.found)
}

/// The field that names a record's own country: the only one there is, else the only mapped one.
fn residence(rules: &EntityRules, schema: &Schema, side: Side) -> Option<FieldName> {
    let countries: Vec<&FieldName> = schema
        .fields
        .iter()
        .filter(|field| matches!(field.kind, Kind::Country(_)))
        .map(|field| &field.name)
        .collect();
    if let [only] = countries[..] {
        return Some(only.clone());
    }
    let mapped = |name: &FieldName| {
        rules.fields.iter().any(|mapping| {
            let names = match side {
                Side::Left => &mapping.left,
                Side::Right => &mapping.right,
            };
            names
                .as_ref()
                .is_some_and(|names| names.iter().any(|other| other == name.as_str()))
        })
    };
    let mapped: Vec<&FieldName> = countries.into_iter().filter(|name| mapped(name)).collect();
    match mapped[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Two mappings with one name, or that write one field.
fn refuse_twins(mapping: &CompiledMapping, others: &[CompiledMapping], problems: &mut Problems) {
    for other in others {
        if other.id == mapping.id {
            problems.hint(
                "name",
                format!("there already is a mapping named `{}`", mapping.id),
                "give one of them another `name`",
            );
        }
        for side in Side::BOTH {
            let shared = mapping
                .written(side)
                .iter()
                .find(|field| other.written(side).contains(field));
            let Some(field) = shared else { continue };
            // the main e-mail address and the main phone of one list do not touch each other
            let apart = match (channel(mapping, side), channel(other, side)) {
                (Some(one), Some(two)) => one != two,
                _ => false,
            };
            if !apart {
                problems.hint(
                    side.as_str(),
                    format!("`{field}` is already written by the mapping `{}`", other.id),
                    "let one of them travel the other way only, or remove it",
                );
            }
        }
    }
}

fn channel(mapping: &CompiledMapping, side: Side) -> Option<Channel> {
    match &mapping.lens {
        Lens::MainPoint(main) if main.is_list(side) => Some(main.channel),
        _ => None,
    }
}

fn import_tag(context: &Context<'_>, side: Side, problems: &mut Problems) {
    let Some(ImportTag { field, tag }) = context.rules.import_tag.of(side) else {
        return;
    };
    let path = format!("import_tag.{side}");
    let schema = context.schemas.get(side);
    let Some(spec) = schema.field(field) else {
        let names = schema.fields.iter().map(|field| field.name.as_str());
        let message = format!("there is no field `{field}`");
        match nearest(field, names) {
            Some(name) => problems.hint(
                &format!("{path}.field"),
                message,
                format!("did you mean `{name}`?"),
            ),
            None => problems.add(&format!("{path}.field"), message),
        }
        return;
    };
    if spec.kind != Kind::Set || spec.capability.access == Access::ReadOnly {
        problems.add(
            &format!("{path}.field"),
            format!("`{field}` is no field that tags can be written to"),
        );
    }
    let permitted = spec.choices.is_empty()
        || spec
            .choices
            .iter()
            .any(|choice| folded(&choice.key) == folded(tag));
    if !permitted {
        problems.add(
            &format!("{path}.tag"),
            format!("`{field}` has no value `{tag}`"),
        );
    }
}

/// Ids of the systems have up to this many characters.
const LONGEST_ID: usize = 24;

/// The field that keeps the other side's ids.
fn keep_id(
    context: &Context<'_>,
    side: Side,
    mappings: &[CompiledMapping],
    problems: &mut Problems,
) -> Option<FieldName> {
    let field = context.rules.keep_id.of(side)?;
    let path = format!("keep_id.{side}");
    let schema = context.schemas.get(side);
    let Some(spec) = schema.field(field) else {
        let by_label = schema
            .fields
            .iter()
            .find(|spec| folded(&spec.label) == folded(field));
        let message = format!("there is no field `{field}`");
        match by_label {
            Some(spec) => problems.hint(
                &path,
                message,
                format!(
                    "did you mean `{}`, which people see as {}?",
                    spec.name, spec.label
                ),
            ),
            None => problems.add(&path, message),
        }
        return None;
    };
    let writer = mappings
        .iter()
        .find(|mapping| mapping.written(side).contains(&spec.name));
    let wrong = if !context.settings.mode.plans(side) {
        Some("the mode of this sync writes nothing there".to_owned())
    } else if !matches!(spec.kind, Kind::Text | Kind::LongText) {
        Some(format!("`{field}` is no text field"))
    } else if spec.capability.access != Access::ReadWrite {
        Some(format!("`{field}` cannot be written at any time"))
    } else if spec
        .capability
        .max_length
        .is_some_and(|longest| longest < LONGEST_ID)
    {
        Some(format!(
            "`{field}` is too short for an id of {LONGEST_ID} characters"
        ))
    } else {
        writer.map(|mapping| format!("`{field}` is written by the mapping `{}`", mapping.id))
    };
    match wrong {
        Some(wrong) => {
            problems.hint(&path, wrong, "give it a text field that nothing else uses");
            None
        }
        None => Some(spec.name.clone()),
    }
}

fn required_fields(
    context: &Context<'_>,
    creates: Sides<bool>,
    mappings: &[CompiledMapping],
    problems: &mut Problems,
) {
    for side in Side::BOTH {
        if !creates.get(side) {
            continue;
        }
        for spec in &context.schemas.get(side).fields {
            let written = mappings
                .iter()
                .any(|mapping| mapping.drafts(side) && mapping.written(side).contains(&spec.name));
            if spec.capability.required && !written {
                problems.hint(
                    &format!("create.{side}"),
                    format!(
                        "a record without `{}` is refused there, and no mapping writes it",
                        spec.name
                    ),
                    match &spec.capability.setting {
                        Some(setting) => format!(
                            "give new records one with `{setting}` under the connection's `settings`{}; or map it, set `create: {{{side}: false}}`, or delete the block",
                            which(spec)
                        ),
                        None => format!("map it, or set `create: {{{side}: false}}`"),
                    },
                );
            }
        }
    }
}

/// What a setting may be that stands for a field.
fn which(spec: &FieldSpec) -> String {
    match spec.choices.is_empty() {
        true => String::new(),
        false => format!(": {}", vocabulary::taken(&spec.choices)),
    }
}

fn match_keys(context: &Context<'_>, problems: &mut Problems) {
    // keys that nothing says are harmless as defaults; what a person lists is meant
    if context.rules.matching == matching::MatchRules::default() {
        return;
    }
    let rules = &context.rules.fields;
    for (index, key) in context.rules.matching.keys.iter().enumerate() {
        let external = |mapping: &&crate::MappingRules| mapping.role == Some(Role::ExternalId);
        let kept = !context.rules.keep_id.is_empty();
        if *key == KeyKind::External && !kept && !rules.iter().any(|mapping| external(&mapping)) {
            problems.hint(
                &format!("match.keys[{index}]"),
                "no mapping holds ids of the other side",
                "say in `keep_id` where they are kept, or give the mapping that does `role: external_id`",
            );
        }
    }
}

fn limits(rules: &EntityRules, problems: &mut Problems) {
    let limits: [(&str, Limit); 3] = [
        ("deletes", rules.limits.deletes),
        ("overwrites", rules.limits.overwrites),
        ("creates", rules.limits.creates),
    ];
    for (name, limit) in limits {
        if !(0.0..=1.0).contains(&limit.share) {
            problems.add(
                &format!("limits.{name}.share"),
                "a share lies between 0 and 1 (0.2 is one in five)",
            );
        }
    }
}

/// The direction that is left of what the rules say in this mode, or `None` if nothing is.
fn in_mode(direction: Direction, mode: Mode) -> Option<Direction> {
    let writes = |side| direction.writes(side) && mode.plans(side);
    match (writes(Side::Left), writes(Side::Right)) {
        (true, true) => Some(Direction::Both),
        (true, false) => Some(Direction::ToLeft),
        (false, true) => Some(Direction::ToRight),
        (false, false) => None,
    }
}
