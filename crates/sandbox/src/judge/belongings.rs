//! Whether what belongs to people is the same in HighLevel and the system beside it: with onOffice tasks, notes with entries of
//! the activity log, and appointments; with OfficeRnD opportunities.
//!
//! Judged from what both hold: who belongs to whom, what is written, whether it is done, and when it is due. A task that
//! is done without a counterpart is none that is missing: nobody has to do it. Nor is an appointment that is cancelled.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::control::Control;
use crate::highlevel::State as HighLevel;
use crate::officernd::{Kind, State as OfficeRnd};
use crate::onoffice::State as OnOffice;
use crate::system::System;

/// What belongs to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belonging {
    /// HighLevel's tasks, and those of onOffice.
    Tasks,
    /// HighLevel's notes, and the entries of onOffice's activity log that are of this kind.
    Notes(&'static str),
    /// HighLevel's appointments, and those of onOffice's calendar.
    Appointments,
    /// HighLevel's opportunities, and those of OfficeRnD: open, or how they ended.
    Opportunities,
}

/// One of them as a system holds it.
#[derive(Debug, Default, PartialEq, Eq)]
struct One {
    /// The people it belongs to.
    of: Vec<String>,
    title: String,
    text: String,
    done: bool,
    /// To the minute, in the wall time of the onOffice client.
    due: String,
}

impl Control {
    /// What belongs to people in a system: whose each is, and what it is called; of a note, what it says.
    #[must_use]
    pub fn belongings(&self, system: System, what: Belonging) -> Vec<(String, String)> {
        let all: Vec<One> = match system {
            System::HighLevel => self
                .highlevel(|state| of_highlevel(state, what))
                .into_iter()
                .map(|(_, one)| one)
                .collect(),
            System::OnOffice => self
                .onoffice(|state| of_onoffice(state, what))
                .into_values()
                .collect(),
            System::OfficeRnd => self
                .officernd(|state| of_officernd(state, what))
                .into_values()
                .collect(),
        };
        all.into_iter()
            .flat_map(|one| {
                let said = match what {
                    Belonging::Notes(_) => one.text,
                    _ => one.title,
                };
                one.of.into_iter().map(move |of| (of, said.clone()))
            })
            .collect()
    }

    /// What is wrong between the two, in words. `people` and `pairs` are what was linked, HighLevel's ids first; an id of a
    /// task or note there is its own, without its contact's.
    #[must_use]
    pub fn judge_belongings(
        &self,
        what: Belonging,
        people: &[(String, String)],
        pairs: &[(String, String)],
    ) -> Vec<String> {
        let offset = |at: &str| self.onoffice(|state| in_wall_time(state, at));
        let left = self.highlevel(|state| of_highlevel(state, what));
        let left: BTreeMap<String, One> = left
            .into_iter()
            .map(|(id, one)| {
                let due = offset(&one.due);
                let text = match what {
                    Belonging::Appointments => offset(&one.text),
                    _ => one.text,
                };
                (id, One { due, text, ..one })
            })
            .collect();
        let right = match what {
            Belonging::Opportunities => self.officernd(|state| of_officernd(state, what)),
            _ => self.onoffice(|state| of_onoffice(state, what)),
        };
        let mut wrong = Vec::new();
        for (here, there) in pairs {
            let (Some(one), Some(other)) = (left.get(here), right.get(there)) else {
                wrong.push(format!("{here} or {there} is not there"));
                continue;
            };
            let together = people
                .iter()
                .any(|(contact, address)| one.of.contains(contact) && other.of.contains(address));
            if !together {
                wrong.push(format!(
                    "{here} and {there} belong to others: {one:?} {other:?}"
                ));
            }
            let said = |one: &One| {
                (
                    one.title.trim().to_owned(),
                    one.text.trim().to_owned(),
                    one.done,
                )
            };
            // without a day of its own one is due when the other says
            let day = other.due.is_empty() || one.due == other.due;
            if said(one) != said(other) || !day {
                wrong.push(format!("{here} and {there} differ: {one:?} {other:?}"));
            }
        }
        let paired: [BTreeSet<&String>; 2] = [
            pairs.iter().map(|(here, _)| here).collect(),
            pairs.iter().map(|(_, there)| there).collect(),
        ];
        let known: [BTreeSet<&String>; 2] = [
            people.iter().map(|(contact, _)| contact).collect(),
            people.iter().map(|(_, address)| address).collect(),
        ];
        for (at, held) in [&left, &right].into_iter().enumerate() {
            for (id, one) in held {
                let owned = one.of.iter().any(|owner| known[at].contains(owner));
                if owned && !one.done && !paired[at].contains(id) {
                    wrong.push(format!("{id} has no counterpart: {one:?}"));
                }
            }
        }
        wrong
    }
}

/// HighLevel's, due in its own words.
fn of_highlevel(state: &HighLevel, what: Belonging) -> Vec<(String, One)> {
    let kind = match what {
        Belonging::Tasks => "task",
        Belonging::Notes(_) => "note",
        Belonging::Appointments => "appointment",
        Belonging::Opportunities => "opportunity",
    };
    state
        .items_of(kind)
        .into_iter()
        .map(|(id, fields)| {
            let text = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default();
            let (title, said, done, due) = match what {
                Belonging::Tasks => {
                    let done = fields.get("completed") == Some(&Json::Bool(true));
                    (text("title"), text("body"), done, text("dueDate"))
                }
                Belonging::Notes(_) => ("", text("body"), false, ""),
                Belonging::Appointments => {
                    let cancelled = text("appointmentStatus") == "cancelled";
                    (text("title"), text("endTime"), cancelled, text("startTime"))
                }
                Belonging::Opportunities => (text("name"), text("status"), false, ""),
            };
            let one = One {
                of: vec![text("contactId").to_owned()],
                title: title.to_owned(),
                text: said.to_owned(),
                done,
                due: due.to_owned(),
            };
            (id, one)
        })
        .collect()
}

/// A moment in the wall time of the client, to the minute.
fn in_wall_time(state: &OnOffice, at: &str) -> String {
    let Ok(at) = at.parse() else {
        return String::new();
    };
    let wall = crate::onoffice::datetime_of(state, at);
    wall.get(..16).unwrap_or_default().to_owned()
}

fn of_onoffice(state: &OnOffice, what: Belonging) -> BTreeMap<String, One> {
    let records = state.records();
    let owners = |relation: &str, id: u32| -> Vec<String> {
        let ids = records.relations.below(relation, id);
        ids.iter().map(ToString::to_string).collect()
    };
    match what {
        Belonging::Tasks => records
            .tasks
            .iter()
            .map(|row| {
                let text = |name: &str| records.tasks.text(row, name);
                let counts = records.tasks.is(row, "Deadline_strikt");
                let one = One {
                    of: owners("task:address", row.id),
                    title: text("Betreff"),
                    text: text("Aufgabe"),
                    done: records.tasks.is(row, "erledigt")
                        || ["3", "5", "7"].contains(&text("Status").as_str()),
                    due: match counts {
                        true => text("Deadline").get(..16).unwrap_or_default().to_owned(),
                        false => String::new(),
                    },
                };
                (row.id.to_string(), one)
            })
            .collect(),
        Belonging::Notes(kind) => records
            .activities
            .iter()
            .filter(|row| records.activities.text(row, "Aktionsart") == kind)
            .map(|row| {
                let one = One {
                    of: owners("agentsLog:address", row.id),
                    text: records.activities.text(row, "Bemerkung"),
                    ..One::default()
                };
                (row.id.to_string(), one)
            })
            .collect(),
        Belonging::Appointments => records
            .appointments
            .iter()
            .map(|row| {
                let text = |name: &str| records.appointments.text(row, name);
                let minute = |name: &str| text(name).get(..16).unwrap_or_default().to_owned();
                let one = One {
                    of: owners("calendar:address", row.id),
                    title: text("description"),
                    text: minute("end_dt"),
                    done: records.appointments.is(row, "abgesagt"),
                    due: minute("start_dt"),
                };
                (row.id.to_string(), one)
            })
            .collect(),
        // it has none
        Belonging::Opportunities => BTreeMap::new(),
    }
}

/// OfficeRnD's statuses are known by their description only; those that every organisation has say how an opportunity ended.
fn of_officernd(state: &OfficeRnd, what: Belonging) -> BTreeMap<String, One> {
    if what != Belonging::Opportunities {
        return BTreeMap::new();
    }
    let living = state.all(Kind::Opportunity).iter();
    living
        .filter(|deal| deal.deleted_ms.is_none())
        .map(|deal| {
            let status = state.get(Kind::OpportunityStatus, deal.text("status"));
            let said = status.map_or("", |status| status.text("description"));
            let ended = ["won", "lost"]
                .into_iter()
                .find(|end| said == format!("System status for {end} opportunities"));
            let one = One {
                of: vec![deal.text("member").to_owned()],
                title: deal.text("name").to_owned(),
                text: ended.unwrap_or("open").to_owned(),
                ..One::default()
            };
            (deal.id.to_string(), one)
        })
        .collect()
}
