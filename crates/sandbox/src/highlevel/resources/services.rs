//! The menu of services: what can be booked, where, and the bookings; and when an event calendar is available.
//!
//! Documented for v3 alone. What a slug that is taken, a time that is taken and a second schedule of one calendar are answered with
//! is documented nowhere: told here like other things that cannot be.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::State;
use super::super::businesses::new_id;
use super::super::errors;
use super::super::gate::Admitted;
use super::calendars::moment;
use super::table::{AVAILABILITY, CALENDAR, SERVICE, SERVICE_BOOKING, SERVICE_LOCATION, own_id};
use super::{Answered, Item, Kind, Request, Row, missing, wrapped};
use crate::clock::iso_millis;
use crate::vendor::Answer;

/// The category of services that name none.
const USUAL_CATEGORY: &str = "65e5f6dfacf1235132280001";

impl State {
    fn slug_is_taken(&self, kind: &Kind, request: &Request, but: &str) -> bool {
        let slug = request.body.get("slug");
        slug.is_some()
            && self
                .things
                .living(kind, &request.location_id)
                .any(|item| item.id != but && item.fields.get("slug") == slug)
    }

    /// `POST /calendars/services/catalog` and `PUT …/{serviceId}`.
    pub(super) fn keep_service(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let makes = row.method == http::Method::POST;
        let id = if makes { "" } else { own_id(row, admitted) };
        if self.slug_is_taken(&SERVICE, &request, id) {
            return Err(errors::bad_request("Service with this slug already exists"));
        }
        if request.body["staff"].as_array().is_some_and(Vec::is_empty) {
            return Err(errors::unprocessable_one(
                "staff must contain at least 1 elements",
            ));
        }
        let mut fields = request.object();
        if let Some(variations) = fields.get_mut("variations").and_then(Value::as_array_mut) {
            for variation in variations {
                if variation["id"].is_null() {
                    variation["id"] = json!(new_id(admitted.core));
                }
            }
        }
        let item = if makes {
            for (name, usual) in [
                ("serviceCategoryId", json!(USUAL_CATEGORY)),
                ("payment", json!({"amount": 0})),
                ("isPrivate", json!(false)),
                ("variations", json!([])),
            ] {
                fields.entry(name).or_insert(usual);
            }
            self.make(&SERVICE, &request.location_id, fields, admitted.core)
        } else {
            self.change(&SERVICE, &request.location_id, id, fields, admitted.core)?
        };
        Ok(wrapped(row, item.shown(&SERVICE), admitted))
    }

    /// `GET /calendars/services/catalog`.
    pub(super) fn list_services(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let category = admitted.query("serviceCategoryId");
        let private = admitted
            .query("isPrivate")
            .map(|flag| json!(flag == "true"));
        let wanted = |item: &&Item| {
            let own = |name: &str| item.fields.get(name);
            category
                .as_ref()
                .is_none_or(|category| item.text("serviceCategoryId") == category)
                && private
                    .as_ref()
                    .is_none_or(|private| own("isPrivate") == Some(private))
        };
        let all = self.things.living(&SERVICE, &request.location_id);
        let shown: Vec<Value> = all
            .filter(wanted)
            .map(|item| item.shown(&SERVICE))
            .collect();
        Ok(wrapped(row, Value::Array(shown), admitted))
    }

    /// `DELETE` of a service, a place or a booking.
    pub(super) fn delete_service(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let id = self.named(admitted, row, &request)?.id.clone();
        self.delete(row.kind, &request.location_id, &id, admitted.core);
        let message = format!("{} deleted successfully", row.kind.says);
        Ok(Answer::json(
            200,
            &json!({"success": true, "message": message}),
        ))
    }

    /// `POST /calendars/services/locations` and `PUT …/{serviceLocationId}`.
    pub(super) fn keep_service_location(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let makes = row.method == http::Method::POST;
        let id = if makes { "" } else { own_id(row, admitted) };
        if self.slug_is_taken(&SERVICE_LOCATION, &request, id) {
            return Err(errors::bad_request(
                "Service location with this slug already exists",
            ));
        }
        let mut fields = request.object();
        let location = &request.location_id;
        let item = if makes {
            for (name, usual) in [
                ("isActive", json!(true)),
                ("isPrivate", json!(false)),
                ("locationType", json!("offline")),
            ] {
                fields.entry(name).or_insert(usual);
            }
            self.make(&SERVICE_LOCATION, location, fields, admitted.core)
        } else {
            self.change(&SERVICE_LOCATION, location, id, fields, admitted.core)?
        };
        Ok(wrapped(row, item.shown(&SERVICE_LOCATION), admitted))
    }

    /// `GET /calendars/services/bookings`.
    pub(super) fn list_service_bookings(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let bound = |name: &str| {
            let text = admitted.query(name).unwrap_or_default();
            text.parse()
                .ok()
                .and_then(|millis| Timestamp::from_millisecond(millis).ok())
                .ok_or_else(|| {
                    errors::unprocessable_one(&format!("{name} must be a number string"))
                })
        };
        let (from, until) = (bound("startTime")?, bound("endTime")?);
        let place = admitted.query("serviceLocationId");
        let wanted = |item: &&Item| {
            let begins = moment(item.text("startTime"));
            begins.is_some_and(|begins| begins >= from && begins < until)
                && place
                    .as_ref()
                    .is_none_or(|place| item.text("serviceLocationId") == place)
        };
        let all = self.things.living(&SERVICE_BOOKING, &request.location_id);
        let shown: Vec<Value> = all
            .filter(wanted)
            .map(|item| item.shown(&SERVICE_BOOKING))
            .collect();
        Ok(wrapped(row, Value::Array(shown), admitted))
    }

    /// `POST /calendars/services/bookings` and `PUT …/{bookingId}`: what is not given of a booking stays; services that are
    /// given replace those that it has.
    pub(super) fn book_service(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let location = request.location_id.clone();
        let makes = row.method == http::Method::POST;
        let id = if makes { "" } else { own_id(row, admitted) };
        let mut fields = match makes {
            true => Map::new(),
            false => {
                let own = self.things.find(&SERVICE_BOOKING, &location, id);
                let own = own.ok_or_else(|| missing(&SERVICE_BOOKING, id))?;
                own.fields.clone()
            }
        };
        let given = request.object();
        for name in ["contactId", "serviceLocationId"] {
            if let Some(id) = given.get(name).and_then(Value::as_str) {
                self.there(admitted, &location, name, id)?;
            }
        }
        let services = given.get("services").and_then(Value::as_array).cloned();
        fields.extend(given.into_iter().filter(|(name, _)| name != "services"));
        if let Some(services) = services {
            let mut shown = Vec::new();
            for service in &services {
                shown.push(self.booked(&location, service)?);
            }
            fields.insert("services".to_owned(), Value::Array(shown));
        }
        let (begins, ends) = (
            fields.get("startTime").cloned(),
            fields.get("endTime").cloned(),
        );
        let services = fields.get_mut("services").and_then(Value::as_array_mut);
        for service in services.into_iter().flatten() {
            service["serviceStartTime"] = json!(begins);
            service["serviceEndTime"] = json!(ends);
        }
        if makes {
            self.complete_booking(&location, &mut fields);
        }
        let messages = self.place_of(&location, &mut fields)?;
        let anyway = admitted.query("overrideAvailability").as_deref() == Some("true");
        if !anyway && self.staff_is_taken(&location, &fields, id) {
            return Err(errors::bad_request(
                "The slot you have selected is no longer available.",
            ));
        }
        let item = match makes {
            true => self.make(&SERVICE_BOOKING, &location, fields, admitted.core),
            false => self.change(&SERVICE_BOOKING, &location, id, fields, admitted.core)?,
        };
        let mut shown = item.shown(&SERVICE_BOOKING);
        if !messages.is_empty() {
            shown["messages"] = json!(messages);
        }
        Ok(wrapped(row, shown, admitted))
    }

    /// A service as a booking shows it.
    fn booked(&self, location: &str, wanted: &Value) -> Result<Value, Answer> {
        let id = wanted["id"].as_str().unwrap_or_default();
        let service = self.things.find(&SERVICE, location, id);
        let service = service.ok_or_else(|| missing(&SERVICE, id))?;
        let staff = match wanted["staffId"].as_str() {
            Some(staff) => json!(staff),
            None => service
                .fields
                .get("staff")
                .map_or(Value::Null, |staff| staff[0]["id"].clone()),
        };
        let mut shown = json!({
            "id": id, "serviceCategoryId": service.text("serviceCategoryId"), "serviceStaffId": staff,
        });
        if let Some(added) = wanted["addOns"].as_array() {
            let added = added.iter().map(
                |own| json!({"id": own["id"], "quantity": own["quantity"].as_u64().unwrap_or(1)}),
            );
            shown["serviceAddOns"] = added.collect();
        }
        Ok(shown)
    }

    fn complete_booking(&self, location: &str, fields: &mut Map<String, Value>) {
        let usual = self.things.living(&SERVICE_LOCATION, location).next();
        let usual = usual.map(|place| json!(place.id)).unwrap_or_default();
        let first = fields["services"][0]["id"].as_str().unwrap_or_default();
        let first = self.things.find(&SERVICE, location, first);
        let title = first
            .map(|service| json!(service.text("name")))
            .unwrap_or_default();
        for (name, usual) in [
            ("serviceLocationId", usual),
            ("title", title),
            ("status", json!("confirmed")),
            ("deleted", json!(false)),
            ("createdBy", json!({"source": "api"})),
        ] {
            fields.entry(name).or_insert(usual);
        }
    }

    /// What is to be said of the place: one that asks whoever books needs an answer, any other takes none.
    fn place_of(
        &self,
        location: &str,
        fields: &mut Map<String, Value>,
    ) -> Result<Vec<&'static str>, Answer> {
        let id = fields.get("serviceLocationId").and_then(Value::as_str);
        let place = self
            .things
            .find(&SERVICE_LOCATION, location, id.unwrap_or_default());
        let asks = place.is_some_and(|place| place.text("locationType") == "ask_booker");
        match (asks, fields.contains_key("meetingLocation")) {
            (true, false) => Err(errors::bad_request(
                "Meeting location is required for the selected service location.",
            )),
            (false, true) => {
                fields.remove("meetingLocation");
                Ok(vec![
                    "Meeting location is not supported for the selected service location and has been ignored.",
                ])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Whether somebody who is to give a service gives another one at that time.
    fn staff_is_taken(&self, location: &str, fields: &Map<String, Value>, but: &str) -> bool {
        let time = |fields: &Map<String, Value>, name: &str| {
            moment(fields.get(name).and_then(Value::as_str).unwrap_or_default())
        };
        let staff = |fields: &Map<String, Value>| -> Vec<Value> {
            let services = fields.get("services").and_then(Value::as_array);
            let services = services.into_iter().flatten();
            services.map(|own| own["serviceStaffId"].clone()).collect()
        };
        let (Some(begins), Some(ends)) = (time(fields, "startTime"), time(fields, "endTime"))
        else {
            return false;
        };
        let over = |status: &str| ["cancelled", "invalid", "no_show"].contains(&status);
        if fields
            .get("status")
            .and_then(Value::as_str)
            .is_some_and(over)
        {
            return false;
        }
        let own = staff(fields);
        let mut others = self.things.living(&SERVICE_BOOKING, location);
        others.any(|other| {
            other.id != but
                && !over(other.text("status"))
                && time(&other.fields, "startTime").is_some_and(|begin| begin < ends)
                && time(&other.fields, "endTime").is_some_and(|end| end > begins)
                && staff(&other.fields).iter().any(|one| own.contains(one))
        })
    }

    /// `GET`, `POST` and `PUT /calendars/schedules/event-calendar/{calendarId}`: a calendar has one, without an id.
    pub(super) fn availability(&mut self, admitted: &Admitted<'_>, row: &Row) -> Answered {
        let request = self.opened(admitted, row)?;
        let location = request.location_id.clone();
        let calendar = admitted.parameter(0);
        if self.things.find(&CALENDAR, &location, calendar).is_none() {
            return Err(missing(&CALENDAR, calendar));
        }
        let own = self
            .things
            .living(&AVAILABILITY, &location)
            .find(|item| item.text("calendarId") == calendar)
            .cloned();
        let mut fields = request.object();
        let item = match (row.method.as_str(), own) {
            ("POST", Some(_)) => {
                return Err(errors::bad_request(
                    "Schedule already exists for this calendar",
                ));
            }
            ("POST", None) => {
                fields.insert("calendarId".to_owned(), json!(calendar));
                self.make(&AVAILABILITY, &location, fields, admitted.core)
            }
            (_, None) => return Err(missing(&AVAILABILITY, calendar)),
            ("PUT", Some(own)) => {
                self.change(&AVAILABILITY, &location, &own.id, fields, admitted.core)?
            }
            (_, Some(own)) => own,
        };
        let shown = json!({
            "timezone": item.fields.get("timezone"), "rules": item.fields.get("rules"), "calendarId": calendar,
            "dateAdded": iso_millis(item.made_ms), "dateUpdated": iso_millis(item.changed_ms),
        });
        Ok(wrapped(row, shown, admitted))
    }
}
