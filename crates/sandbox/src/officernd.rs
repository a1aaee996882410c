//! The simulated OfficeRnD (Flex, public API v2): tokens, members, companies, memberships, opportunities, what they refer to, and
//! signed events.
//!
//! It follows the vendor's reference of February 2026 and what others measured on live accounts; where they disagree, or nothing is
//! known, there is a switch.
//!
//! * `token` is the identity server; `gate` lets a request in or not: token, limits, organization, scope.
//! * `fields` is the whitelist of each body that `shape` checks, `query` that of each list; `errors` says no in the vendor's shapes.
//! * `record` and `kind` keep objects; `listing` finds them, `show` and `v1` show them, `status` calculates their status.
//! * `writes` is the one place where an object changes, whoever changes it; `webhooks` tells the subscriptions.
//! * `things` is everything that is not in sync: one engine, a line per call, and the same questions, pages and bodies.
//! * `older` is what there is of API v1; `unsimulated` names the calls of v2 that are not here.
//! * `acts` and `account` are what a person does in the vendor's UI and settings; `seed` fills the account.

mod account;
mod acts;
mod errors;
mod fields;
mod gate;
mod happenings;
mod kind;
mod limits;
mod listing;
mod older;
mod query;
mod record;
mod routes;
mod seed;
mod shape;
mod show;
mod status;
mod switch;
mod switches;
mod things;
mod token;
mod unsimulated;
mod v1;
mod webhooks;
mod writes;

pub use kind::Kind;
pub use record::Record;
pub(crate) use switches::SWITCHES;

use serde_json::{Value, json};

use self::limits::Limits;
use self::record::Table;
use self::token::{Application, Tokens};
use crate::core::Core;
use crate::counts::Access;
use crate::system::System;
use crate::vendor::{ActError, Answer, Call, Operation, Vendor};

/// All that the simulated OfficeRnD holds.
#[derive(Debug)]
pub struct State {
    organization_id: String,
    organization_name: String,
    slug: String,
    applications: Vec<Application>,
    tokens: Tokens,
    limits: Limits,
    tables: [Table; Kind::ALL.len()],
    things: things::Things,
    /// The user behind every act of a person.
    person_id: Box<str>,
    /// The middle of every id, and how many were made.
    id_part: [u8; 5],
    ids: u32,
    events_sent: i64,
    seeded: i64,
}

impl State {
    /// The organization's name in paths.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Every object of a kind in the order of creation, deleted ones included.
    #[must_use]
    pub fn all(&self, kind: Kind) -> &[Record] {
        self.table(kind).all()
    }

    /// One object, deleted or not.
    #[must_use]
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Record> {
        self.table(kind).ever(id)
    }

    /// How many stored objects were looked at since the start: an answer by index looks at few, a scan at all.
    #[must_use]
    pub fn looked_at(&self) -> u64 {
        self.tables.iter().map(Table::looked_at).sum()
    }

    fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// A new id: the time, a part of its own for each account, and a number that counts up.
    fn new_id(&mut self, core: &Core) -> String {
        self.ids += 1;
        let seconds = core.clock.now_ms().div_euclid(1000);
        let middle: String = self
            .id_part
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{:08x}{middle}{:06x}", seconds & 0xffff_ffff, self.ids)
    }
}

impl Vendor for State {
    fn operation(&self, call: &Call<'_>) -> Operation {
        let (route, access) = if call.path.trim_end_matches('/') == "/oauth/token" {
            ("/oauth/token", Access::SignIn)
        } else {
            match routes::template(call.method, call.path) {
                Some(row) if row.template.is_empty() => ("/", row.access()),
                Some(row) => (row.template, row.access()),
                None => match things::find(call.method, call.path) {
                    Some((row, _, _)) => (row.template, row.access()),
                    None => match older::find(call.method, call.path) {
                        Some((older, _, _)) => (older.template, older.access),
                        None => match unsimulated::find(call.method, call.path) {
                            Some(own) => (own.template, Access::Read),
                            None => ("(unknown)", Access::Read),
                        },
                    },
                },
            }
        };
        Operation {
            route,
            access,
            actions: Vec::new(),
        }
    }

    fn handle(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        self.answer(call, core)
    }

    fn seed(&mut self, records: &[Value], core: &Core) -> Result<Vec<String>, ActError> {
        records
            .iter()
            .map(|record| self.seed_member(record, core))
            .collect()
    }

    fn act(&mut self, act: &str, input: &Value, core: &Core) -> Result<Value, ActError> {
        self.perform(act, input, core)
    }

    fn dump(&self, core: &Core) -> Value {
        let now_ms = core.clock.now_ms();
        let mut dumped = json!({
            "system": System::OfficeRnd,
            "organization": {"_id": self.organization_id, "name": self.organization_name, "slug": self.slug},
            "applications": self.applications.iter().map(gate::application).collect::<Vec<_>>(),
        });
        dumped["things"] = self.things.dump();
        dumped["mails"] = self.things.mails();
        for kind in Kind::ALL {
            let name = match kind {
                Kind::Company => "companies".to_owned(),
                Kind::Property => "properties".to_owned(),
                Kind::Opportunity => "opportunities".to_owned(),
                Kind::OpportunityStatus => "opportunity_statuses".to_owned(),
                other => format!("{}s", other.word()),
            };
            let rows = self.all(kind).iter().map(|record| {
                let mut row = record.dump();
                if matches!(kind, Kind::Member | Kind::Company) {
                    let status = self.status(kind, record, now_ms);
                    row.insert("status".to_owned(), json!(status));
                }
                Value::Object(row)
            });
            dumped[name] = rows.collect();
        }
        dumped
    }

    fn reset(&mut self, core: &Core) {
        *self = Self::new(core);
    }
}
