//! Building the lens of a mapping.

use formula::Formula;
use merge::Direction;
use record::{FieldSpec, Kind, Rewrite, Side, Sides};

use super::{
    Context,
    kinds::{Shape, called, shape},
    vocabulary::vocabulary,
};
use crate::{
    lens::{
        ChoiceLens, FormulaLens, FullName, Lens, MainPoint, NameFields, Parts, Points, Reference,
        Scalar, SetLens,
    },
    problem::Problems,
    rules::{LensRule, MappingRules},
    slot::{Domain, Slot, folded},
};

pub(super) fn formula(
    rules: &MappingRules,
    target: Side,
    specs: &[&FieldSpec],
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Lens> {
    let (part, text) = match target {
        Side::Left => ("formula_to_left", rules.formula_to_left.as_deref()?),
        Side::Right => ("formula_to_right", rules.formula_to_right.as_deref()?),
    };
    if !matches!(rules.lens, LensRule::Auto | LensRule::Formula) {
        problems.add("lens", "a mapping with a formula has no other lens");
    }
    let [spec] = specs else {
        problems.add(
            target.as_str(),
            "the result of a formula goes into one field",
        );
        return None;
    };
    if spec.kind == Kind::Points {
        problems.add(
            target.as_str(),
            "the result of a formula cannot be a list of contact points",
        );
        return None;
    }
    let source = context.schemas.get(target.other());
    let known: Vec<&str> = source
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    match Formula::compile(text, &known) {
        Ok(formula) => {
            let slot = context.slot(target, spec);
            let kind = match spec.kind {
                Kind::Html => Kind::LongText,
                kind => kind,
            };
            let lower = slot.has_rewrite(Rewrite::Lowercase);
            Some(Lens::Formula(FormulaLens {
                formula,
                target,
                domain: Domain { kind, lower },
                slot: Box::new(slot),
            }))
        }
        Err(error) => {
            match &error.hint {
                Some(hint) => problems.hint(part, error.to_string(), hint.as_str()),
                None => problems.add(part, error.to_string()),
            }
            None
        }
    }
}

pub(super) fn lens(
    rules: &MappingRules,
    specs: Sides<&[&FieldSpec]>,
    direction: Direction,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Lens> {
    let shape = match shape(rules, specs) {
        Ok(shape) => shape,
        Err(unfit) => {
            match unfit.hint {
                Some(hint) => problems.hint("", unfit.message, hint),
                None => problems.add("", unfit.message),
            }
            return None;
        }
    };
    let slots = |index: usize| Sides::each(|side| context.slot(side, specs.get(side)[index]));
    let scalar = |slots: Sides<Slot>, kind: Kind| {
        let textual = matches!(kind, Kind::Text | Kind::LongText | Kind::Html | Kind::Url);
        let lower = textual
            && Side::BOTH
                .iter()
                .any(|side| slots.get(*side).has_rewrite(Rewrite::Lowercase));
        Scalar {
            domain: Domain { kind, lower },
            slots,
        }
    };
    Some(match shape {
        Shape::Scalar(kind) => Lens::Scalar(scalar(slots(0), kind)),
        Shape::Parts => {
            let mut parts = Vec::new();
            for index in 0..specs.left.len() {
                let kinds = Sides::each(|side| specs.get(side)[index].kind);
                let kind = part_kind(kinds.left, kinds.right);
                let Some(kind) = kind else {
                    problems.add(
                        "",
                        format!(
                            "{} on the left and {} on the right cannot be part of a name or an address",
                            called(kinds.left),
                            called(kinds.right)
                        ),
                    );
                    return None;
                };
                parts.push(scalar(slots(index), kind));
            }
            Lens::Parts(Parts { parts })
        }
        Shape::FullName => {
            let of = |side: Side| match specs.get(side) {
                [one] => NameFields::One(Box::new(context.slot(side, one))),
                [first, last, ..] => NameFields::Two {
                    first: Box::new(context.slot(side, first)),
                    last: Box::new(context.slot(side, last)),
                },
                [] => unreachable!("a side without fields has been refused"),
            };
            Lens::FullName(FullName {
                left: of(Side::Left),
                right: of(Side::Right),
            })
        }
        Shape::Main(channel) => Lens::MainPoint(MainPoint {
            channel,
            slots: slots(0),
        }),
        Shape::Points => Lens::Points(Points { slots: slots(0) }),
        Shape::Choice => {
            let slots = slots(0);
            let vocabulary = vocabulary(rules, &slots, direction, problems);
            Lens::Choice(ChoiceLens { slots, vocabulary })
        }
        Shape::Reference(entity) => {
            if !context.settings.entities.contains(&entity) {
                problems.hint(
                    "",
                    format!(
                        "these fields name a {entity}, and the sync does not keep records of this kind the same"
                    ),
                    format!("add `{entity}` to the `entities` of the sync, or remove the mapping"),
                );
                return None;
            }
            for (part, given) in [
                ("default_left", rules.default_left.is_some()),
                ("default_right", rules.default_right.is_some()),
            ] {
                if given {
                    problems.add(part, "a field that names another record has no default");
                    return None;
                }
            }
            Lens::Reference(Reference {
                entity,
                slots: slots(0),
                known: None,
            })
        }
        Shape::Set => {
            let slots = slots(0);
            let mut vocabulary = vocabulary(rules, &slots, direction, problems);
            for side in Side::BOTH {
                // what marks an imported record says nothing about the other side's
                if let Some(import) = context.rules.import_tag.of(side)
                    && import.field == slots.get(side).name().as_str()
                {
                    let hidden = &mut vocabulary.sides.get_mut(side).hidden;
                    hidden.insert(folded(&import.tag));
                }
            }
            Lens::Set(SetLens { slots, vocabulary })
        }
    })
}

/// The kind of one part: always one line of text.
fn part_kind(left: Kind, right: Kind) -> Option<Kind> {
    let country = |kind: Kind| matches!(kind, Kind::Country(_));
    let text = |kind: Kind| matches!(kind, Kind::Text | Kind::LongText | Kind::Choice);
    match (left, right) {
        (left, right) if left == right && matches!(left, Kind::Email | Kind::Phone | Kind::Url) => {
            Some(left)
        }
        (one, other) if country(one) && (country(other) || text(other)) => Some(one),
        (one, other) if country(other) && text(one) => Some(other),
        (one, other) if text(one) && text(other) => Some(Kind::Text),
        _ => None,
    }
}
