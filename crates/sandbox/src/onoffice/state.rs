//! Everything that one simulated client (the vendor's word for a customer) holds.

use super::address::{Address, AddressId, Entry, Kind, Maker};
use super::book::Book;
use super::columns::Columns;
use super::errors::{Failure, fail_with};
use super::fields::{Field, FieldIndex, Fields, Value};
use super::local_time::{CivilSeconds, WallClock};
use super::log::{Log, LogAction};
use super::office;
use super::office::{Access, Group, Rights, SavedFilter, User};
use super::quirks::Quirks;
use super::read::QueryCache;
use super::records::Records;
use super::request::Caller;
use super::webhook::Webhook;

/// One onOffice client.
#[derive(Clone, Debug)]
pub struct State {
    fields: Fields,
    book: Book,
    accesses: Vec<Access>,
    users: Vec<User>,
    groups: Vec<Group>,
    filters: Vec<SavedFilter>,
    mandatory: Vec<String>,
    allowed_ips: Vec<String>,
    log: Log,
    wall: WallClock,
    queries: QueryCache,
    removed: Vec<Removed>,
    regenerated: u32,
    webhook: Option<Webhook>,
    records: Records,
}

/// An address that is gone.
#[derive(Clone, Debug)]
pub struct Removed {
    /// As it was at the end.
    pub address: Address,
    /// The address that swallowed it, if it was merged.
    pub merged_into: Option<AddressId>,
}

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Api(Caller),
    /// A user by number.
    Person(u32),
    Seed,
}

/// What a write did to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The module of the record.
    pub(crate) entity: &'static str,
    pub(crate) id: u32,
    pub(crate) kind: ChangeKind,
    /// Names of what changed; empty where nothing did.
    pub(crate) fields: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Create,
    Update,
    Delete,
    Merge,
    /// Nothing changed, but webhooks are to be told of the record.
    Announce,
    /// Nothing was touched.
    None,
}

impl Change {
    pub(crate) fn none(id: AddressId) -> Self {
        Self {
            entity: "address",
            id,
            kind: ChangeKind::None,
            fields: Vec::new(),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        let fields = Fields::standard();
        let surname = fields.index("Name").unwrap_or_default();
        Self {
            book: Book::new(surname),
            fields,
            accesses: vec![Access::first()],
            users: office::users(),
            groups: office::groups(),
            filters: Vec::new(),
            mandatory: Vec::new(),
            allowed_ips: Vec::new(),
            log: Log::default(),
            wall: WallClock::berlin(),
            queries: QueryCache::default(),
            removed: Vec::new(),
            regenerated: 0,
            webhook: None,
            records: Records::default(),
        }
    }
}

/// What a judge, a test or a demo may look at.
impl State {
    /// Every address that lives, archived ones included, ascending by id.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.book.iter()
    }

    /// How many stored addresses were looked at since the start: an answer by index looks at few, a scan at all.
    #[must_use]
    pub fn looked_at(&self) -> u64 {
        self.book.looked_at()
    }

    /// One address that lives.
    #[must_use]
    pub fn address(&self, id: AddressId) -> Option<&Address> {
        self.book.get(id)
    }

    /// Addresses that were deleted or merged away, in the order in which they went.
    #[must_use]
    pub fn removed(&self) -> &[Removed] {
        &self.removed
    }

    /// A plain value as a read without formatting shows it: keys, `0000-00-00` for no date, the German name of a country.
    #[must_use]
    pub fn shown(&self, address: &Address, field: &str) -> String {
        self.fields
            .index(field)
            .map_or_else(String::new, |index| address.shown(&self.fields, index))
    }

    /// The keys of a multiselect.
    #[must_use]
    pub fn keys<'a>(&self, address: &'a Address, field: &str) -> Vec<&'a str> {
        match self
            .fields
            .index(field)
            .and_then(|index| address.value(index))
        {
            Some(Value::Keys(keys)) => keys.iter().map(|key| &**key).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether an address is archived.
    #[must_use]
    pub fn is_archived(&self, address: &Address) -> bool {
        address.is_archived(&self.fields)
    }

    /// `Aenderung` as a read shows it.
    #[must_use]
    pub fn changed_at(&self, address: &Address) -> String {
        super::local_time::datetime(address.changed)
    }

    /// The fields of this client.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Token and secret of the API user, as its settings page shows them.
    #[must_use]
    pub fn credentials(&self) -> (&str, &str) {
        let access = &self.accesses[self.accesses.len() - 1];
        (&access.token, &access.secret)
    }

    /// How many records live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.book.ids().len()
    }

    /// Whether no record lives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.book.ids().is_empty()
    }
}

impl State {
    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    pub(crate) fn records_mut(&mut self) -> &mut Records {
        &mut self.records
    }

    /// The access that the settings page shows.
    pub(crate) fn newest_caller(&self) -> Caller {
        Caller(self.accesses.len() - 1)
    }

    pub(crate) fn wall(&self) -> &WallClock {
        &self.wall
    }

    pub(crate) fn columns<'a>(&'a self, quirks: &'a Quirks) -> Columns<'a> {
        Columns {
            fields: &self.fields,
            quirks,
        }
    }

    pub(crate) fn queries(&self) -> &QueryCache {
        &self.queries
    }

    pub(crate) fn queries_mut(&mut self) -> &mut QueryCache {
        &mut self.queries
    }

    pub(crate) fn next_entry(&mut self) -> u32 {
        self.book.next_entry()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(crate) fn filters(&self) -> &[SavedFilter] {
        &self.filters
    }

    pub(crate) fn mandatory(&self) -> &[String] {
        &self.mandatory
    }

    pub(crate) fn webhook(&self) -> Option<&Webhook> {
        self.webhook.as_ref()
    }

    pub(crate) fn allows_ip(&self, ip: &str) -> bool {
        self.allowed_ips.is_empty() || self.allowed_ips.iter().any(|allowed| allowed == ip)
    }

    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        self.accesses
            .iter()
            .rposition(|access| access.token == token)
            .map(Caller)
    }

    pub(crate) fn access(&self, caller: Caller) -> &Access {
        &self.accesses[caller.0]
    }

    pub(crate) fn rights(&self, caller: &Caller) -> &Rights {
        &self.accesses[caller.0].rights
    }

    pub(crate) fn user(&self, id: u32) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn login(&self, caller: &Caller) -> &str {
        self.user(self.access(*caller).user)
            .map_or("", |user| &user.login)
    }

    pub(crate) fn has_login(&self, login: &str) -> bool {
        self.users.iter().any(|user| user.login == login)
    }

    pub(crate) fn saved_filter(&self, id: i64) -> Option<&SavedFilter> {
        self.filters
            .iter()
            .find(|filter| i64::from(filter.id) == id)
    }

    /// Puts an address into the book, new or changed, writes the log, and says what changed.
    pub(crate) fn save(&mut self, who: Who, now: CivilSeconds, mut address: Address) -> Change {
        let id = address.id;
        let (kind, fields) = match self.book.get(id) {
            Some(before) => (ChangeKind::Update, self.differences(before, &address)),
            None => (
                ChangeKind::Create,
                self.differences(&self.book.draft(now), &address),
            ),
        };
        if kind == ChangeKind::Create {
            address.maker = match who {
                Who::Api(_) => Maker::Api,
                Who::Person(_) => Maker::Person,
                Who::Seed => Maker::Seed,
            };
            self.book.insert(address);
            self.note(who, now, LogAction::Add, "address", id);
        } else {
            self.book.replace(address);
            self.note(who, now, LogAction::Edit, "address", id);
        }
        Change {
            entity: "address",
            id,
            kind,
            fields,
        }
    }

    /// Takes an address out of the book.
    pub(crate) fn remove(
        &mut self,
        who: Who,
        now: CivilSeconds,
        id: AddressId,
        merged_into: Option<AddressId>,
    ) -> Option<Change> {
        let address = self.book.remove(id)?;
        self.removed.push(Removed {
            address,
            merged_into,
        });
        self.note(who, now, LogAction::Delete, "address", id);
        let kind = if merged_into.is_some() {
            ChangeKind::Merge
        } else {
            ChangeKind::Delete
        };
        self.records.address_is_gone(id, merged_into);
        Some(Change {
            entity: "address",
            id,
            kind,
            fields: Vec::new(),
        })
    }

    /// Writes the client's own log.
    pub(crate) fn note(
        &mut self,
        who: Who,
        now: CivilSeconds,
        action: LogAction,
        module: &'static str,
        id: u32,
    ) {
        let user = match who {
            Who::Api(caller) => self.access(caller).user,
            Who::Person(user) => user,
            Who::Seed => return,
        };
        self.log.add(user, now, action, module, id);
    }

    fn differences(&self, before: &Address, after: &Address) -> Vec<String> {
        let mut names = Vec::new();
        for (index, field) in (0..).zip(self.fields.iter()) {
            if filled(before, index) != filled(after, index) {
                names.push(field.name.clone());
            }
        }
        for kind in Kind::ALL {
            if !of_kind(before, kind).eq(of_kind(after, kind)) {
                names.push(kind.word().to_owned());
            }
        }
        names
    }
}

fn of_kind(address: &Address, kind: Kind) -> impl Iterator<Item = &Entry> {
    address
        .entries
        .iter()
        .filter(move |entry| entry.kind == kind)
}

/// A stored value, unless it is a multiselect that was cleared.
fn filled(address: &Address, index: FieldIndex) -> Option<&Value> {
    address
        .value(index)
        .filter(|value| !matches!(value, Value::Keys(keys) if keys.is_empty()))
}

/// What an administrator of the client changes.
impl State {
    pub(crate) fn put_field(&mut self, field: Field) {
        self.fields.put(field);
        self.queries.clear();
    }

    pub(crate) fn set_field_active(&mut self, name: &str, active: bool) -> bool {
        self.queries.clear();
        self.fields.set_active(name, active)
    }

    /// # Errors
    /// 141 for a field that does not exist.
    pub(crate) fn set_mandatory(&mut self, names: Vec<String>) -> Result<(), Failure> {
        if let Some(unknown) = names.iter().find(|name| self.fields.index(name).is_none()) {
            return Err(fail_with(141, unknown));
        }
        self.mandatory = names;
        Ok(())
    }

    pub(crate) fn set_webhook(&mut self, webhook: Option<Webhook>) {
        self.webhook = webhook;
    }

    pub(crate) fn set_allowed_ips(&mut self, ips: Vec<String>) {
        self.allowed_ips = ips;
    }

    pub(crate) fn current_access(&mut self) -> &mut Access {
        self.queries.clear();
        let last = self.accesses.len() - 1;
        &mut self.accesses[last]
    }

    /// A new token and a new secret for the API user; the old ones stop working.
    pub(crate) fn regenerate_access(&mut self) {
        self.regenerated += 1;
        let times = self.regenerated;
        let fresh = self.current_access().renewed(times);
        self.current_access().revoked = true;
        self.accesses.push(fresh);
    }

    pub(crate) fn user_mut(&mut self, login: &str) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.login == login)
    }

    pub(crate) fn save_filter(&mut self, name: &str, filter: serde_json::Value) -> u32 {
        let id = 101 + u32::try_from(self.filters.len()).unwrap_or(0);
        self.filters.push(SavedFilter {
            id,
            name: name.to_owned(),
            filter,
        });
        id
    }
}
