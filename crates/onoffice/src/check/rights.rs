//! What the API user may do with the records that are to be in sync. No call lists rights; but a read says whether anything is seen, and
//! `checkuserrecordsright` whether a record that is there may be changed (the vendor's page "Read user rights").

use connector::{Calls, Error};
use jiff::{SignedDuration, Timestamp};
use record::Entity;
use serde_json::{Value as Json, json};

use super::OPERATION;
use crate::{
    action::{Action, Verb},
    address::ADDRESS,
    answer::{Data, integer, text},
    codes::{Meaning, No, meaning},
    exchange::{self, unexpected},
    wall::Wall,
};

/// Half of the time in which an appointment is looked for.
const AROUND: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A module whose records are in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Module {
    resource: &'static str,
    /// As `checkuserrecordsright` calls it.
    name: &'static str,
    /// In the tab of the API user's rights.
    label: &'static str,
}

const ADDRESSES: Module = Module {
    resource: ADDRESS,
    name: "address",
    label: "Adressen",
};
const TASKS: Module = Module {
    resource: "task",
    name: "task",
    label: "Aufgaben",
};
const ENTRIES: Module = Module {
    resource: "agentslog",
    name: "agents_log",
    label: "Aktivitäten",
};
const APPOINTMENTS: Module = Module {
    resource: "calendar",
    name: "calendar",
    label: "Kalender",
};

fn module(entity: Entity) -> Option<Module> {
    match entity {
        Entity::Contact | Entity::Company => Some(ADDRESSES),
        Entity::Task => Some(TASKS),
        Entity::Note => Some(ENTRIES),
        Entity::Appointment => Some(APPOINTMENTS),
        Entity::Opportunity => None,
    }
}

/// Looks at each module of these entities. `address` is the row of the look at addresses, if there was one.
pub(super) async fn look(
    calls: &dyn Calls,
    entities: &[Entity],
    write: bool,
    address: Option<u64>,
    missing: &mut Vec<String>,
    remarks: &mut Vec<String>,
) -> Result<(), Error> {
    let mut modules: Vec<Module> = Vec::new();
    for module in entities.iter().copied().filter_map(module) {
        if !modules.contains(&module) {
            modules.push(module);
        }
    }
    let wall = Wall::of(calls.settings())?;
    let others: Vec<Module> = modules
        .iter()
        .copied()
        .filter(|module| *module != ADDRESSES)
        .collect();
    let mut actions: Vec<Action> = others
        .iter()
        .map(|module| one(*module, calls.now(), &wall))
        .collect();
    actions.push(Action::new(
        Verb::Get,
        "users",
        json!({"userfilter": "onlyOwn"}),
    ));
    let mut results = exchange::read(calls, OPERATION, &actions, 1).await?.results;
    let own = results
        .pop()
        .ok_or_else(|| unexpected(OPERATION, "no result"))?;
    let mut seen: Vec<(Module, u64)> = Vec::new();
    if modules.contains(&ADDRESSES) {
        seen.extend(address.map(|id| (ADDRESSES, id)));
    }
    for (module, result) in others.into_iter().zip(results) {
        match result {
            Ok(data) => match data.records.iter().find_map(|row| number(row.id.as_ref())) {
                Some(id) => seen.push((module, id)),
                None => remarks.push(format!(
                    "nothing is visible of {}: there may be none yet, or the API user lacks the right to read them (API-Benutzer → Rechte)",
                    module.label
                )),
            },
            Err(no) => refused(module, "read", &no, missing, remarks),
        }
    }
    // Somebody else's rights say nothing; a vendor that lists all says not who we are.
    let own = own.ok().and_then(|data| match data.records.as_slice() {
        [only] => number(only.id.as_ref()),
        _ => None,
    });
    match own {
        Some(own) if write && !seen.is_empty() => {
            may_change(calls, own, &seen, missing, remarks).await
        }
        _ => Ok(()),
    }
}

/// Asks for any one record.
fn one(module: Module, now: Timestamp, wall: &Wall) -> Action {
    let asked = match module.resource {
        "task" => json!({"data": ["Betreff"], "listlimit": 1}),
        "agentslog" => json!({"data": ["Aktionsart"], "listlimit": 1}),
        _ => {
            let at = |moment: Result<Timestamp, jiff::Error>| wall.write(moment.unwrap_or(now));
            json!({
                "data": ["description"],
                "datestart": at(now.checked_sub(AROUND)),
                "dateend": at(now.checked_add(AROUND)),
                "allusers": true,
            })
        }
    };
    Action::new(Verb::Read, module.resource, asked)
}

/// Asks of each of these records whether the API user may change it.
async fn may_change(
    calls: &dyn Calls,
    own: u64,
    seen: &[(Module, u64)],
    missing: &mut Vec<String>,
    remarks: &mut Vec<String>,
) -> Result<(), Error> {
    let actions: Vec<Action> = seen
        .iter()
        .map(|(module, id)| {
            Action::new(
                Verb::Get,
                "checkuserrecordsright",
                json!({"action": "modify", "module": module.name, "userid": own, "recordIds": [id]}),
            )
        })
        .collect();
    let reading = exchange::read(calls, OPERATION, &actions, seen.len()).await?;
    for ((module, id), result) in seen.iter().zip(reading.results) {
        match result {
            Ok(data) if !allows(&data, *id) => missing.push(format!(
                "the right of the API user to change {} (API-Benutzer → Rechte; record {id} may not be changed)",
                module.label
            )),
            Ok(_) => {}
            Err(no) => remarks.push(format!(
                "whether the API user may change {} cannot be asked: \"{}\" ({})",
                module.label, no.message, no.code
            )),
        }
    }
    Ok(())
}

fn refused(
    module: Module,
    what: &str,
    no: &No,
    missing: &mut Vec<String>,
    remarks: &mut Vec<String>,
) {
    if matches!(meaning(no.code), Meaning::Right | Meaning::GoneOrRight) {
        missing.push(format!("{}: {}", module.label, no.right()));
    } else {
        remarks.push(format!(
            "{} cannot be {what}: \"{}\" ({})",
            module.label, no.message, no.code
        ));
    }
}

/// Whether this record is among those that the answer names: a list, or an object that PHP made of one.
fn allows(data: &Data, id: u64) -> bool {
    data.records.iter().any(|row| {
        let listed = row.list.iter().flatten();
        listed
            .chain(row.elements.values())
            .filter_map(number_in)
            .any(|allowed| allowed == id)
    })
}

fn number(id: Option<&String>) -> Option<u64> {
    id?.parse().ok()
}

fn number_in(value: &Json) -> Option<u64> {
    integer(value)
        .and_then(|number| u64::try_from(number).ok())
        .or_else(|| text(value)?.trim().parse().ok())
}
