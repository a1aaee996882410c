//! Records of the modules beside addresses: their fields, their stamps, and how a list of them is filtered, sorted and cut.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::address::pipes;
use super::book::fold;
use super::columns::formatted;
use super::errors::{Failure, fail};
use super::fields::{Field, FieldIndex, FieldType, Fields, Value, store};
use super::filter::RowFilter;
use super::local_time::{CivilSeconds, Moment, date, datetime};
use super::quirks::Quirks;
use super::request::flag;

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: u32,
    values: BTreeMap<FieldIndex, Value>,
    pub(crate) created: CivilSeconds,
    pub(crate) changed: Moment,
    /// The number of the user who made it.
    pub(crate) maker: u32,
    /// What is no field: places, participants.
    pub(crate) beside: Map<String, Json>,
}

/// Which columns are not stored but follow from the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamps {
    pub(crate) id: &'static str,
    pub(crate) created: &'static str,
    pub(crate) changed: &'static str,
}

/// All records of one module.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// The module's word in the log of edits.
    pub(crate) entity: &'static str,
    fields: Fields,
    stamps: Stamps,
    rows: BTreeMap<u32, Row>,
    next: u32,
}

impl Table {
    /// An empty table whose ids begin at `first` and go up by 2.
    pub(crate) fn new(
        entity: &'static str,
        first: u32,
        stamps: Stamps,
        fields: impl IntoIterator<Item = Field>,
    ) -> Self {
        Self {
            entity,
            fields: Fields::of(fields),
            stamps,
            rows: BTreeMap::new(),
            next: first,
        }
    }

    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Row> {
        self.rows.get(&id)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.values()
    }

    /// A record with the next id that is not yet in the table.
    pub(crate) fn draft(&self, now: Moment, maker: u32) -> Row {
        Row {
            id: self.next,
            values: BTreeMap::new(),
            created: now.wall,
            changed: now,
            maker,
            beside: Map::new(),
        }
    }

    /// Puts a record into the table; the names of what changed, and whether it is new.
    pub(crate) fn put(&mut self, row: Row) -> (Vec<String>, bool) {
        let names = |index: &FieldIndex| self.fields.get(*index).name.clone();
        let before = self.rows.get(&row.id);
        let changed = match before {
            None => row.values.keys().map(names).collect(),
            Some(before) => {
                let mut indices: Vec<&FieldIndex> =
                    row.values.keys().chain(before.values.keys()).collect();
                indices.sort_unstable();
                indices.dedup();
                let mut changed: Vec<String> = indices
                    .into_iter()
                    .filter(|index| before.values.get(index) != row.values.get(index))
                    .map(names)
                    .collect();
                for (name, value) in &row.beside {
                    if before.beside.get(name) != Some(value) {
                        changed.push(name.clone());
                    }
                }
                changed
            }
        };
        let is_new = before.is_none();
        if is_new {
            self.next = row.id + 2;
        }
        self.rows.insert(row.id, row);
        (changed, is_new)
    }

    pub(crate) fn remove(&mut self, id: u32) -> Option<Row> {
        self.rows.remove(&id)
    }

    /// What a column holds; `None` where there is none.
    pub(crate) fn kind(&self, name: &str) -> Option<FieldType> {
        if name == self.stamps.id {
            return Some(FieldType::Integer);
        }
        Some(self.fields.get(self.fields.active(name)?).kind)
    }

    /// Writes a field.
    ///
    /// # Errors
    /// `unknown` where there is no such field, else what is wrong with the value.
    pub(crate) fn set(
        &self,
        row: &mut Row,
        name: &str,
        written: &Json,
        quirks: &Quirks,
        unknown: impl FnOnce() -> Failure,
    ) -> Result<(), Failure> {
        let index = self.fields.active(name).ok_or_else(unknown)?;
        // stamps and ids are accepted and have no effect
        if [self.stamps.id, self.stamps.created, self.stamps.changed].contains(&name) {
            return Ok(());
        }
        match store(self.fields.get(index), written, quirks)? {
            Some(value) => row.values.insert(index, value),
            None => row.values.remove(&index),
        };
        Ok(())
    }

    /// Writes text that needs no check.
    pub(crate) fn set_text(&self, row: &mut Row, name: &str, text: &str) {
        if let Some(index) = self.fields.index(name) {
            match text {
                "" => row.values.remove(&index),
                text => row.values.insert(index, Value::Text(text.into())),
            };
        }
    }

    /// The stored text of a column, as a read without formatting shows it.
    pub(crate) fn text(&self, row: &Row, name: &str) -> String {
        if name == self.stamps.id {
            return row.id.to_string();
        }
        let Some(index) = self.fields.index(name) else {
            return String::new();
        };
        let kind = self.fields.get(index).kind;
        let stamp = match name {
            _ if name == self.stamps.created => Some(row.created),
            _ if name == self.stamps.changed => Some(row.changed.wall),
            _ => None,
        };
        match (stamp, row.values.get(&index)) {
            (Some(at), _) if kind == FieldType::Date => date(at),
            (Some(at), _) => datetime(at),
            (None, Some(Value::Text(text))) => text.to_string(),
            (None, Some(Value::Keys(keys))) => pipes(keys),
            (None, None) => kind.empty().to_owned(),
        }
    }

    /// Whether a boolean field is set.
    pub(crate) fn is(&self, row: &Row, name: &str) -> bool {
        self.text(row, name) == "1"
    }

    /// The values of a column for filters.
    fn cell(&self, row: &Row, name: &str) -> Vec<String> {
        let stored = self
            .fields
            .index(name)
            .and_then(|index| row.values.get(&index));
        match stored {
            Some(Value::Keys(keys)) if !keys.is_empty() => {
                keys.iter().map(ToString::to_string).collect()
            }
            _ => vec![self.text(row, name)],
        }
    }

    /// A column as a read shows it.
    pub(crate) fn shown(&self, row: &Row, name: &str, labels: bool) -> Json {
        let Some(index) = self.fields.index(name) else {
            return json!(self.text(row, name));
        };
        let field = self.fields.get(index);
        match row.values.get(&index) {
            None if field.kind == FieldType::MultiSelect => Json::Null,
            Some(Value::Keys(keys)) if labels => {
                keys.iter().map(|key| json!(field.label_of(key))).collect()
            }
            _ if labels => {
                let text = self.text(row, name);
                json!(formatted(field.kind, field.label_of(&text)))
            }
            _ => json!(self.text(row, name)),
        }
    }

    /// The records that pass a filter, ascending by id.
    pub(crate) fn select<'a>(
        &'a self,
        filter: &RowFilter,
        also: impl Fn(&Row) -> bool,
    ) -> Vec<&'a Row> {
        self.iter()
            .filter(|row| also(row) && filter.matches(|name| self.cell(row, name)))
            .collect()
    }

    /// Sorts records as `sortby` and `sortorder` say.
    ///
    /// # Errors
    /// 212 for an unknown column.
    pub(crate) fn sort(
        &self,
        rows: &mut [&Row],
        quirks: &Quirks,
        parameters: &Map<String, Json>,
    ) -> Result<bool, Failure> {
        let mut columns: Vec<(&str, bool)> = Vec::new();
        let is_descending =
            |order: Option<&str>| order.is_some_and(|word| word.eq_ignore_ascii_case("desc"));
        match parameters.get("sortby") {
            Some(Json::Object(map)) => {
                for (name, order) in map {
                    columns.push((name, is_descending(order.as_str())));
                }
            }
            Some(Json::String(name)) if !name.is_empty() && quirks.sort_text_of_modules => {
                let order = parameters.get("sortorder").and_then(Json::as_str);
                columns.push((name, is_descending(order)));
            }
            _ => {}
        }
        for (name, descending) in columns.iter().rev() {
            let kind = self.kind(name).ok_or_else(|| fail(212))?;
            match kind {
                FieldType::Integer | FieldType::Float => rows.sort_by(|one, other| {
                    let number = |row: &Row| self.text(row, name).parse().unwrap_or(0.0_f64);
                    number(one).total_cmp(&number(other))
                }),
                _ => rows.sort_by_cached_key(|row| fold(&self.text(row, name))),
            }
            if *descending {
                rows.reverse();
            }
        }
        Ok(!columns.is_empty())
    }

    /// Everything of a record, for judges and tests.
    pub(crate) fn dumped(&self, row: &Row) -> Json {
        let mut fields: Map<String, Json> = self
            .fields
            .iter()
            .map(|field| (field.name.clone(), self.shown(row, &field.name, false)))
            .collect();
        for (name, value) in &row.beside {
            fields.insert(name.clone(), value.clone());
        }
        json!({"kind": self.entity, "id": row.id, "fields": fields, "deleted": false})
    }
}

/// Whether a read asks for labels.
pub(crate) fn wants_labels(parameters: &Map<String, Json>) -> bool {
    flag(parameters, "formatoutput")
}
