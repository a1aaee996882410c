//! Which records take part, ready to be asked.

use record::{Field, FieldName, Fields, Schema, Side, Sides, Value};

use crate::{
    problem::{Problems, nearest},
    rules::{Condition, CreateOnly, ScopeRules},
    slot::folded,
};

#[derive(Debug, Clone, Default)]
pub(crate) struct CompiledScope {
    sides: Sides<Vec<Test>>,
}

#[derive(Debug, Clone)]
struct Test {
    field: FieldName,
    asks: Asks,
}

#[derive(Debug, Clone)]
enum Asks {
    Is(Vec<String>),
    IsNot(Vec<String>),
    Contains(Vec<String>),
    Exists(bool),
}

impl CompiledScope {
    pub(crate) fn compile(
        rules: &ScopeRules,
        schemas: Sides<&Schema>,
        problems: &mut Problems,
    ) -> Self {
        let rules = Sides::new(rules.left.as_slice(), rules.right.as_slice());
        Self::of(rules, "scope.", schemas, problems)
    }

    /// Which records get a counterpart made, by the side that they are on.
    pub(crate) fn for_creates(
        rules: &CreateOnly,
        schemas: Sides<&Schema>,
        problems: &mut Problems,
    ) -> Self {
        let rules = Sides::new(rules.from_left.as_slice(), rules.from_right.as_slice());
        Self::of(rules, "create.only.from_", schemas, problems)
    }

    fn of(
        rules: Sides<&[Condition]>,
        place: &str,
        schemas: Sides<&Schema>,
        problems: &mut Problems,
    ) -> Self {
        let sides = Sides::each(|side| {
            let conditions = rules.get(side).iter().enumerate();
            conditions
                .filter_map(|(index, condition)| {
                    let path = format!("{place}{side}[{index}]");
                    test(condition, schemas.get(side), &path, problems)
                })
                .collect()
        });
        Self { sides }
    }

    pub(crate) fn fields(&self, side: Side) -> impl Iterator<Item = &FieldName> {
        self.sides.get(side).iter().map(|test| &test.field)
    }

    /// `Some(false)` as soon as one condition does not hold, whatever is unknown beside it.
    pub(crate) fn includes(&self, side: Side, fields: &Fields) -> Option<bool> {
        let mut unknown = false;
        for test in self.sides.get(side) {
            match test.holds(fields) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => unknown = true,
            }
        }
        (!unknown).then_some(true)
    }
}

fn test(
    condition: &Condition,
    schema: &Schema,
    path: &str,
    problems: &mut Problems,
) -> Option<Test> {
    let asked = [
        condition.is.clone().map(|words| Asks::Is(words.0)),
        condition.is_not.clone().map(|words| Asks::IsNot(words.0)),
        condition
            .contains
            .clone()
            .map(|words| Asks::Contains(words.0)),
        condition.exists.map(Asks::Exists),
    ];
    let mut asked: Vec<Asks> = asked.into_iter().flatten().collect();
    if asked.len() != 1 {
        problems.add(
            path,
            "give exactly one of `is`, `is_not`, `contains` and `exists`",
        );
        return None;
    }
    if schema.field(&condition.field).is_none() {
        let names = schema.fields.iter().map(|field| field.name.as_str());
        let message = format!("there is no field `{}`", condition.field);
        match nearest(&condition.field, names) {
            Some(name) => {
                problems.hint(
                    &format!("{path}.field"),
                    message,
                    format!("did you mean `{name}`?"),
                );
            }
            None => problems.add(&format!("{path}.field"), message),
        }
        return None;
    }
    let mut asks = asked.pop()?;
    if let Asks::Is(words) | Asks::IsNot(words) | Asks::Contains(words) = &mut asks {
        for word in words {
            *word = folded(word);
        }
    }
    Some(Test {
        field: FieldName::from(condition.field.as_str()),
        asks,
    })
}

impl Test {
    fn holds(&self, fields: &Fields) -> Option<bool> {
        let field = fields.get(self.field.as_str());
        if !field.is_known() {
            return None;
        }
        let words = words(field);
        let any = |wanted: &[String]| words.iter().any(|word| wanted.contains(word));
        Some(match &self.asks {
            Asks::Is(wanted) => any(wanted),
            Asks::IsNot(wanted) => !any(wanted),
            Asks::Contains(wanted) => {
                let text = matches!(field.value(), Some(Value::Text(_)));
                any(wanted)
                    || (text
                        && words
                            .iter()
                            .any(|word| wanted.iter().any(|part| word.contains(part.as_str()))))
            }
            Asks::Exists(wanted) => field.value().is_some() == *wanted,
        })
    }
}

fn words(field: &Field) -> Vec<String> {
    let Some(value) = field.value() else {
        return Vec::new();
    };
    match value {
        Value::Text(text) => vec![folded(text)],
        Value::Set(set) => set.iter().map(|element| folded(element)).collect(),
        Value::Boolean(boolean) => vec![boolean.to_string()],
        Value::Number(number) => vec![number.normalize().to_string()],
        Value::Date(day) => vec![day.to_string()],
        Value::Instant(instant) => vec![folded(&instant.to_string())],
        Value::Points(points) => points.iter().map(|point| folded(&point.value)).collect(),
    }
}
