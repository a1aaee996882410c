//! The contacts of one location, and the search index that lags behind them.
//!
//! Reads by id and duplicate checks see a write at once. Search and listing see what the index holds: each version of
//! a contact becomes visible some time after it was written, so an answer may carry old values, miss a new contact or
//! still hold a deleted one.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::contact::{Contact, ContactId};
use crate::looks::Looks;

/// The place of a contact in its store; never reused.
pub(crate) type Slot = u32;

/// All contacts of one location, deleted ones included.
#[derive(Debug, Default)]
pub(crate) struct Store {
    contacts: Vec<Contact>,
    by_id: HashMap<ContactId, Slot>,
    keys: Keys,
    alive: usize,

    // The search index.
    by_added: BTreeSet<(i64, Slot)>,
    by_updated: BTreeSet<(i64, Slot)>,
    pending: HashMap<Slot, Pending>,
    queue: BTreeMap<(i64, u64), Slot>,
    queued: u64,
    generation: u64,
    looks: Looks,
}

/// What the index still has to learn of one contact.
#[derive(Debug)]
struct Pending {
    /// The version that the index shows; none for a contact it does not know yet.
    shown: Option<Box<Contact>>,
    /// Versions on their way; `None` stands for the present one.
    coming: VecDeque<Option<Box<Contact>>>,
}

impl Store {
    pub(crate) fn get(&self, slot: Slot) -> &Contact {
        self.looks.one();
        &self.contacts[slot as usize]
    }

    /// How many contacts were looked at since the location was opened.
    pub(crate) fn looked_at(&self) -> u64 {
        self.looks.count()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Slot> {
        self.by_id.get(&ContactId::parse(id)?).copied()
    }

    /// Every contact, deleted ones included, in the order of creation.
    pub(crate) fn all(&self) -> &[Contact] {
        self.looks.many(self.contacts.len());
        &self.contacts
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive
    }

    /// Contacts, not deleted, with this e-mail address in any case, primary or not.
    pub(crate) fn with_email<'s>(&'s self, email: &str) -> impl Iterator<Item = Slot> + use<'s> {
        let email = email.to_lowercase();
        self.keys.slots(&email).filter(move |slot| {
            let contact = self.get(*slot);
            contact.deleted.is_none() && contact.emails().any(|own| own.to_lowercase() == email)
        })
    }

    /// Contacts, not deleted, with this phone number, primary or not.
    pub(crate) fn with_phone<'s>(&'s self, phone: &str) -> impl Iterator<Item = Slot> + use<'s> {
        let phone = phone.to_owned();
        self.keys.slots(&phone).filter(move |slot| {
            let contact = self.get(*slot);
            contact.deleted.is_none() && contact.phones().any(|own| own == phone)
        })
    }

    /// Slots that may have this e-mail address (lower case) or phone number in any version that is still shown.
    pub(crate) fn candidates(&self, key: &str) -> Vec<Slot> {
        self.keys.slots(key).collect()
    }

    /// Adds a contact, visible in the index at a time.
    pub(crate) fn insert(&mut self, contact: Contact, visible: Visible) -> Slot {
        let slot = Slot::try_from(self.contacts.len()).expect("fewer than four billion contacts");
        self.by_id.insert(contact.id, slot);
        self.keys.add(&contact, slot);
        self.alive += usize::from(contact.deleted.is_none());
        self.contacts.push(contact);
        match visible {
            Visible::Now => {
                self.generation += 1;
                self.index(slot);
            }
            Visible::At(at_ms) => {
                self.pending.insert(
                    slot,
                    Pending {
                        shown: None,
                        coming: VecDeque::from([None]),
                    },
                );
                self.enqueue(at_ms, slot);
            }
        }
        slot
    }

    /// Replaces a contact by a new version, visible in the index at a time.
    pub(crate) fn replace(&mut self, slot: Slot, contact: Contact, visible: Visible) {
        self.keys.add(&contact, slot);
        let before = std::mem::replace(&mut self.contacts[slot as usize], contact);
        let now = &self.contacts[slot as usize];
        self.alive += usize::from(now.deleted.is_none());
        self.alive -= usize::from(before.deleted.is_none());
        match (self.pending.get_mut(&slot), visible) {
            (None, Visible::Now) => {
                self.generation += 1;
                self.unindex(&before, slot);
                self.index(slot);
                self.retire(&before, slot);
            }
            (None, Visible::At(at_ms)) => {
                let coming = VecDeque::from([None]);
                self.pending.insert(
                    slot,
                    Pending {
                        shown: Some(Box::new(before)),
                        coming,
                    },
                );
                self.enqueue(at_ms, slot);
            }
            (Some(pending), visible) => {
                if let Some(last) = pending.coming.back_mut() {
                    *last = Some(Box::new(before));
                }
                pending.coming.push_back(None);
                let at_ms = match visible {
                    Visible::Now => i64::MIN,
                    Visible::At(at_ms) => at_ms,
                };
                self.enqueue(at_ms, slot);
            }
        }
    }

    /// Lets the index learn everything that is due.
    pub(crate) fn refresh(&mut self, now_ms: i64) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > now_ms {
                return;
            }
            let slot = entry.remove();
            let Some(mut pending) = self.pending.remove(&slot) else {
                continue;
            };
            self.generation += 1;
            let next = pending.coming.pop_front().flatten();
            let shown = pending.shown.take();
            if let Some(shown) = &shown {
                self.unindex(shown, slot);
            }
            if let Some(next) = next {
                self.index_version(&next, slot);
                pending.shown = Some(next);
                self.pending.insert(slot, pending);
            } else {
                self.index(slot);
            }
            if let Some(shown) = shown {
                self.retire(&shown, slot);
            }
        }
    }

    /// What the index shows of a contact; none where it shows nothing.
    pub(crate) fn shown(&self, slot: Slot) -> Option<&Contact> {
        let version = match self.pending.get(&slot) {
            Some(pending) => pending.shown.as_deref()?,
            None => self.get(slot),
        };
        version.deleted.is_none().then_some(version)
    }

    /// Everything the index shows, by creation time.
    pub(crate) fn by_added(&self) -> &BTreeSet<(i64, Slot)> {
        &self.by_added
    }

    /// Everything the index shows, by time of the last change.
    pub(crate) fn by_updated(&self) -> &BTreeSet<(i64, Slot)> {
        &self.by_updated
    }

    /// Moves whenever the index shows something else than before.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    fn enqueue(&mut self, at_ms: i64, slot: Slot) {
        self.queued += 1;
        self.queue.insert((at_ms, self.queued), slot);
    }

    fn index(&mut self, slot: Slot) {
        let contact = &self.contacts[slot as usize];
        if contact.deleted.is_none() {
            self.by_added.insert((contact.date_added, slot));
            self.by_updated.insert((contact.date_updated, slot));
        }
    }

    fn index_version(&mut self, version: &Contact, slot: Slot) {
        if version.deleted.is_none() {
            self.by_added.insert((version.date_added, slot));
            self.by_updated.insert((version.date_updated, slot));
        }
    }

    fn unindex(&mut self, version: &Contact, slot: Slot) {
        self.by_added.remove(&(version.date_added, slot));
        self.by_updated.remove(&(version.date_updated, slot));
    }

    /// Forgets the lookup keys of a version that nothing shows any more.
    fn retire(&mut self, version: &Contact, slot: Slot) {
        let current = &self.contacts[slot as usize];
        let shown = self.pending.get(&slot);
        let versions = || {
            let coming = shown
                .into_iter()
                .flat_map(|pending| pending.coming.iter().flatten());
            let shown = shown.and_then(|pending| pending.shown.as_ref());
            std::iter::once(current)
                .chain(shown.into_iter().chain(coming).map(|version| &**version))
        };
        let mut gone: Vec<String> = Vec::new();
        for email in version.emails().map(str::to_lowercase) {
            if !versions().any(|other| other.emails().any(|own| own.to_lowercase() == email)) {
                gone.push(email);
            }
        }
        for phone in version.phones() {
            if !versions().any(|other| other.phones().any(|own| own == phone)) {
                gone.push(phone.to_owned());
            }
        }
        for key in gone {
            self.keys.remove(&key, slot);
        }
    }
}

/// When the index may show a write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Visible {
    /// At once.
    Now,
    /// At a time in milliseconds since 1970.
    At(i64),
}

/// From a hash of an e-mail address or phone number to the contacts that may have it. A hash is enough, because every
/// reader looks at the contact itself.
#[derive(Debug, Default)]
struct Keys {
    hasher: RandomState,
    slots: HashMap<u64, Slots>,
}

#[derive(Debug)]
enum Slots {
    One(Slot),
    Many(Vec<Slot>),
}

impl Keys {
    fn slots<'k>(&'k self, key: &str) -> impl Iterator<Item = Slot> + use<'k> {
        let slots: &[Slot] = match self.slots.get(&self.hasher.hash_one(key)) {
            None => &[],
            Some(Slots::One(slot)) => std::slice::from_ref(slot),
            Some(Slots::Many(slots)) => slots,
        };
        slots.iter().copied()
    }

    fn add(&mut self, contact: &Contact, slot: Slot) {
        for email in contact.emails() {
            self.add_key(&email.to_lowercase(), slot);
        }
        for phone in contact.phones() {
            self.add_key(phone, slot);
        }
    }

    fn add_key(&mut self, key: &str, slot: Slot) {
        let entry = self
            .slots
            .entry(self.hasher.hash_one(key))
            .or_insert(Slots::One(slot));
        match entry {
            Slots::One(own) if *own == slot => {}
            Slots::One(own) => *entry = Slots::Many(vec![*own, slot]),
            Slots::Many(slots) if slots.contains(&slot) => {}
            Slots::Many(slots) => slots.push(slot),
        }
    }

    fn remove(&mut self, key: &str, slot: Slot) {
        let hash = self.hasher.hash_one(key);
        match self.slots.get_mut(&hash) {
            Some(Slots::One(own)) if *own == slot => drop(self.slots.remove(&hash)),
            Some(Slots::Many(slots)) => slots.retain(|own| *own != slot),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::contact::{Creator, Field};
    use super::*;

    fn contact(number: u8, email: &str) -> Contact {
        let mut contact = Contact::new(
            ContactId::new([b'a' + number; 20]),
            i64::from(number),
            Creator::Import,
        );
        contact.set_text(Field::Email, Some(email));
        contact
    }

    #[test]
    fn the_index_shows_each_version_when_it_is_due() {
        let mut store = Store::default();
        let slot = store.insert(contact(0, "one@x.de"), Visible::At(10));
        assert!(store.shown(slot).is_none());
        assert_eq!(
            store.with_email("ONE@x.de").count(),
            1,
            "reads by key see it at once"
        );
        store.replace(slot, contact(0, "two@x.de"), Visible::At(15));
        store.replace(slot, contact(0, "three@x.de"), Visible::At(20));
        let email = |store: &Store| {
            store
                .shown(slot)
                .and_then(|shown| shown.text(Field::Email))
                .map(str::to_owned)
        };
        store.refresh(10);
        assert_eq!(email(&store).as_deref(), Some("one@x.de"));
        store.refresh(15);
        assert_eq!(email(&store).as_deref(), Some("two@x.de"));
        store.refresh(20);
        assert_eq!(email(&store).as_deref(), Some("three@x.de"));
        assert!(store.candidates("one@x.de").is_empty());
        assert_eq!(store.candidates("three@x.de"), [slot]);
    }

    #[test]
    fn a_deleted_contact_stays_shown_until_the_index_learns_it() {
        let mut store = Store::default();
        let slot = store.insert(contact(0, "one@x.de"), Visible::Now);
        let mut gone = store.get(slot).clone();
        gone.deleted = Some(5);
        store.replace(slot, gone, Visible::At(7));
        assert!(store.shown(slot).is_some());
        assert_eq!((store.alive(), store.by_added().len()), (0, 1));
        store.refresh(7);
        assert!(store.shown(slot).is_none());
        assert_eq!(store.by_added().len(), 0);
    }
}
