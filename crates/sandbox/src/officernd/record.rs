//! One stored object, and all objects of a kind with their indexes.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use serde_json::{Map, Value};

use super::kind::Kind;
use crate::edits::Actor;
use crate::looks::Looks;

/// One object. Fields carry the names of API v2; those that no answer shows start with `#`.
#[derive(Clone, Debug)]
pub struct Record {
    /// 24 hexadecimal digits.
    pub id: Box<str>,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970.
    pub modified_ms: i64,
    /// When it was deleted, in milliseconds since 1970.
    pub deleted_ms: Option<i64>,
    /// Who made it.
    pub maker: Actor,
    pub(super) created_by: Box<str>,
    pub(super) modified_by: Box<str>,
    fields: Vec<(&'static str, Value)>,
}

/// The parts of a time and an identity that every write leaves.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    pub(super) at_ms: i64,
    pub(super) actor: Actor,
    /// The id of the user behind it, which no call can look up.
    pub(super) by: Box<str>,
}

impl Record {
    pub(super) fn new(id: String, stamp: &Stamp, fields: Vec<(&'static str, Value)>) -> Self {
        Self {
            id: id.into(),
            created_ms: stamp.at_ms,
            modified_ms: stamp.at_ms,
            deleted_ms: None,
            maker: stamp.actor,
            created_by: stamp.by.clone(),
            modified_by: stamp.by.clone(),
            fields,
        }
    }

    /// A field as stored; none where it was never set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }

    /// A text field; "" where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A flag; false where there is none.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The custom properties.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.get("tags").and_then(Value::as_array);
        tags.into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        match self.fields.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = value,
            None => self.fields.push((name, value)),
        }
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.fields.retain(|(own, _)| *own != name);
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }

    /// The names of the fields whose values differ, in the vendor's spelling.
    pub(super) fn changes_from(&self, before: &Self) -> Vec<&'static str> {
        let set = self
            .fields()
            .filter(|(name, value)| before.get(name) != Some(value));
        let gone = before.fields().filter(|(name, _)| self.get(name).is_none());
        set.chain(gone).map(|(name, _)| name).collect()
    }

    /// Everything that is kept, for the control API.
    pub(super) fn dump(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("_id".to_owned(), Value::from(&*self.id));
        for (name, value) in self.fields() {
            shown.insert(name.to_owned(), value.clone());
        }
        let time = |at_ms: i64| Value::from(crate::clock::iso_millis(at_ms));
        shown.insert("createdAt".to_owned(), time(self.created_ms));
        shown.insert("modifiedAt".to_owned(), time(self.modified_ms));
        if let Some(at_ms) = self.deleted_ms {
            shown.insert("deletedAt".to_owned(), time(at_ms));
        }
        shown
    }
}

/// The place of an object among its kind; never reused.
pub(super) type Slot = u32;

/// All objects of one kind, deleted ones included.
#[derive(Debug)]
pub(super) struct Table {
    kind: Kind,
    records: Vec<Record>,
    by_id: HashMap<Box<str>, Slot>,
    living: BTreeSet<Slot>,
    by_modified: BTreeSet<(i64, Slot)>,
    /// From a hash of a field's name and text to who may have it; every reader looks at the object itself.
    keys: HashMap<u64, Vec<Slot>>,
    hasher: RandomState,
    looks: Looks,
}

impl Table {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            records: Vec::new(),
            by_id: HashMap::new(),
            living: BTreeSet::new(),
            by_modified: BTreeSet::new(),
            keys: HashMap::new(),
            hasher: RandomState::new(),
            looks: Looks::default(),
        }
    }

    pub(super) fn get(&self, slot: Slot) -> &Record {
        self.looks.one();
        &self.records[slot as usize]
    }

    /// How many objects were looked at since the account was opened.
    pub(super) fn looked_at(&self) -> u64 {
        self.looks.count()
    }

    /// Every object, deleted ones included, in the order of creation.
    pub(super) fn all(&self) -> &[Record] {
        self.looks.many(self.records.len());
        &self.records
    }

    /// The places of living objects in the order of creation.
    pub(super) fn living(&self) -> impl Iterator<Item = Slot> {
        self.living.iter().copied()
    }

    pub(super) fn first(&self) -> Option<&Record> {
        self.living.first().map(|slot| self.get(*slot))
    }

    /// The places of living objects that changed in a span of time (both ends included), the oldest change first.
    pub(super) fn modified(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = Slot> {
        // an empty span is no range to the tree
        let to_ms = to_ms.max(from_ms);
        self.by_modified
            .range((from_ms, 0)..=(to_ms, Slot::MAX))
            .map(|(_, slot)| *slot)
    }

    /// The place of a living object.
    pub(super) fn find(&self, id: &str) -> Option<Slot> {
        let slot = *self.by_id.get(id)?;
        self.get(slot).deleted_ms.is_none().then_some(slot)
    }

    pub(super) fn record(&self, id: &str) -> Option<&Record> {
        self.find(id).map(|slot| self.get(slot))
    }

    /// The place of an object, deleted or not.
    pub(super) fn ever(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id).map(|slot| self.get(*slot))
    }

    /// Living objects whose key field may have a text; the reader looks again.
    pub(super) fn candidates(&self, field: &str, text: &str) -> &[Slot] {
        self.keys
            .get(&self.hasher.hash_one((field, text)))
            .map_or(&[], Vec::as_slice)
    }

    /// Living objects whose key field has exactly this text.
    pub(super) fn with<'s>(
        &'s self,
        field: &'static str,
        text: &'s str,
    ) -> impl Iterator<Item = &'s Record> {
        self.candidates(field, text)
            .iter()
            .map(|slot| self.get(*slot))
            .filter(move |record| record.deleted_ms.is_none() && record.text(field) == text)
    }

    pub(super) fn insert(&mut self, record: Record) -> Slot {
        let slot = Slot::try_from(self.records.len()).expect("fewer than four billion objects");
        self.by_id.insert(record.id.clone(), slot);
        self.records.push(record);
        self.index(slot);
        slot
    }

    pub(super) fn replace(&mut self, slot: Slot, record: Record) {
        self.unindex(slot);
        self.records[slot as usize] = record;
        self.index(slot);
    }

    fn index(&mut self, slot: Slot) {
        let record = &self.records[slot as usize];
        if record.deleted_ms.is_some() {
            return;
        }
        self.living.insert(slot);
        self.by_modified.insert((record.modified_ms, slot));
        for hash in self.hashes(record) {
            self.keys.entry(hash).or_default().push(slot);
        }
    }

    fn unindex(&mut self, slot: Slot) {
        let record = &self.records[slot as usize];
        self.living.remove(&slot);
        self.by_modified.remove(&(record.modified_ms, slot));
        for hash in self.hashes(record) {
            if let Some(slots) = self.keys.get_mut(&hash) {
                slots.retain(|own| *own != slot);
                if slots.is_empty() {
                    self.keys.remove(&hash);
                }
            }
        }
    }

    fn hashes(&self, record: &Record) -> Vec<u64> {
        let fields = self
            .kind
            .keys()
            .iter()
            .map(|field| self.hasher.hash_one((*field, record.text(field))));
        let properties = record
            .properties()
            .filter_map(|(key, value)| Some(self.hasher.hash_one((key, value.as_str()?))));
        fields.chain(properties).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn member(id: &str, at_ms: i64, email: &str) -> Record {
        let stamp = Stamp {
            at_ms,
            actor: Actor::Seed,
            by: "u".into(),
        };
        let fields = vec![
            ("email", json!(email)),
            ("properties", json!({"crm id": "x1"})),
        ];
        Record::new(id.to_owned(), &stamp, fields)
    }

    #[test]
    fn indexes_follow_a_change_and_a_delete() {
        let mut table = Table::new(Kind::Member);
        let slot = table.insert(member("a", 1, "one@x.de"));
        table.insert(member("b", 2, "one@x.de"));
        assert_eq!(table.with("email", "one@x.de").count(), 2);
        assert_eq!(table.candidates("crm id", "x1").len(), 2);
        let mut changed = table.get(slot).clone();
        changed.set("email", json!("two@x.de"));
        changed.modified_ms = 9;
        assert_eq!(changed.changes_from(table.get(slot)), ["email"]);
        table.replace(slot, changed);
        assert_eq!(table.with("email", "one@x.de").count(), 1);
        assert_eq!(table.modified(0, 9).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(table.modified(3, 9).collect::<Vec<_>>(), [0]);
        assert_eq!(
            table.modified(9, 3).count(),
            1,
            "an empty span does not panic"
        );
        let mut gone = table.get(slot).clone();
        gone.deleted_ms = Some(10);
        table.replace(slot, gone);
        assert_eq!(table.find("a"), None);
        assert!(table.ever("a").is_some());
        assert_eq!(table.living().collect::<Vec<_>>(), [1]);
        assert_eq!(table.with("email", "two@x.de").count(), 0);
    }
}
