//! Calendars beyond keeping them: booking, what lies between two moments, free times, groups, notifications.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::super::State;
use super::super::errors;
use super::super::gate::Admitted;
use super::table::{APPOINTMENT, BLOCK, CALENDAR, GROUP, SCHEDULE, own_id};
use super::{Answered, Item, Kind, Row, missing, paged, wrapped};
use crate::vendor::Answer;

/// An appointment without an end takes as long as its calendar's slots, or this.
const USUAL_MINUTES: i64 = 30;
/// Calendars without opening hours are open from and until this hour of the account's day.
const OPEN: (i8, i8) = (9, 17);
/// Free times are told for at most so many days.
const MOST_DAYS: i64 = 31;

/// A moment in any of the forms in which the API says one.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(millis) => Timestamp::from_millisecond(millis).ok(),
        Err(_) => text.parse().ok(),
    }
}

fn slot_minutes(calendar: &Item) -> i64 {
    let duration = calendar.fields.get("slotDuration").and_then(Value::as_i64);
    let hours = calendar.text("slotDurationUnit") == "hours";
    let minutes = duration.unwrap_or(USUAL_MINUTES) * if hours { 60 } else { 1 };
    minutes.max(1)
}

fn begins(item: &Item) -> Option<Timestamp> {
    moment(item.text("startTime"))
}

fn ends(item: &Item) -> Option<Timestamp> {
    moment(item.text("endTime"))
}

impl State {
    /// `POST /calendars/events/appointments`.
    pub(super) fn book(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let mut fields = request.object();
        for name in ["calendarId", "contactId"] {
            let id = fields.get(name).and_then(Value::as_str).unwrap_or_default();
            self.there(admitted, &request.location_id, name, id)?;
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let start = moment(text("startTime")).ok_or_else(|| {
            errors::unprocessable_one("startTime must be a valid ISO 8601 date string")
        })?;
        let calendar_id = text("calendarId").to_owned();
        let calendar = self
            .things
            .find(&CALENDAR, &request.location_id, &calendar_id);
        let calendar = calendar.ok_or_else(|| missing(&CALENDAR, &calendar_id))?;
        let end = match fields.get("endTime").and_then(Value::as_str) {
            Some(text) => moment(text).ok_or_else(|| {
                errors::unprocessable_one("endTime must be a valid ISO 8601 date string")
            })?,
            None => start
                .checked_add(SignedDuration::from_mins(slot_minutes(calendar)))
                .map_err(|_| errors::unprocessable_one("startTime is out of range"))?,
        };
        let anyway = fields.get("ignoreFreeSlotValidation") == Some(&json!(true));
        if fields.contains_key("rrule") && !anyway {
            return Err(errors::bad_request(
                "rrule can only be used when ignoreFreeSlotValidation is true",
            ));
        }
        if !anyway && self.is_taken(&request.location_id, &calendar_id, start, end) {
            return Err(errors::bad_request(
                "The slot you have selected is no longer available.",
            ));
        }
        fields
            .entry("endTime")
            .or_insert_with(|| json!(end.to_string()));
        fields
            .entry("appointmentStatus")
            .or_insert_with(|| json!("new"));
        for name in ["toNotify", "ignoreDateRange", "ignoreFreeSlotValidation"] {
            fields.remove(name);
        }
        let item = self.make(&APPOINTMENT, &request.location_id, fields, admitted.core);
        let mut shown = item.shown(&APPOINTMENT);
        shown["status"] = json!("booked");
        Ok(wrapped(row, shown, admitted))
    }

    fn is_taken(
        &self,
        location_id: &str,
        calendar_id: &str,
        start: Timestamp,
        end: Timestamp,
    ) -> bool {
        let own = |kind: &'static Kind| {
            self.things
                .living(kind, location_id)
                .filter(|item| item.text("calendarId") == calendar_id)
                .filter(|item| item.text("appointmentStatus") != "cancelled")
        };
        own(&APPOINTMENT).chain(own(&BLOCK)).any(|item| {
            begins(item).is_some_and(|begin| begin < end)
                && ends(item).is_some_and(|end| end > start)
        })
    }

    /// `GET /calendars/events` and `GET /calendars/blocked-slots`.
    pub(super) fn list_events(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let by = ["userId", "calendarId", "groupId"];
        if by.iter().all(|name| admitted.query(name).is_none()) {
            return Err(errors::unprocessable_one(
                "Either of userId, calendarId or groupId is required",
            ));
        }
        let bound = |name: &str| {
            let text = admitted.query(name).unwrap_or_default();
            text.parse::<i64>()
                .ok()
                .and_then(|millis| Timestamp::from_millisecond(millis).ok())
                .ok_or_else(|| {
                    errors::unprocessable_one(&format!("{name} must be a number string"))
                })
        };
        let (from, until) = (bound("startTime")?, bound("endTime")?);
        let in_group = |item: &Item, group: &str| {
            self.things
                .find(&CALENDAR, &request.location_id, item.text("calendarId"))
                .is_some_and(|calendar| calendar.text("groupId") == group)
        };
        let wanted = |item: &&Item| {
            let within = begins(item).is_some_and(|begin| begin >= from && begin < until);
            within
                && admitted
                    .query("userId")
                    .is_none_or(|id| item.text("assignedUserId") == id)
                && admitted
                    .query("calendarId")
                    .is_none_or(|id| item.text("calendarId") == id)
                && admitted
                    .query("groupId")
                    .is_none_or(|id| in_group(item, &id))
        };
        let events = self
            .things
            .living(row.kind, &request.location_id)
            .filter(wanted);
        let shown: Vec<Value> = events.map(|item| item.shown(row.kind)).collect();
        Ok(wrapped(row, Value::Array(shown), admitted))
    }

    /// `GET /contacts/{contactId}/appointments`: times without a zone, unlike everywhere else.
    pub(super) fn contact_appointments(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let contact = admitted.parameter(0);
        self.there(admitted, &request.location_id, "contactId", contact)?;
        let zone = self
            .locations
            .get(&request.location_id)
            .and_then(|location| TimeZone::get(&location.timezone).ok())
            .unwrap_or(TimeZone::UTC);
        let own = self
            .things
            .living(&APPOINTMENT, &request.location_id)
            .filter(|item| item.text("contactId") == contact);
        let shown: Vec<Value> = own
            .map(|item| {
                let mut shown = item.shown(&APPOINTMENT);
                for name in ["startTime", "endTime"] {
                    if let Some(at) = moment(item.text(name)) {
                        let at = at.to_zoned(zone.clone());
                        shown[name] = json!(at.strftime("%Y-%m-%d %H:%M:%S").to_string());
                    }
                }
                shown
            })
            .collect();
        Ok(wrapped(row, Value::Array(shown), admitted))
    }

    /// `DELETE /calendars/events/{eventId}`: an appointment or a blocked time.
    pub(super) fn delete_event(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = own_id(row, admitted);
        let kinds: [&'static Kind; 2] = [&APPOINTMENT, &BLOCK];
        let found = kinds
            .into_iter()
            .find(|kind| self.things.find(kind, &request.location_id, id).is_some());
        let kind = found.ok_or_else(|| missing(&APPOINTMENT, id))?;
        self.delete(kind, &request.location_id, id, admitted.core);
        Ok(Answer::json(row.status, &json!({"succeeded": true})))
    }

    /// `GET /calendars/appointments/{appointmentId}/notes`.
    pub(super) fn appointment_notes(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        self.parent(admitted, row, &request)?;
        let appointment = admitted.parameter(0);
        let own: Vec<&Item> = self
            .things
            .living(row.kind, &request.location_id)
            .filter(|item| item.text("appointmentId") == appointment)
            .collect();
        let shown: Vec<Value> = paged(own.iter().copied(), admitted)
            .map(|item| item.shown(row.kind))
            .collect();
        let skipped = admitted
            .query("offset")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let more = skipped + shown.len() < own.len();
        Ok(Answer::json(200, &json!({"notes": shown, "hasMore": more})))
    }

    /// `GET /calendars/{calendarId}/free-slots`: by day, in the zone that is asked for.
    pub(super) fn free_slots(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let calendar = self.named(admitted, row, &request)?;
        let bound = |name: &str| {
            let text = admitted.query(name).unwrap_or_default();
            moment(&text)
                .ok_or_else(|| errors::unprocessable_one(&format!("{name} must be a number")))
        };
        let (from, until) = (bound("startDate")?, bound("endDate")?);
        let days = until.duration_since(from).as_hours() / 24;
        if !(0..=MOST_DAYS).contains(&days) {
            return Err(errors::bad_request(
                "The date range should not be more than 31 days",
            ));
        }
        let own = self
            .locations
            .get(&request.location_id)
            .map(|location| location.timezone.clone());
        let named = admitted.query("timezone").or(own).unwrap_or_default();
        let zone = TimeZone::get(&named)
            .map_err(|_| errors::unprocessable_one("timezone must be a valid IANA time zone"))?;
        let minutes = slot_minutes(calendar);
        let id = calendar.id.clone();
        let mut free = Map::new();
        let mut day = from.to_zoned(zone.clone()).date();
        while day <= until.to_zoned(zone.clone()).date() {
            let mut slots = Vec::new();
            let workday = (1..=5).contains(&day.weekday().to_monday_one_offset());
            let opening = day.at(OPEN.0, 0, 0, 0).to_zoned(zone.clone());
            let closing = day.at(OPEN.1, 0, 0, 0).to_zoned(zone.clone());
            if let (true, Ok(mut at), Ok(closing)) = (workday, opening, closing) {
                while let Ok(end) = at.checked_add(SignedDuration::from_mins(minutes)) {
                    if end > closing {
                        break;
                    }
                    let inside = at.timestamp() >= from && end.timestamp() <= until;
                    if inside
                        && !self.is_taken(
                            &request.location_id,
                            &id,
                            at.timestamp(),
                            end.timestamp(),
                        )
                    {
                        slots.push(json!(at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()));
                    }
                    at = end;
                }
            }
            if !slots.is_empty() {
                free.insert(day.to_string(), json!({"slots": slots}));
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        Ok(Answer::json(200, &Value::Object(free)))
    }

    fn slug_is_free(&self, location_id: &str, slug: &Value) -> bool {
        self.things
            .living(&GROUP, location_id)
            .all(|group| group.fields.get("slug") != Some(slug))
    }

    /// `POST /calendars/groups`.
    pub(super) fn create_group(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        if !self.slug_is_free(&request.location_id, &request.body["slug"]) {
            return Err(errors::bad_request("The slug is already taken"));
        }
        let mut fields = request.object();
        fields.entry("isActive").or_insert(json!(true));
        let group = self.make(&GROUP, &request.location_id, fields, admitted.core);
        Ok(wrapped(row, group.shown(&GROUP), admitted))
    }

    /// `POST /calendars/groups/validate-slug`.
    pub(super) fn validate_slug(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let available = self.slug_is_free(&request.location_id, &request.body["slug"]);
        Ok(Answer::json(200, &json!({"available": available})))
    }

    /// `PUT /calendars/groups/{groupId}/status`.
    pub(super) fn set_group_status(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = own_id(row, admitted);
        self.change(
            &GROUP,
            &request.location_id,
            id,
            request.object(),
            admitted.core,
        )?;
        Ok(Answer::json(200, &json!({"success": true})))
    }

    /// `POST /calendars/{calendarId}/notifications`, which takes a list.
    pub(super) fn create_notifications(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        self.parent(admitted, row, &request)?;
        let calendar = admitted.parameter(0);
        let bodies = request.body.as_array().cloned().unwrap_or_default();
        let shown: Vec<Value> = bodies
            .into_iter()
            .map(|body| {
                let mut fields = body.as_object().cloned().unwrap_or_default();
                fields.insert("calendarId".to_owned(), json!(calendar));
                fields.entry("deleted").or_insert(json!(false));
                self.make(row.kind, &request.location_id, fields, admitted.core)
                    .shown(row.kind)
            })
            .collect();
        Ok(wrapped(row, Value::Array(shown), admitted))
    }

    /// `PUT /calendars/{calendarId}/notifications/{notificationId}`.
    pub(super) fn update_notification(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = self.named(admitted, row, &request)?.id.clone();
        self.change(
            row.kind,
            &request.location_id,
            &id,
            request.object(),
            admitted.core,
        )?;
        Ok(Answer::json(
            200,
            &json!({"message": "Notification updated successfully"}),
        ))
    }

    /// `DELETE /calendars/{calendarId}/notifications/{notificationId}`.
    pub(super) fn delete_notification(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = self.named(admitted, row, &request)?.id.clone();
        self.delete(row.kind, &request.location_id, &id, admitted.core);
        Ok(Answer::json(
            200,
            &json!({"message": "Notification deleted successfully"}),
        ))
    }

    /// `GET /calendars/schedules/search`.
    pub(super) fn list_schedules(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let calendar = admitted.query("calendarId").map(Value::String);
        let user = admitted.query("userId").unwrap_or_default();
        let applies = |item: &Item, calendar: &Value| {
            item.fields
                .get("calendarIds")
                .and_then(Value::as_array)
                .is_some_and(|own| own.contains(calendar))
        };
        let own = self
            .things
            .living(row.kind, &request.location_id)
            .filter(|item| {
                item.text("userId") == user
                    && calendar
                        .as_ref()
                        .is_none_or(|calendar| applies(item, calendar))
            });
        let shown: Vec<Value> = paged(own, admitted)
            .map(|item| item.shown(row.kind))
            .collect();
        Ok(wrapped(row, Value::Array(shown), admitted))
    }

    /// `PUT` and `DELETE /calendars/schedules/{id}/associations/{calendarId}`.
    pub(super) fn associate(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let (id, calendar) = (admitted.parameter(0), admitted.parameter(1));
        self.there(admitted, &request.location_id, "calendarId", calendar)?;
        let schedule = self.things.find(&SCHEDULE, &request.location_id, id);
        let schedule = schedule.ok_or_else(|| missing(&SCHEDULE, id))?;
        let mut calendars: Vec<Value> = schedule
            .fields
            .get("calendarIds")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        calendars.retain(|own| own != calendar);
        if row.method == http::Method::PUT {
            calendars.push(json!(calendar));
        }
        let fields = Map::from_iter([("calendarIds".to_owned(), Value::Array(calendars))]);
        self.change(&SCHEDULE, &request.location_id, id, fields, admitted.core)?;
        Ok(Answer::json(200, &json!({"success": true})))
    }
}
