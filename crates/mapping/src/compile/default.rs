//! What a side gets where the other has nothing.

use merge::Direction;
use record::{Country, Field, Fields, Kind, Side, Value, meaning};

use super::Context;
use crate::{
    lens::Lens,
    problem::Problems,
    rules::{MappingRules, Words},
    slot::Domain,
};

/// What a side gets where the other has nothing: its meaning and its raw form.
pub(super) fn default(
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
