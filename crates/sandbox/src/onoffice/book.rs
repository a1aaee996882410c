//! All addresses of the client, with the indices that make a large book quick: by id, by contact entry, by surname, by last change.

use std::collections::{BTreeSet, HashMap};

use super::address::{Address, AddressId, Line};
use super::fields::{FieldIndex, Value};
use super::local_time::CivilSeconds;
use crate::looks::Looks;

/// Ids start here and go up in steps, so that they are neither positions nor customer numbers.
const FIRST_ID: AddressId = 1001;
const STEP: AddressId = 2;
const FIRST_ENTRY: u32 = 13_021;

/// The addresses and their indices.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    slots: Vec<Option<Box<Address>>>,
    /// Beside each slot, for each line, which characters its entries have between them.
    characters: Vec<[u64; Line::COUNT]>,
    ids: Vec<AddressId>,
    by_change: BTreeSet<(CivilSeconds, AddressId)>,
    by_entry: Index,
    by_surname: Index,
    surname: FieldIndex,
    next_entry: u32,
    generation: u64,
    looks: Looks,
}

type Index = HashMap<Box<str>, Vec<AddressId>>;

impl Book {
    /// An empty book; `surname` is the field whose equality is indexed.
    pub(crate) fn new(surname: FieldIndex) -> Self {
        Self {
            slots: Vec::new(),
            characters: Vec::new(),
            ids: Vec::new(),
            by_change: BTreeSet::new(),
            by_entry: HashMap::new(),
            by_surname: HashMap::new(),
            surname,
            next_entry: FIRST_ENTRY,
            generation: 0,
            looks: Looks::default(),
        }
    }

    /// An address that is not yet in the book, with the next id and customer number.
    pub(crate) fn draft(&self, now: CivilSeconds) -> Address {
        let position = u32::try_from(self.slots.len()).expect("fewer than 2^31 addresses");
        Address::new(FIRST_ID + position * STEP, position + 1, now)
    }

    /// The id for the next contact entry.
    pub(crate) fn next_entry(&mut self) -> u32 {
        self.next_entry += 1;
        self.next_entry
    }

    /// Puts a [draft](Self::draft) into the book.
    pub(crate) fn insert(&mut self, address: Address) {
        self.ids.push(address.id);
        self.slots.push(None);
        self.characters.push([0; Line::COUNT]);
        self.index(&address);
        self.put(address);
    }

    /// Replaces the stored state of an address that is in the book.
    pub(crate) fn replace(&mut self, address: Address) {
        if let Some(old) = self.take(address.id) {
            self.unindex(&old);
        }
        self.index(&address);
        self.put(address);
    }

    /// Takes an address out for good.
    pub(crate) fn remove(&mut self, id: AddressId) -> Option<Address> {
        let old = self.take(id)?;
        self.unindex(&old);
        if let Ok(place) = self.ids.binary_search(&id) {
            self.ids.remove(place);
        }
        self.generation += 1;
        Some(*old)
    }

    pub(crate) fn get(&self, id: AddressId) -> Option<&Address> {
        self.looks.one();
        self.slots.get(place(id)?)?.as_deref()
    }

    /// All live ids, ascending.
    pub(crate) fn ids(&self) -> &[AddressId] {
        &self.ids
    }

    /// Every address, ascending by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Address> {
        let found = self.slots.iter().filter_map(Option::as_deref);
        found.inspect(|_| self.looks.one())
    }

    /// How many addresses were looked at since the book was opened.
    pub(crate) fn looked_at(&self) -> u64 {
        self.looks.count()
    }

    /// Ids with a contact entry that reads the same but for case and spaces at its end; in no particular order.
    pub(crate) fn with_entry(&self, value: &str) -> &[AddressId] {
        self.by_entry
            .get(fold(value).as_str())
            .map_or(&[], Vec::as_slice)
    }

    /// Ids whose entries of a line could match an SQL pattern, already folded; a few could not after all. Ascending.
    pub(crate) fn perhaps_like(
        &self,
        line: Line,
        pattern: &str,
    ) -> impl Iterator<Item = AddressId> + '_ {
        let literal: String = pattern
            .chars()
            .filter(|each| !['%', '_'].contains(each))
            .collect();
        let wanted = character_set(&literal);
        (0..)
            .zip(&self.characters)
            .filter(move |(_, characters)| characters[line as usize] & wanted == wanted)
            .map(|(position, _)| FIRST_ID + position * STEP)
    }

    /// Ids with this surname, compared as above.
    pub(crate) fn with_surname(&self, value: &str) -> &[AddressId] {
        self.by_surname
            .get(fold(value).as_str())
            .map_or(&[], Vec::as_slice)
    }

    /// Ids changed at or after a moment, oldest change first.
    pub(crate) fn changed_since(
        &self,
        from: CivilSeconds,
    ) -> impl DoubleEndedIterator<Item = AddressId> + '_ {
        self.by_change.range((from, 0)..).map(|(_, id)| *id)
    }

    /// Moves with every change of the book.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    fn put(&mut self, address: Address) {
        self.generation += 1;
        let place = place(address.id).expect("ids of drafts have a place");
        let mut characters = [0; Line::COUNT];
        for entry in &address.entries {
            characters[entry.kind.line() as usize] |= character_set(&fold(&entry.value));
        }
        self.characters[place] = characters;
        self.slots[place] = Some(Box::new(address));
    }

    fn take(&mut self, id: AddressId) -> Option<Box<Address>> {
        self.slots.get_mut(place(id)?)?.take()
    }

    fn index(&mut self, address: &Address) {
        self.by_change.insert((address.changed, address.id));
        for key in entry_keys(address) {
            add(&mut self.by_entry, key, address.id);
        }
        if let Some(key) = self.surname_key(address) {
            add(&mut self.by_surname, key, address.id);
        }
    }

    fn unindex(&mut self, address: &Address) {
        self.by_change.remove(&(address.changed, address.id));
        for key in entry_keys(address) {
            drop_from(&mut self.by_entry, &key, address.id);
        }
        if let Some(key) = self.surname_key(address) {
            drop_from(&mut self.by_surname, &key, address.id);
        }
    }

    fn surname_key(&self, address: &Address) -> Option<String> {
        match address.value(self.surname) {
            Some(Value::Text(text)) => Some(fold(text)),
            _ => None,
        }
    }
}

fn place(id: AddressId) -> Option<usize> {
    let distance = id.checked_sub(FIRST_ID)?;
    (distance % STEP == 0).then_some((distance / STEP) as usize)
}

/// Which characters occur in a text, each as one of 64 bits; several share a bit.
fn character_set(text: &str) -> u64 {
    text.chars()
        .fold(0, |set, each| set | 1 << (u32::from(each) % 64))
}

fn entry_keys(address: &Address) -> impl Iterator<Item = String> + '_ {
    address.entries.iter().map(|entry| fold(&entry.value))
}

fn add(index: &mut Index, key: String, id: AddressId) {
    let ids = index.entry(key.into()).or_default();
    if !ids.contains(&id) {
        ids.push(id);
    }
}

fn drop_from(index: &mut Index, key: &str, id: AddressId) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|known| *known != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// Text as comparisons see it: without case and without spaces at its end, as the database behind it compares.
pub(crate) fn fold(text: &str) -> String {
    text.trim_end().to_lowercase()
}
