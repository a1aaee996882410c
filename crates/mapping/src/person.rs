//! Which fields say who a person is, or a company.

use matching::{Facts, Person};
use record::{Entity, Field, Fields, Kind, PointKind, Side, Value, fold, meaning};

use crate::{
    lens::{Lens, NameFields, Scalar},
    rules::{MappingRules, Role},
    slot::{Domain, Slot},
};

/// The fields of one side that say who a person is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles {
    slots: Vec<(Role, Slot)>,
    /// A full name in one field has to be taken apart.
    names: Option<(crate::lens::FullName, Side)>,
    /// The records are no people but companies.
    organisations: bool,
}

impl Roles {
    pub(crate) fn of(entity: Entity) -> Self {
        Self {
            organisations: entity == Entity::Company,
            ..Self::default()
        }
    }

    pub(crate) fn person(&self, fields: &Fields) -> Person {
        let mut facts = Facts::default();
        for (role, slot) in &self.slots {
            let line = || text_of(slot, Kind::Text, fields);
            match role {
                Role::Email => facts.emails.extend(points(slot, Kind::Email, fields)),
                Role::Phone => facts.phones.extend(points(slot, Kind::Phone, fields)),
                Role::FirstName => facts.first_name = facts.first_name.or_else(line),
                Role::LastName => facts.last_name = facts.last_name.or_else(line),
                Role::Postcode => facts.postcode = facts.postcode.or_else(line),
                Role::Street => facts.street = facts.street.or_else(line),
                Role::Company => facts.company = facts.company.or_else(line),
                Role::ExternalId => facts.external.extend(line()),
                Role::Birthday => {
                    let domain = Domain {
                        kind: Kind::Date,
                        lower: false,
                    };
                    if let Some(Value::Date(day)) = slot.read(domain, fields).value() {
                        facts.birthday = facts.birthday.or(Some(*day));
                    }
                }
                Role::FullName | Role::None => {}
            }
        }
        if let Some((names, side)) = &self.names {
            let (first, last) = names.names(*side, fields);
            facts.first_name = facts.first_name.or(first);
            facts.last_name = facts.last_name.or(last);
        }
        if self.organisations {
            Person::organisation(facts)
        } else {
            Person::new(facts)
        }
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().map(|(_, slot)| slot)
    }

    /// Adds the fields of one mapping on `side`.
    pub(crate) fn add(&mut self, rules: &MappingRules, lens: &Lens, side: Side) {
        if rules.role == Some(Role::None) {
            return;
        }
        let organisations = self.organisations;
        let mut scalar = |scalar: &Scalar, whole: bool| {
            let slot = scalar.slots.get(side);
            let role = rules.role.filter(|_| whole).or_else(|| {
                role_of(
                    scalar.domain.kind,
                    scalar,
                    rules.name.as_deref().filter(|_| whole),
                    organisations,
                )
            });
            if let Some(role) = role {
                self.slots.push((role, slot.clone()));
            }
        };
        match lens {
            Lens::Scalar(one) => scalar(one, true),
            Lens::Parts(parts) => parts.parts.iter().for_each(|part| scalar(part, false)),
            Lens::FullName(names) => {
                let fields = match side {
                    Side::Left => &names.left,
                    Side::Right => &names.right,
                };
                match fields {
                    NameFields::One(_) => self.names = Some((names.clone(), side)),
                    NameFields::Two { first, last } => {
                        self.slots.push((Role::FirstName, (**first).clone()));
                        self.slots.push((Role::LastName, (**last).clone()));
                    }
                }
            }
            Lens::MainPoint(main) => {
                let role = match main.channel {
                    crate::lens::Channel::Email => Role::Email,
                    crate::lens::Channel::Phone => Role::Phone,
                };
                self.slots.push((role, main.slots.get(side).clone()));
            }
            Lens::Points(points) => self.add_points(points.slots.get(side).clone()),
            Lens::Choice(_) | Lens::Set(_) | Lens::Formula(_) | Lens::Reference(_) => {}
        }
    }

    /// Adds a list of contact points, mapped or not: every one of them is the person's.
    pub(crate) fn add_points(&mut self, slot: Slot) {
        for role in [Role::Email, Role::Phone] {
            let known = self
                .slots
                .iter()
                .any(|(other, known)| *other == role && known.name() == slot.name());
            if !known {
                self.slots.push((role, slot.clone()));
            }
        }
    }
}

fn text_of(slot: &Slot, kind: Kind, fields: &Fields) -> Option<String> {
    let domain = Domain { kind, lower: false };
    slot.read(domain, fields).text().map(str::to_owned)
}

fn points(slot: &Slot, kind: Kind, fields: &Fields) -> Vec<String> {
    match slot.raw(fields) {
        Field::Value(Value::Points(points)) => points
            .iter()
            .filter(|point| match kind {
                Kind::Email => point.kind == PointKind::Email,
                _ => matches!(point.kind, PointKind::Phone | PointKind::Mobile),
            })
            .filter_map(|point| {
                let raw = Field::of(point.value.as_str());
                meaning(kind, &raw, &slot.locale(fields))
                    .text()
                    .map(str::to_owned)
            })
            .collect(),
        _ => text_of(slot, kind, fields).into_iter().collect(),
    }
}

/// Words by which fields are commonly called.
const NAMES: [(&str, Role); 27] = [
    ("firstname", Role::FirstName),
    ("givenname", Role::FirstName),
    ("vorname", Role::FirstName),
    ("lastname", Role::LastName),
    ("familyname", Role::LastName),
    ("surname", Role::LastName),
    ("nachname", Role::LastName),
    ("familienname", Role::LastName),
    ("birthday", Role::Birthday),
    ("birthdate", Role::Birthday),
    ("dateofbirth", Role::Birthday),
    ("geburtsdatum", Role::Birthday),
    ("geburtstag", Role::Birthday),
    ("postcode", Role::Postcode),
    ("postalcode", Role::Postcode),
    ("zip", Role::Postcode),
    ("zipcode", Role::Postcode),
    ("plz", Role::Postcode),
    ("postleitzahl", Role::Postcode),
    ("street", Role::Street),
    ("strasse", Role::Street),
    ("address1", Role::Street),
    ("company", Role::Company),
    ("companyname", Role::Company),
    ("firma", Role::Company),
    ("unternehmen", Role::Company),
    ("externalid", Role::ExternalId),
];

fn role_of(kind: Kind, scalar: &Scalar, name: Option<&str>, organisations: bool) -> Option<Role> {
    match kind {
        Kind::Email => return Some(Role::Email),
        Kind::Phone => return Some(Role::Phone),
        _ => {}
    }
    let called = [
        name,
        Some(scalar.slots.left.name().as_str()),
        Some(scalar.slots.right.name().as_str()),
        Some(scalar.slots.left.spec.label.as_str()),
        Some(scalar.slots.right.spec.label.as_str()),
    ];
    let role = called.into_iter().flatten().find_map(|name| {
        let name: String = fold::name(name).split(' ').collect();
        if organisations && name == "name" {
            return Some(Role::Company);
        }
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, role)| *role)
    })?;
    let fits = matches!(kind, Kind::Date) == (role == Role::Birthday);
    fits.then_some(role)
}
