//! Contact points: the main e-mail address or phone of a list, and whole lists.

use record::{
    Field, FieldName, Fields, Kind, Point, PointKind, Side, Sides, Value, meaning, phone,
};

use super::{Slots, changed};
use crate::{
    loss::Loss,
    slot::{Domain, Slot},
};

/// What a main point is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Email,
    Phone,
}

impl Channel {
    fn holds(self, kind: PointKind) -> bool {
        match self {
            Self::Email => kind == PointKind::Email,
            Self::Phone => matches!(kind, PointKind::Phone | PointKind::Mobile),
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Email => Kind::Email,
            Self::Phone => Kind::Phone,
        }
    }
}

/// One e-mail address or phone number: a field of its own, or the main one of a list. The other
/// points of the list stay as they are.
#[derive(Debug, Clone)]
pub(crate) struct MainPoint {
    pub(crate) channel: Channel,
    pub(crate) slots: Slots,
}

impl MainPoint {
    fn domain(&self) -> Domain {
        Domain {
            kind: self.channel.kind(),
            lower: false,
        }
    }

    pub(crate) fn is_list(&self, side: Side) -> bool {
        self.slots.get(side).spec.kind == Kind::Points
    }

    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        self.slots.get(side).needs(self.channel.kind())
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        let slot = self.slots.get(side);
        match slot.raw(fields) {
            Field::Value(Value::Points(points)) => match self.main(points) {
                Some(index) => self.meaning(slot, &points[index], fields),
                None => Field::Empty,
            },
            _ => slot.read(self.domain(), fields),
        }
    }

    pub(crate) fn put(&self, side: Side, new: &Field, current: &Fields) -> Fields {
        let slot = self.slots.get(side);
        if !self.is_list(side) {
            return changed(slot.name(), slot.write(self.domain(), new));
        }
        let mut points = match slot.raw(current) {
            Field::Unknown => return Fields::new(),
            Field::Value(Value::Points(points)) => points.clone(),
            _ => Vec::new(),
        };
        let main = self.main(&points);
        let chosen = match new.text() {
            None => {
                // the next one of the list, if there is one, takes its place
                if let Some(main) = main {
                    points.remove(main);
                }
                self.main(&points)
            }
            Some(value) => {
                let known = points.iter().position(|point| {
                    self.channel.holds(point.kind)
                        && self.meaning(slot, point, current).text() == Some(value)
                });
                match (known, main) {
                    (Some(known), _) => Some(known),
                    (None, Some(main)) => {
                        value.clone_into(&mut points[main].value);
                        points[main].kind = self.kind(value, points[main].kind);
                        Some(main)
                    }
                    (None, None) => {
                        points.push(Point {
                            kind: self.kind(value, PointKind::Phone),
                            value: value.to_owned(),
                            label: None,
                            main: true,
                        });
                        Some(points.len() - 1)
                    }
                }
            }
        };
        for (index, point) in points.iter_mut().enumerate() {
            if self.channel.holds(point.kind) {
                point.main = Some(index) == chosen;
            }
        }
        changed(slot.name(), Field::of(Value::Points(points)))
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        self.slots.get(side).loss(self.domain(), value)
    }

    pub(crate) fn project(&self, side: Side, value: &Field) -> Field {
        self.slots.get(side).project(self.domain(), value)
    }

    /// The main one as it is written.
    pub(crate) fn typed<'a>(&self, side: Side, fields: &'a Fields) -> &'a str {
        match self.slots.get(side).raw(fields) {
            Field::Value(Value::Points(points)) => self
                .main(points)
                .map_or("", |index| points[index].value.as_str()),
            other => other.text().unwrap_or_default(),
        }
    }

    fn meaning(&self, slot: &Slot, point: &Point, fields: &Fields) -> Field {
        let raw = Field::of(point.value.as_str());
        meaning(self.channel.kind(), &raw, &slot.locale(fields))
    }

    /// The one that the system marks, else the first that says anything.
    fn main(&self, points: &[Point]) -> Option<usize> {
        let says = |point: &Point| self.channel.holds(point.kind) && !point.value.trim().is_empty();
        points
            .iter()
            .position(|point| point.main && says(point))
            .or_else(|| points.iter().position(says))
    }

    fn kind(&self, value: &str, before: PointKind) -> PointKind {
        match self.channel {
            Channel::Email => PointKind::Email,
            Channel::Phone => phone_kind(value, before),
        }
    }
}

/// Mobile numbers are mobile where that can be seen; else it stays what it was.
fn phone_kind(value: &str, before: PointKind) -> PointKind {
    match before {
        PointKind::Phone if phone::is_mobile(value) => PointKind::Mobile,
        PointKind::Mobile if value.starts_with('+') && !phone::is_mobile(value) => PointKind::Phone,
        before => before,
    }
}

/// Whole lists of points.
#[derive(Debug, Clone)]
pub(crate) struct Points {
    pub(crate) slots: Sides<Slot>,
}

impl Points {
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        self.slots.get(side).needs(Kind::Points)
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        let slot = self.slots.get(side);
        meaning(Kind::Points, slot.raw(fields), &slot.locale(fields))
    }

    pub(crate) fn put(&self, side: Side, new: &Field, current: &Fields) -> Fields {
        let slot = self.slots.get(side);
        let raw = match slot.raw(current) {
            Field::Unknown => return Fields::new(),
            Field::Value(Value::Points(points)) => points.clone(),
            _ => Vec::new(),
        };
        let wanted = match new.value() {
            Some(Value::Points(points)) => points.clone(),
            _ => Vec::new(),
        };
        let locale = slot.locale(current);
        let mut missing = wanted.clone();
        let mut points: Vec<Point> = Vec::new();
        for point in raw {
            let alone = Field::of(Value::Points(vec![point.clone()]));
            let meant = match meaning(Kind::Points, &alone, &locale) {
                Field::Value(Value::Points(mut canonical)) => canonical.pop(),
                _ => None,
            };
            let Some(meant) = meant else { continue };
            let same = |other: &Point| other.kind == meant.kind && other.value == meant.value;
            let Some(target) = wanted.iter().find(|other| same(other)) else {
                continue;
            };
            // the first of equal ones carries the mark
            let first = missing.iter().any(same);
            missing.retain(|other| !same(other));
            points.push(Point {
                main: target.main && first,
                ..point
            });
        }
        points.extend(missing.into_iter().map(|point| Point {
            kind: phone_kind(&point.value, point.kind),
            ..point
        }));
        changed(slot.name(), Field::of(Value::Points(points)))
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        let domain = Domain {
            kind: Kind::Points,
            lower: false,
        };
        self.slots.get(side).loss(domain, value)
    }

    #[expect(clippy::unused_self, reason = "all lenses have the same shape")]
    pub(crate) fn project(&self, _side: Side, value: &Field) -> Field {
        value.clone()
    }
}
