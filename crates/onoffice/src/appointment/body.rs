//! The parameters of a write.

use connector::Refusal;
use jiff::Timestamp;
use record::{Access, Field, FieldName, Fields, Schema, Value};
use serde_json::{Map, Value as Json, json};

use super::{CONTACT, END, START, WHOLE_DAYS};
use crate::{
    value::{self, Writing},
    wall::Wall,
};

/// For a new appointment.
pub(super) fn create(
    fields: &Fields,
    schema: &Schema,
    wall: &Wall,
) -> Result<Map<String, Json>, Refusal> {
    let given: Fields = fields
        .iter()
        .filter(|(_, field)| field.value().is_some())
        .map(|(name, field)| (name.clone(), field.clone()))
        .collect();
    let mut parameters = rest(&given, schema, wall, Writing::Create)?;
    times(
        &mut parameters,
        instant(&given, START),
        instant(&given, END),
        wall,
    );
    Ok(parameters)
}

/// For what changes. Begin and end go together: whether they make whole days shows only in both.
pub(super) fn update(
    set: &Fields,
    current: &Fields,
    schema: &Schema,
    wall: &Wall,
) -> Result<Map<String, Json>, Refusal> {
    let mut parameters = rest(set, schema, wall, Writing::Modify)?;
    if [START, END].iter().any(|name| set.get(name).is_known()) {
        let of = |name| instant(set, name).or_else(|| instant(current, name));
        times(&mut parameters, of(START), of(END), wall);
    }
    Ok(parameters)
}

fn instant(fields: &Fields, name: &str) -> Option<Timestamp> {
    match fields.get(name).value() {
        Some(Value::Instant(at)) => Some(*at),
        _ => None,
    }
}

/// Everything but the times.
fn rest(
    set: &Fields,
    schema: &Schema,
    wall: &Wall,
    writing: Writing,
) -> Result<Map<String, Json>, Refusal> {
    let (mut data, mut beside) = (Map::new(), Map::new());
    for (name, field) in set.iter() {
        let spec = schema
            .field(name.as_str())
            .ok_or_else(|| unfit(name, "appointments have no such field"))?;
        if spec.capability.access != Access::ReadWrite {
            return Err(unfit(name, "it cannot be written"));
        }
        match name.as_str() {
            START | END if *field == Field::Empty => {
                return Err(unfit(name, "it cannot be emptied"));
            }
            START | END => {}
            CONTACT => {
                let ids: Vec<u64> = match field.text() {
                    Some(id) => vec![
                        id.trim()
                            .parse()
                            .map_err(|_| unfit(name, "it is no record number"))?,
                    ],
                    None => Vec::new(),
                };
                beside.insert("relatedAddressIds".to_owned(), json!(ids));
                // a modify adds to what is there, unless it says otherwise (documented)
                if writing == Writing::Modify {
                    beside.insert("replaceAddressIds".to_owned(), json!(true));
                }
            }
            _ => {
                let spelt =
                    value::write(spec, field, wall, writing).map_err(|why| unfit(name, &why))?;
                data.insert(name.to_string(), spelt);
            }
        }
    }
    beside.insert("data".to_owned(), Json::Object(data));
    Ok(beside)
}

/// Keeps the guests of an appointment whose contact changes. The contact is who has the lowest number, so that with
/// guests not everybody can become it.
pub(super) fn with_guests(
    parameters: &mut Map<String, Json>,
    guests: Vec<u64>,
) -> Result<(), Refusal> {
    let contact = parameters
        .get("relatedAddressIds")
        .and_then(|ids| ids.get(0))
        .and_then(Json::as_u64);
    let name = FieldName::from(CONTACT);
    match (contact, guests.first()) {
        (_, None) => return Ok(()),
        (Some(contact), Some(lowest)) if contact <= *lowest => {}
        _ => {
            let why = format!(
                "the appointment has {} more addresses, and which of them is the contact cannot be said by API: change \
                 them in onOffice",
                guests.len()
            );
            return Err(unfit(&name, &why));
        }
    }
    let all: Vec<u64> = contact.into_iter().chain(guests).collect();
    parameters.insert("relatedAddressIds".to_owned(), json!(all));
    Ok(())
}

fn unfit(name: &FieldName, why: &str) -> Refusal {
    Refusal {
        code: "not sent".into(),
        message: format!("{name}: {why}"),
        fields: vec![name.clone()],
    }
}

/// Begin and end by the wall clock: whole days where both are midnights.
fn times(
    parameters: &mut Map<String, Json>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    wall: &Wall,
) {
    let Some(Json::Object(data)) = parameters.get_mut("data") else {
        return;
    };
    let days = start
        .zip(end)
        .filter(|(start, end)| start < end)
        .and_then(|(start, end)| Some((wall.day_begun(start)?, wall.day_begun(end)?)))
        .and_then(|(first, after)| Some((first, after.yesterday().ok()?)));
    match days {
        Some((first, last)) => {
            data.insert(START.to_owned(), json!(format!("{first} 00:00:00")));
            data.insert(END.to_owned(), json!(format!("{last} 23:59:59")));
            data.insert(WHOLE_DAYS.to_owned(), json!(true));
        }
        None => {
            for (name, at) in [(START, start), (END, end)] {
                if let Some(at) = at {
                    data.insert(name.to_owned(), json!(wall.write(at)));
                }
            }
            data.insert(WHOLE_DAYS.to_owned(), json!(false));
        }
    }
}
