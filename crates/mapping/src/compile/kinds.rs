//! Which lens fits which kinds of field.

use record::{CountryForm, Entity, FieldSpec, Kind, Sides};

use crate::{
    lens::Channel,
    rules::{LensRule, MappingRules},
};

/// The lens that a mapping gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar(Kind),
    Parts,
    FullName,
    Main(Channel),
    Points,
    Choice,
    Set,
    Reference(Entity),
}

/// Why no lens fits, and what to do.
pub(super) struct Unfit {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

fn unfit(message: impl Into<String>, hint: &str) -> Unfit {
    Unfit {
        message: message.into(),
        hint: Some(hint.to_owned()),
    }
}

pub(super) fn shape(rules: &MappingRules, fields: Sides<&[&FieldSpec]>) -> Result<Shape, Unfit> {
    match (fields.left, fields.right) {
        ([left], [right]) => single(rules, left.kind, right.kind),
        (left, right) if left.len() == right.len() => match rules.lens {
            LensRule::Auto | LensRule::Name | LensRule::Address => Ok(Shape::Parts),
            _ => Err(unfit(
                "several fields on both sides make a name or an address",
                "leave `lens` out, or give one field on each side",
            )),
        },
        ([_, _], [_]) | ([_], [_, _])
            if matches!(
                rules.lens,
                LensRule::Auto | LensRule::Name | LensRule::FullName
            ) =>
        {
            Ok(Shape::FullName)
        }
        (left, right) => Err(unfit(
            format!(
                "{} fields on the left do not fit {} on the right",
                left.len(),
                right.len()
            ),
            "give as many on each side, or first and last name on one and the full name on the other",
        )),
    }
}

fn single(rules: &MappingRules, left: Kind, right: Kind) -> Result<Shape, Unfit> {
    let either = |kind: Kind| left == kind || right == kind;
    let scalar = |kind: Kind, others: &[Kind]| {
        let fits = |this: Kind| same(this, kind) || others.iter().any(|other| same(this, *other));
        if fits(left) && fits(right) {
            Ok(Shape::Scalar(kind))
        } else {
            Err(does_not_fit(left, right))
        }
    };
    match rules.lens {
        LensRule::Auto => auto(rules, left, right),
        LensRule::Text => {
            let textual = |kind: Kind| {
                is_text(kind)
                    || matches!(
                        kind,
                        Kind::Email | Kind::Phone | Kind::Url | Kind::Choice | Kind::User
                    )
            };
            if textual(left) && textual(right) {
                Ok(Shape::Scalar(text_kind(left, right)))
            } else {
                Err(does_not_fit(left, right))
            }
        }
        LensRule::MainEmail | LensRule::MainPhone => {
            let channel = match rules.lens {
                LensRule::MainEmail => Channel::Email,
                _ => Channel::Phone,
            };
            let fits =
                |kind: Kind| kind == Kind::Points || kind == channel.kind() || kind == Kind::Text;
            if fits(left) && fits(right) {
                Ok(Shape::Main(channel))
            } else {
                Err(does_not_fit(left, right))
            }
        }
        LensRule::Country => scalar(
            Kind::Country(CountryForm::Alpha2),
            &[Kind::Text, Kind::Choice],
        ),
        LensRule::Choice if !either(Kind::Set) && !either(Kind::Points) => Ok(Shape::Choice),
        LensRule::Set if left == Kind::Set && right == Kind::Set => Ok(Shape::Set),
        LensRule::Choice | LensRule::Set => Err(does_not_fit(left, right)),
        LensRule::Date => scalar(Kind::Date, &[Kind::Text]),
        LensRule::Number => scalar(Kind::Number, &[Kind::Text]),
        LensRule::Boolean => scalar(Kind::Boolean, &[Kind::Text, Kind::Number, Kind::Choice]),
        LensRule::Name | LensRule::FullName => Err(unfit(
            "a name is made of first and last name on at least one side",
            "write `left: [first, last]`; for one field each leave `lens` out",
        )),
        LensRule::Address => Err(unfit(
            "an address is made of several fields on each side",
            "write `left: [street, postcode, city]`; for one field each leave `lens` out",
        )),
        LensRule::Reference => reference(left, right),
        LensRule::Formula => Err(unfit(
            "there is no formula",
            "give `formula_to_right` or `formula_to_left`",
        )),
    }
}

fn auto(rules: &MappingRules, left: Kind, right: Kind) -> Result<Shape, Unfit> {
    let either = |kind: Kind| left == kind || right == kind;
    let other_than = |kind: Kind| if left == kind { right } else { left };
    if matches!(left, Kind::Reference(_)) || matches!(right, Kind::Reference(_)) {
        return reference(left, right);
    }
    if either(Kind::Points) {
        return match other_than(Kind::Points) {
            Kind::Points => Ok(Shape::Points),
            Kind::Email => Ok(Shape::Main(Channel::Email)),
            Kind::Phone => Ok(Shape::Main(Channel::Phone)),
            _ => Err(unfit(
                "a list of contact points needs to know which of them is meant",
                "say `lens: main_email` or `lens: main_phone`",
            )),
        };
    }
    if either(Kind::Set) {
        return match other_than(Kind::Set) {
            Kind::Set => Ok(Shape::Set),
            _ => Err(unfit(
                "several values do not fit into a field for one",
                "a formula such as `join(tags, \", \")` can make one of them, one way",
            )),
        };
    }
    if !rules.values.is_empty() {
        return Ok(Shape::Choice);
    }
    let country = Kind::Country(CountryForm::Alpha2);
    let pairs_with = |kind: Kind, others: &[Kind]| {
        let fits = |this: Kind| same(this, kind) || others.contains(&this);
        (same(left, kind) || same(right, kind)) && fits(left) && fits(right)
    };
    let text = [Kind::Text, Kind::LongText];
    for (kind, others) in [
        (country, [&text[..], &[Kind::Choice]].concat()),
        (Kind::Email, text.to_vec()),
        (Kind::Phone, text.to_vec()),
        (Kind::Url, text.to_vec()),
        (Kind::Date, text.to_vec()),
        (Kind::Instant, text.to_vec()),
        (Kind::Boolean, [&text[..], &[Kind::Number]].concat()),
        (Kind::Number, text.to_vec()),
    ] {
        if pairs_with(kind, &others) {
            return Ok(Shape::Scalar(kind));
        }
    }
    // Ids are each system's own: who is who is told by `values`, or by an e-mail address that both have.
    if left == Kind::User && right == Kind::User {
        return Ok(Shape::Choice);
    }
    if either(Kind::Choice) {
        return match other_than(Kind::Choice) {
            Kind::Choice | Kind::Text | Kind::LongText | Kind::Boolean | Kind::Number => {
                Ok(Shape::Choice)
            }
            _ => Err(does_not_fit(left, right)),
        };
    }
    let text_or_user = |kind: Kind| is_text(kind) || kind == Kind::User;
    if text_or_user(left) && text_or_user(right) {
        return Ok(Shape::Scalar(text_kind(left, right)));
    }
    Err(does_not_fit(left, right))
}

/// Ids of records are the systems' own: they are translated, or they mean nothing on the other side.
fn reference(left: Kind, right: Kind) -> Result<Shape, Unfit> {
    match (left, right) {
        (Kind::Reference(one), Kind::Reference(other)) if one == other => Ok(Shape::Reference(one)),
        _ => Err(unfit(
            format!(
                "{} on the left does not fit {} on the right",
                called(left),
                called(right)
            ),
            "map a field that names a record to one that names a record of the same kind; a formula can copy its id, one way",
        )),
    }
}

fn same(one: Kind, other: Kind) -> bool {
    one == other || matches!((one, other), (Kind::Country(_), Kind::Country(_)))
}

fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::LongText | Kind::Html)
}

/// The richest text that both sides hold.
fn text_kind(left: Kind, right: Kind) -> Kind {
    match (left, right) {
        (Kind::Html, Kind::Html) => Kind::Html,
        (Kind::Html | Kind::LongText, Kind::Html | Kind::LongText) => Kind::LongText,
        _ => Kind::Text,
    }
}

fn does_not_fit(left: Kind, right: Kind) -> Unfit {
    unfit(
        format!(
            "{} on the left does not fit {} on the right",
            called(left),
            called(right)
        ),
        "a formula can make one of the other, one way",
    )
}

pub(super) fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a line of text",
        Kind::LongText => "text",
        Kind::Html => "HTML",
        Kind::Email => "an e-mail address",
        Kind::Phone => "a phone number",
        Kind::Url => "a web address",
        Kind::Country(_) => "a country",
        Kind::Choice => "a choice",
        Kind::Set => "a list of values",
        Kind::Boolean => "a yes or no",
        Kind::Number => "a number",
        Kind::Date => "a date",
        Kind::Instant => "a point in time",
        Kind::Points => "a list of contact points",
        Kind::User => "a user",
        Kind::Reference(_) => "the id of another record",
    }
}
