//! Checking one mapping.

use merge::Direction;
use record::{Access, Field, FieldSpec, Fields, Kind, Side, Sides, Value};

use super::{
    Context,
    default::default,
    in_mode,
    lenses::{formula, lens},
    marks::revision,
    rule::rule,
};
use crate::{
    CompiledMapping,
    lens::Lens,
    problem::{Problems, nearest},
    rules::{MappingRules, Words},
    slot::folded,
};

pub(super) fn mapping(
    rules: &MappingRules,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<CompiledMapping> {
    let formula_target = formula_target(rules, problems);
    let specs = Sides::new(
        specs(
            rules.left.as_ref(),
            Side::Left,
            formula_target,
            context,
            problems,
        ),
        specs(
            rules.right.as_ref(),
            Side::Right,
            formula_target,
            context,
            problems,
        ),
    );
    let direction = direction(rules, formula_target, context, problems)?;
    for side in Side::BOTH {
        refuse_read_only(specs.get(side).as_deref(), side, direction, problems);
    }
    let (left, right) = (specs.left.as_deref()?, specs.right.as_deref()?);
    let lens = match formula_target {
        Some(target) => {
            let target_specs = if target == Side::Left { left } else { right };
            formula(rules, target, target_specs, context, problems)?
        }
        None => lens(rules, Sides::new(left, right), direction, context, problems)?,
    };
    let rule = rule(rules, &lens, direction, problems);
    let written = Sides::each(|side| {
        let specs = if side == Side::Left { left } else { right };
        let names = specs.iter().map(|spec| spec.name.clone());
        if direction.writes(side) {
            names.collect()
        } else {
            Vec::new()
        }
    });
    let access = |side: Side| -> Vec<Access> {
        let specs = if side == Side::Left { left } else { right };
        specs.iter().map(|spec| spec.capability.access).collect()
    };
    let writable = Sides::each(|side| {
        direction.writes(side)
            && access(side)
                .iter()
                .all(|access| *access == Access::ReadWrite)
    });
    let create_only =
        Sides::each(|side| direction.writes(side) && access(side).contains(&Access::CreateOnly));
    let defaults = Sides::each(|side| default(rules, side, direction, &lens, context, problems));
    if !rules.values.is_empty() && !matches!(lens, Lens::Choice(_) | Lens::Set(_)) {
        problems.add(
            "values",
            "only a choice or a list of values has a value map",
        );
    }
    let refusals = refusals(rules, &lens, &specs);
    Some(CompiledMapping {
        id: rules.id(),
        refusals,
        revision: revision(rules, &lens, direction),
        on_loss: rules.lossy,
        fields: Sides::each(|side| lens.fields(side)),
        rule,
        written,
        writable,
        create_only,
        defaults,
        lens,
    })
}

/// What refuses, in the words that both sides share. A policy or an alignment that is said stands above it.
fn refusals(
    rules: &MappingRules,
    lens: &Lens,
    specs: &Sides<Option<Vec<&FieldSpec>>>,
) -> Vec<Field> {
    let mut refusals = Vec::new();
    if rules.policy.is_some() || rules.align.is_some() || rules.target_edits.is_some() {
        return refusals;
    }
    for side in Side::BOTH {
        for spec in specs.get(side).iter().flatten() {
            for word in &spec.capability.refusals {
                let raw: Fields = [(spec.name.clone(), typed(spec.kind, word))]
                    .into_iter()
                    .collect();
                let meaning = lens.read(side, &raw);
                if meaning.value().is_some() && !refusals.contains(&meaning) {
                    refusals.push(meaning);
                }
            }
        }
    }
    refusals
}

fn typed(kind: Kind, word: &str) -> Field {
    match kind {
        Kind::Boolean => Field::of(Value::Boolean(word == "true")),
        _ => Field::of(word),
    }
}

/// The side that a formula writes to.
fn formula_target(rules: &MappingRules, problems: &mut Problems) -> Option<Side> {
    match (&rules.formula_to_left, &rules.formula_to_right) {
        (None, None) => None,
        (Some(_), None) => Some(Side::Left),
        (None, Some(_)) => Some(Side::Right),
        (Some(_), Some(_)) => {
            problems.hint(
                "formula_to_left",
                "a formula goes one way, and there are two",
                "make two mappings of it if both are meant, to other fields",
            );
            Some(Side::Right)
        }
    }
}

/// The fields of one side; the source of a formula needs none.
fn specs<'a>(
    names: Option<&Words>,
    side: Side,
    formula_target: Option<Side>,
    context: &Context<'a>,
    problems: &mut Problems,
) -> Option<Vec<&'a FieldSpec>> {
    let schema = *context.schemas.get(side);
    let names = match names {
        Some(names) if !names.0.is_empty() => names,
        _ if formula_target == Some(side.other()) => return Some(Vec::new()),
        _ => {
            problems.add(
                side.as_str(),
                format!("there is no field for the {side} side"),
            );
            return None;
        }
    };
    let mut found = Vec::new();
    for name in names.iter() {
        match schema.field(name) {
            Some(spec) => found.push(spec),
            None => {
                let known = schema.fields.iter().map(|field| field.name.as_str());
                let by_label = schema
                    .fields
                    .iter()
                    .find(|field| folded(&field.label) == folded(name));
                let meant = by_label
                    .map(|field| field.name.as_str())
                    .or_else(|| nearest(name, known));
                let message = format!("there is no field `{name}`");
                match meant {
                    Some(meant) => {
                        problems.hint(side.as_str(), message, format!("did you mean `{meant}`?"));
                    }
                    None => problems.add(side.as_str(), message),
                }
            }
        }
    }
    (found.len() == names.0.len()).then_some(found)
}

fn direction(
    rules: &MappingRules,
    formula_target: Option<Side>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Direction> {
    let of_formula = formula_target.map(|target| match target {
        Side::Left => Direction::ToLeft,
        Side::Right => Direction::ToRight,
    });
    let direction = match (rules.direction, of_formula) {
        (Some(said), Some(needed)) if said != needed => {
            problems.hint(
                "direction",
                "a formula goes one way only",
                "leave `direction` out",
            );
            return None;
        }
        (Some(said), _) => said,
        (None, Some(needed)) => needed,
        (None, None) => Direction::Both,
    };
    let left = in_mode(direction, context.settings.mode);
    if left.is_none() {
        problems.hint(
            "direction",
            "the mode of the sync writes to the other side only",
            "turn the direction round, change `mode`, or remove the mapping",
        );
    }
    left
}

fn refuse_read_only(
    specs: Option<&[&FieldSpec]>,
    side: Side,
    direction: Direction,
    problems: &mut Problems,
) {
    if !direction.writes(side) {
        return;
    }
    for spec in specs.unwrap_or_default() {
        if spec.capability.access == Access::ReadOnly {
            let away = if side == Side::Left {
                "to_right"
            } else {
                "to_left"
            };
            let hint = match direction {
                Direction::Both => format!("say `direction: {away}` to only read it"),
                _ => "choose a field that can be written".to_owned(),
            };
            problems.hint(
                side.as_str(),
                format!("`{}` can only be read", spec.name),
                hint,
            );
        }
    }
}
