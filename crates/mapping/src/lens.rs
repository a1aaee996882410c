//! Lenses: how one mapping reads each side into a shared domain and writes each side from it, without
//! spoiling what is already right there.
//!
//! The laws, which the tests hold every lens to:
//! * put what was read, and nothing is written;
//! * read what was put, and it means what was put, as far as the side can hold it;
//! * where the side already means it, nothing is written.

mod formula;

mod full_name;

mod parts;

mod reference;

mod points;

mod scalar;

mod vocabulary;

use record::{Country, Field, FieldName, Fields, Kind, Side, Sides};

pub use self::reference::References;
pub(crate) use self::{
    formula::FormulaLens,
    full_name::{FullName, NameFields},
    parts::Parts,
    points::{Channel, MainPoint, Points},
    reference::Reference,
    scalar::Scalar,
    vocabulary::{ChoiceLens, SetLens, Vocabulary},
};
use crate::loss::Loss;

#[derive(Debug, Clone)]
pub(crate) enum Lens {
    Scalar(Scalar),
    Parts(Parts),
    FullName(FullName),
    MainPoint(MainPoint),
    Points(Points),
    Choice(ChoiceLens),
    Set(SetLens),
    Formula(FormulaLens),
    Reference(Reference),
}

macro_rules! each {
    ($lens:expr, $inner:ident => $result:expr) => {
        match $lens {
            Lens::Scalar($inner) => $result,
            Lens::Parts($inner) => $result,
            Lens::FullName($inner) => $result,
            Lens::MainPoint($inner) => $result,
            Lens::Points($inner) => $result,
            Lens::Choice($inner) => $result,
            Lens::Set($inner) => $result,
            Lens::Formula($inner) => $result,
            Lens::Reference($inner) => $result,
        }
    };
}

/// A phone number as a record has it.
pub(crate) struct Typed<'a> {
    /// As it is written.
    pub(crate) number: &'a str,
    /// The country that the record itself names.
    pub(crate) home: Option<Country>,
}

impl Typed<'_> {
    /// Whether it is written with its country.
    pub(crate) fn is_international(&self) -> bool {
        let number = self.number.trim_start();
        number.starts_with('+') || number.starts_with("00")
    }
}

impl Lens {
    /// Whether it is about one phone number of each side.
    pub(crate) fn is_phone(&self) -> bool {
        match self {
            Self::MainPoint(lens) => lens.channel == Channel::Phone,
            Self::Scalar(lens) => lens.domain.kind == Kind::Phone,
            _ => false,
        }
    }

    /// The phone number of a side, if it is about one.
    pub(crate) fn typed<'a>(&self, side: Side, fields: &'a Fields) -> Option<Typed<'a>> {
        let (slot, number) = match self {
            Self::MainPoint(lens) => (lens.slots.get(side), lens.typed(side, fields)),
            Self::Scalar(lens) => {
                let slot = lens.slots.get(side);
                (slot, slot.raw(fields).text().unwrap_or_default())
            }
            _ => return None,
        };
        let home = slot.locale(fields).residence;
        self.is_phone().then_some(Typed { number, home })
    }

    /// The fields that reading a side needs.
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        each!(self, lens => lens.fields(side))
    }

    /// The canonical meaning of a side.
    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        each!(self, lens => lens.read(side, fields))
    }

    /// The raw fields that have to change so that the side means `new`. `new` is known and differs
    /// from what the side means.
    pub(crate) fn put(&self, side: Side, new: &Field, current: &Fields) -> Fields {
        each!(self, lens => lens.put(side, new, current))
    }

    /// What the side cannot hold of `value`.
    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        each!(self, lens => lens.loss(side, value))
    }

    /// What is left of `value` once the side has stored it.
    pub(crate) fn project(&self, side: Side, value: &Field) -> Field {
        each!(self, lens => lens.project(side, value))
    }

    /// Whether its values are sets.
    pub(crate) fn is_set(&self) -> bool {
        match self {
            Self::Set(_) | Self::Points(_) => true,
            Self::Formula(formula) => formula.is_set(),
            _ => false,
        }
    }

    /// Why a side that has values cannot be read.
    pub(crate) fn unreadable(&self, side: Side, fields: &Fields) -> Option<String> {
        match self {
            Self::Formula(formula) => formula.unreadable(side, fields),
            Self::Choice(choice) => choice.unreadable(side, fields),
            Self::Reference(reference) => reference.unreadable(side, fields),
            _ => None,
        }
    }

    /// What the lens is made of, for the revision.
    pub(crate) fn signature(&self) -> String {
        match self {
            Self::Scalar(scalar) => format!("scalar {:?}", scalar.domain.kind),
            Self::Parts(parts) => parts.signature(),
            Self::FullName(_) => "full_name".to_owned(),
            Self::MainPoint(main) => format!("main {:?}", main.channel),
            Self::Points(_) => "points".to_owned(),
            Self::Choice(_) => "choice".to_owned(),
            Self::Set(_) => "set".to_owned(),
            Self::Formula(_) => "formula".to_owned(),
            Self::Reference(reference) => format!("reference {}", reference.entity),
        }
    }
}

/// One field, changed.
fn changed(name: &FieldName, field: Field) -> Fields {
    let mut fields = Fields::new();
    fields.set(name.clone(), field);
    fields
}

/// The slots of both sides.
type Slots = Sides<crate::slot::Slot>;
