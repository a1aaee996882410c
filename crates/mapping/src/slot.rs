//! One field of one side: how it is read into a domain and written from it.

use record::{
    Capability, Choice, Country, Field, FieldName, FieldSpec, Fields, Kind, Locale, Rewrite, Value,
    html, meaning, text,
};
use rust_decimal::Decimal;

use crate::loss::{Loss, LossKind};

/// What both sides of a mapping are compared in: the canonical form of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Domain {
    pub(crate) kind: Kind,
    /// One side keeps lower case only, so case says nothing.
    pub(crate) lower: bool,
}

/// A field of one side, with what its meaning depends on.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) spec: FieldSpec,
    pub(crate) account: Country,
    /// The field that names the record's own country.
    pub(crate) residence: Option<FieldName>,
}

impl Slot {
    pub(crate) fn name(&self) -> &FieldName {
        &self.spec.name
    }

    fn capability(&self) -> &Capability {
        &self.spec.capability
    }

    pub(crate) fn has_rewrite(&self, rewrite: Rewrite) -> bool {
        self.capability().rewrites.contains(&rewrite)
    }

    pub(crate) fn locale(&self, fields: &Fields) -> Locale {
        let residence = self
            .residence
            .as_ref()
            .and_then(|field| fields.get(field.as_str()).text())
            .and_then(Country::parse);
        Locale::new(self.account).residing(residence)
    }

    /// The fields that reading this one in a domain needs.
    pub(crate) fn needs(&self, kind: Kind) -> Vec<FieldName> {
        let mut needs = vec![self.name().clone()];
        if matches!(kind, Kind::Phone | Kind::Points)
            && let Some(residence) = &self.residence
            && residence != self.name()
        {
            needs.push(residence.clone());
        }
        needs
    }

    pub(crate) fn raw<'a>(&self, fields: &'a Fields) -> &'a Field {
        fields.get(self.name().as_str())
    }

    /// What the field means in the domain.
    pub(crate) fn read(&self, domain: Domain, fields: &Fields) -> Field {
        self.meaning(domain, self.raw(fields), &self.locale(fields))
    }

    pub(crate) fn meaning(&self, domain: Domain, raw: &Field, locale: &Locale) -> Field {
        let plain;
        let raw = match raw.text() {
            Some(text) if self.spec.kind == Kind::Html && domain.kind != Kind::Html => {
                plain = Field::of(html::to_text(text));
                &plain
            }
            _ => raw,
        };
        let meant = meaning(domain.kind, raw, locale);
        if domain.lower { lower(meant) } else { meant }
    }

    /// A value of the domain as this side spells it.
    pub(crate) fn write(&self, domain: Domain, value: &Field) -> Field {
        let Some(value) = value.value() else {
            return value.clone();
        };
        let textual = matches!(
            self.spec.kind,
            Kind::Text | Kind::LongText | Kind::Html | Kind::Choice | Kind::Url
        );
        Field::of(match (domain.kind, value) {
            (Kind::Country(_), Value::Text(text)) => Value::Text(self.country(text)),
            (kind, Value::Text(text)) if self.spec.kind == Kind::Html && kind != Kind::Html => {
                Value::Text(html::from_text(text))
            }
            (_, Value::Text(text)) if !self.spec.choices.is_empty() => {
                Value::Text(self.choice_key(text).unwrap_or(text).to_owned())
            }
            (_, Value::Date(day)) if textual => Value::Text(day.to_string()),
            (_, Value::Instant(instant)) if textual => Value::Text(instant.to_string()),
            (_, Value::Number(number)) if textual => Value::Text(number.to_string()),
            (_, Value::Boolean(boolean)) if textual => Value::Text(boolean.to_string()),
            (_, Value::Boolean(boolean)) if self.spec.kind == Kind::Number => {
                Value::Number(Decimal::from(u8::from(*boolean)))
            }
            (_, value) => value.clone(),
        })
    }

    /// The key of the choice that has this key or label.
    pub(crate) fn choice_key(&self, text: &str) -> Option<&str> {
        let wanted = folded(text);
        let by = |of: fn(&Choice) -> &str| {
            self.spec
                .choices
                .iter()
                .find(|choice| folded(of(choice)) == wanted)
        };
        by(|choice| &choice.key)
            .or_else(|| by(|choice| &choice.label))
            .map(|choice| choice.key.as_str())
    }

    fn country(&self, canonical: &str) -> String {
        let Some(country) = Country::parse(canonical) else {
            return canonical.to_owned();
        };
        let choice = self.spec.choices.iter().find(|choice| {
            Country::parse(&choice.key) == Some(country)
                || Country::parse(&choice.label) == Some(country)
        });
        match (choice, self.spec.kind) {
            (Some(choice), _) => choice.key.clone(),
            (None, Kind::Country(form)) => country.spelt(form, self.account).to_owned(),
            (None, _) => country
                .spelt(record::CountryForm::Name, self.account)
                .to_owned(),
        }
    }

    /// What would be lost if this value of the domain were written here.
    pub(crate) fn loss(&self, domain: Domain, value: &Field) -> Option<Loss> {
        let field = self.name();
        let Some(value) = value.value() else {
            return (*value == Field::Empty && !self.capability().clearable)
                .then(|| Loss::whole(LossKind::NotClearable, field));
        };
        let fits = match (self.spec.kind, value) {
            (Kind::Date, Value::Date(_))
            | (Kind::Instant, Value::Instant(_))
            | (Kind::Number, Value::Number(_) | Value::Boolean(_))
            | (Kind::Boolean, Value::Boolean(_)) => true,
            (Kind::Date | Kind::Instant | Kind::Number | Kind::Boolean, _) => false,
            (Kind::Country(form), Value::Text(text)) => {
                form == record::CountryForm::Name || Country::parse(text).is_some()
            }
            _ => true,
        };
        if !fits {
            return Some(Loss::whole(LossKind::NotOfItsKind, field));
        }
        let written = self.write(domain, &Field::Value(value.clone()));
        let written = written.text()?;
        if matches!(self.spec.kind, Kind::Choice)
            && !self.spec.choices.is_empty()
            && self.choice_key(written).is_none()
        {
            return Some(Loss::whole(LossKind::NotAChoice, field));
        }
        let longest = self.capability().max_length?;
        if written.chars().count() <= longest {
            None
        } else if self.has_rewrite(Rewrite::Truncate) {
            Some(Loss::part(LossKind::TooLong(longest), field))
        } else {
            Some(Loss::whole(LossKind::TooLong(longest), field))
        }
    }

    /// What is left of a value of the domain once this side has stored it.
    pub(crate) fn project(&self, domain: Domain, value: &Field) -> Field {
        if !self.has_rewrite(Rewrite::Truncate) {
            return value.clone();
        }
        self.cut(domain, value).unwrap_or_else(|| value.clone())
    }

    /// The beginning of a text that is too long for this side.
    pub(crate) fn cut(&self, domain: Domain, value: &Field) -> Option<Field> {
        let longest = self.capability().max_length?;
        let Field::Value(Value::Text(written)) = self.write(domain, value) else {
            return None;
        };
        (written.chars().count() > longest).then(|| {
            let cut: String = written.chars().take(longest).collect();
            self.meaning(domain, &Field::of(cut), &Locale::new(self.account))
        })
    }
}

/// The form in which keys of choices and tags are looked up.
pub(crate) fn folded(text: &str) -> String {
    text::line(text).to_lowercase()
}

pub(crate) fn lower(field: Field) -> Field {
    match field {
        Field::Value(Value::Text(text)) => Field::of(folded(&text)),
        other => other,
    }
}
