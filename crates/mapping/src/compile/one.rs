//! Checking one mapping.

use formula::Formula;
use merge::{Alignment, Direction, Policy, Rule};
use record::{
    Access, Country, Field, FieldName, FieldSpec, Fields, Kind, Rewrite, Side, Sides, Value,
    meaning,
};

use super::{
    Context, in_mode,
    kinds::{Shape, called, shape},
    vocabulary::vocabulary,
};
use crate::{
    CompiledMapping,
    lens::{
        ChoiceLens, FormulaLens, FullName, Lens, MainPoint, NameFields, Parts, Points, Scalar,
        SetLens,
    },
    problem::{Problems, nearest},
    rules::{LensRule, MappingRules, Words},
    slot::{Domain, Slot, folded},
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
    Some(CompiledMapping {
        id: name(rules, &lens),
        revision: revision(rules, &lens, direction),
        fields: Sides::each(|side| lens.fields(side)),
        rule,
        written,
        writable,
        create_only,
        defaults,
        lens,
    })
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

fn formula(
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

fn lens(
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

fn rule(rules: &MappingRules, lens: &Lens, direction: Direction, problems: &mut Problems) -> Rule {
    let is_set = lens.is_set();
    let mut rule = if is_set { Rule::set() } else { Rule::single() };
    rule.direction = direction;
    if direction == Direction::ToLeft && !is_set {
        rule.align = Alignment::PreferRight;
    }
    let for_sets = |policy: Policy| matches!(policy, Policy::Union | Policy::Merge);
    if let Some(policy) = rules.policy {
        if for_sets(policy) && !is_set {
            problems.add(
                "policy",
                "only lists of values can be merged; this is a single value",
            );
        }
        let target = match policy {
            Policy::LeftOwns => Some(Side::Left),
            Policy::RightOwns => Some(Side::Right),
            _ => None,
        };
        if target.is_some() && target == direction.target() {
            problems.hint(
                "policy",
                "the side that is only written to cannot own the field",
                "turn `direction` round, or let the other side own it",
            );
        }
        rule.policy = policy;
    }
    if let Some(fallback) = rules.fallback {
        if fallback == Policy::Newest || (for_sets(fallback) && !is_set) {
            problems.hint(
                "fallback",
                "the fallback has to be able to decide",
                "say `left_owns`, `right_owns`, `prefer_non_empty` or `ask`",
            );
        }
        rule.fallback = fallback;
    }
    if let Some(align) = rules.align {
        if align == Alignment::Union && !is_set {
            problems.add(
                "align",
                "only lists of values can be united; this is a single value",
            );
        }
        rule.align = align;
    }
    if let Some(target_edits) = rules.target_edits {
        if direction == Direction::Both {
            problems.hint(
                "target_edits",
                "in a mapping of both directions no side is only written to",
                "`policy` says what happens when both sides change",
            );
        }
        rule.target_edits = target_edits;
    }
    rule
}

/// What a side gets where the other has nothing: its meaning and its raw form.
fn default(
    rules: &MappingRules,
    side: Side,
    direction: Direction,
    lens: &Lens,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<(Field, Fields)> {
    let (part, words) = match side {
        Side::Left => ("default_left", rules.default_left.as_ref()?),
        Side::Right => ("default_right", rules.default_right.as_ref()?),
    };
    if !direction.writes(side) {
        problems.add(part, format!("nothing is written to the {side} side"));
        return None;
    }
    let names = if side == Side::Left {
        &rules.left
    } else {
        &rules.right
    };
    let name = names.as_ref().and_then(Words::only);
    let spec = name.and_then(|name| context.schemas.get(side).field(name));
    let Some(spec) = spec.filter(|spec| spec.kind != Kind::Points) else {
        problems.add(part, "only a single field can have a default");
        return None;
    };
    let slot = context.slot(side, spec);
    let typed = if spec.kind == Kind::Set {
        Field::of(Value::Set(words.0.iter().cloned().collect()))
    } else {
        let Some(word) = words.only() else {
            problems.add(part, "this field holds one value");
            return None;
        };
        match spec.kind {
            Kind::Country(form) => match Country::parse(word) {
                Some(country) => Field::of(country.spelt(form, slot.account)),
                None => Field::of(word),
            },
            Kind::Choice => Field::of(slot.choice_key(word).unwrap_or(word)),
            Kind::Number | Kind::Boolean | Kind::Date | Kind::Instant => {
                meaning(spec.kind, &Field::of(word), &slot.locale(&Fields::new()))
            }
            _ => Field::of(word),
        }
    };
    let domain = Domain {
        kind: spec.kind,
        lower: false,
    };
    let misfit = slot.loss(domain, &typed).is_some()
        || (spec.kind == Kind::Set
            && !spec.choices.is_empty()
            && words.iter().any(|word| slot.choice_key(word).is_none()));
    if misfit {
        problems.add(part, format!("`{}` cannot hold this", spec.name));
        return None;
    }
    let raw: Fields = [(spec.name.clone(), typed)].into_iter().collect();
    Some((lens.read(side, &raw), raw))
}

/// The name that was given, else one made from the fields.
fn name(rules: &MappingRules, lens: &Lens) -> String {
    if let Some(name) = &rules.name {
        return name.clone();
    }
    let of = |words: &Option<Words>| -> Option<String> {
        let words = words.as_ref()?;
        match &words.0[..] {
            [] => None,
            [word] => Some(snake(word)),
            words => Some(
                words
                    .iter()
                    .map(|word| snake(word))
                    .collect::<Vec<_>>()
                    .join("_"),
            ),
        }
    };
    let target = match lens {
        Lens::Formula(formula) => Some(formula.target),
        _ => None,
    };
    let made = match target {
        Some(Side::Right) => of(&rules.right),
        _ => of(&rules.left).or_else(|| of(&rules.right)),
    };
    made.unwrap_or_default()
}

/// `firstName` → `first_name`
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && before_lower {
            snake.push('_');
        }
        before_lower = character.is_lowercase() || character.is_ascii_digit();
        if character.is_alphanumeric() || character == '.' {
            snake.extend(character.to_lowercase());
        } else {
            snake.push('_');
        }
    }
    snake
}

/// A mark of all that makes an old base unusable.
fn revision(rules: &MappingRules, lens: &Lens, direction: Direction) -> String {
    let fields = |side: Side| -> Vec<String> {
        lens.fields(side).iter().map(FieldName::to_string).collect()
    };
    let parts = format!(
        "1|{}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{direction:?}",
        lens.signature(),
        fields(Side::Left),
        fields(Side::Right),
        rules.values,
        rules.unmatched,
        rules.formula_to_left,
        rules.formula_to_right,
    );
    format!("{:016x}", fnv1a(parts.as_bytes()))
}

/// FNV-1a, 64 bits: the same everywhere and for ever, which the hasher of the standard library is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
