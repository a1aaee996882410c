//! Appointments: moments on the left, wall time and whole days on the right; bookings of a resource in the third system.

use anyhow::{Context, Result};
use record::Entity;
use sandbox::judge::Pair;
use serde_json::{Value as Json, json};
use simulation::{
    HIGHLEVEL, OFFICERND, ONOFFICE, Options, World, member_rules, members, shipped_rules,
};

use store::{Review, ReviewKind};

use crate::support::{answer, blocked, choices, link, options, questions, seed};

/// When the world begins: before both changes of the clock that are tried.
const START: &str = "2026-02-02T09:00:00Z";

struct Calendar {
    world: World,
    pair: Pair,
    calendar: String,
}

impl Calendar {
    async fn new() -> Result<Self> {
        let mut world = World::new(Options {
            start: Some(START.parse()?),
            rules: connected_for(shipped_rules(), "title", "description")?,
            ..options()
        })
        .await?;
        let pair = seed(&world, "Anna")?;
        link(&world, &[&pair]).await?;
        let made = world.act(
            HIGHLEVEL,
            "make_thing",
            &json!({"kind": "calendar", "fields": {"name": "Viewings"}}),
        )?;
        let calendar = made["id"].as_str().context("an id")?.to_owned();
        let mut rules = shipped_rules();
        rules.entities.insert(
            Entity::Appointment,
            serde_json::from_value(json!({
                "fields": [
                    {"name": "title", "left": "title", "right": "description"},
                    {"name": "start", "left": "startTime", "right": "start_dt"},
                    {"name": "end", "left": "endTime", "right": "end_dt"},
                    {"name": "contact", "left": "contactId", "right": "contact"},
                    {"name": "cancelled", "left": "cancelled", "right": "abgesagt"},
                    {"name": "calendar", "left": "calendarId", "right": "art",
                        "values": {&*calendar: "Besichtigung"},
                        "default_left": calendar, "default_right": "Besichtigung"},
                ],
                "match": {"keys": []},
                "deletes": {"left": "propagate", "right": "propagate"},
            }))?,
        );
        assert_eq!(world.apply(rules).await, []);
        Ok(Self {
            world,
            pair,
            calendar,
        })
    }

    async fn run(&self) -> Result<()> {
        self.world.sync().await?;
        self.world.settle().await
    }

    fn left(&self) -> Result<Vec<Json>> {
        living(&self.world, HIGHLEVEL, "appointment")
    }

    fn right(&self) -> Result<Vec<Json>> {
        let read = self.world.act(
            ONOFFICE,
            "perform",
            &json!({"action": "read", "resource": "calendar", "parameters": {
                "datestart": "2025-06-01", "dateend": "2027-12-31", "allusers": true, "showcancelled": true}}),
        )?;
        let rows = read["records"].as_array().cloned().unwrap_or_default();
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut elements = row["elements"].clone();
                elements["id"] = row["id"].clone();
                elements
            })
            .collect())
    }

    /// Made by a person in HighLevel.
    fn book(&self, title: &str, start: &str, end: &str) -> Result<String> {
        let made = self.world.act(
            HIGHLEVEL,
            "make_thing",
            &json!({"kind": "appointment", "fields": {"title": title, "startTime": start, "endTime": end,
                "contactId": self.pair.highlevel, "calendarId": self.calendar,
                "appointmentStatus": "confirmed"}}),
        )?;
        Ok(made["id"].as_str().context("an id")?.to_owned())
    }

    /// Made by a person in onOffice.
    fn enter(&self, title: &str, start: &str, end: &str, whole_days: bool) -> Result<()> {
        self.world
            .act(
                ONOFFICE,
                "perform",
                &json!({"action": "create", "resource": "calendar", "parameters": {
                    "data": {"description": title, "start_dt": start, "end_dt": end,
                        "ganztags": whole_days, "art": "Besichtigung"},
                    "relatedAddressIds": [self.pair.onoffice.parse::<u64>()?]}}),
            )
            .map(drop)
    }
}

/// What the accounts are connected for, before the ids are known that the rules need.
fn connected_for(
    mut rules: mapping::SyncRules,
    left: &str,
    right: &str,
) -> Result<mapping::SyncRules> {
    rules.entities.insert(
        Entity::Appointment,
        serde_json::from_value(json!({
            "fields": [{"left": left, "right": right}],
            "create": {"left": false, "right": false},
        }))?,
    );
    Ok(rules)
}

fn living(world: &World, system: sandbox::System, kind: &str) -> Result<Vec<Json>> {
    let all = world.act(system, "things", &json!({"kind": kind}))?;
    let all = all.as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|one| one["gone"] == false).collect())
}

fn at(json: &Json) -> Result<jiff::Timestamp> {
    Ok(json.as_str().context("a moment")?.parse()?)
}

fn named<'a>(all: &'a [Json], key: &str, title: &str) -> Result<&'a Json> {
    all.iter()
        .find(|one| one[key] == title)
        .with_context(|| format!("no {title} in {all:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_right_on_both_days_on_which_the_clock_is_changed() -> Result<()> {
    let calendar = Calendar::new().await?;
    // 09:00 by the clock on the wall, the day before, on and after each change
    let mornings = [
        ("2026-03-28 09:00:00", "2026-03-28T08:00:00Z"),
        ("2026-03-29 09:00:00", "2026-03-29T07:00:00Z"),
        ("2026-10-24 09:00:00", "2026-10-24T07:00:00Z"),
        ("2026-10-25 09:00:00", "2026-10-25T08:00:00Z"),
    ];
    for (number, (wall, _)) in mornings.iter().enumerate() {
        let end = wall.replace("09:00", "10:30");
        calendar.enter(&format!("there {number}"), wall, &end, false)?;
    }
    // what stands at one time on both sides could be one
    calendar.run().await?;
    for (number, (_, moment)) in mornings.iter().enumerate() {
        let moment: jiff::Timestamp = moment.parse()?;
        let end = moment + jiff::SignedDuration::from_mins(90);
        calendar.book(
            &format!("here {number}"),
            &moment.to_string(),
            &end.to_string(),
        )?;
    }
    calendar.run().await?;
    let (left, right) = (calendar.left()?, calendar.right()?);
    assert_eq!((left.len(), right.len()), (8, 8), "{left:#?} {right:#?}");
    for (number, (wall, moment)) in mornings.iter().enumerate() {
        let made = named(&left, "title", &format!("there {number}"))?;
        assert_eq!(at(&made["startTime"])?, moment.parse()?, "{wall}");
        let made = named(&right, "description", &format!("here {number}"))?;
        assert_eq!(made["start_dt"], *wall);
        assert_eq!(made["end_dt"], wall.replace("09:00", "10:30"));
        assert_eq!(made["ganztags"], false);
    }
    // Nothing comes back as an edit.
    let writes = calendar.world.writes();
    calendar.run().await?;
    assert_eq!(calendar.world.writes(), writes);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_both_calendars_is_one_and_what_almost_does_is_asked() -> Result<()> {
    let calendar = Calendar::new().await?;
    let book = |title, start: &str, end: &str| calendar.book(title, start, end);
    calendar.enter(
        "Besichtigung Müllerstraße",
        "2026-03-28 09:00:00",
        "2026-03-28 10:00:00",
        false,
    )?;
    book(
        "Besichtigung, Muellerstrasse",
        "2026-03-28T08:00:00Z",
        "2026-03-28T09:30:00Z",
    )?;
    // the same hour under another name, and the same name a day later
    calendar.enter("Notar", "2026-03-30 09:00:00", "2026-03-30 10:00:00", false)?;
    book(
        "Beurkundung",
        "2026-03-30T07:00:00Z",
        "2026-03-30T08:00:00Z",
    )?;
    calendar.enter(
        "Übergabe",
        "2026-04-01 09:00:00",
        "2026-04-01 10:00:00",
        false,
    )?;
    book("Übergabe", "2026-04-02T07:00:00Z", "2026-04-02T08:00:00Z")?;
    // and one that stands on one side only
    book("Kaffee", "2026-04-03T07:00:00Z", "2026-04-03T08:00:00Z")?;
    calendar.run().await?;
    let (left, right) = (calendar.left()?, calendar.right()?);
    assert_eq!((left.len(), right.len()), (4, 4), "{left:#?} {right:#?}");
    let open = questions(&calendar.world).await?;
    let asked = open
        .iter()
        .filter(|review| review.kind == ReviewKind::Ambiguous);
    assert_eq!(asked.count(), 4, "two pairs, from either side: {open:#?}");

    // A person says: those two are one, these are two.
    let about = |open: &[Review], title: &str, left: &[Json]| -> Result<Review> {
        let id = named(left, "title", title)?["id"].clone();
        let found = open.iter().find(|review| {
            review.details["side"] == "left"
                && id.as_str().is_some_and(|id| review.subject.ends_with(id))
        });
        found.cloned().with_context(|| format!("{open:#?}"))
    };
    let one = about(&open, "Beurkundung", &left)?;
    let link = choices(&one)[0].to_owned();
    answer(&calendar.world, &one, &link).await?;
    let two = about(&open, "Übergabe", &left)?;
    answer(&calendar.world, &two, "apart").await?;
    calendar.run().await?;
    let (left, right) = (calendar.left()?, calendar.right()?);
    assert_eq!((left.len(), right.len()), (5, 5), "{left:#?} {right:#?}");
    let open = questions(&calendar.world).await?;
    assert!(
        open.iter()
            .all(|review| review.kind == ReviewKind::Conflict),
        "its end and its title differ: {open:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_days_are_from_midnight_to_midnight_however_long_they_are() -> Result<()> {
    let calendar = Calendar::new().await?;
    // 23 hours, 25 hours
    let days = [
        ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ];
    for (number, (day, _, _)) in days.iter().enumerate() {
        let midnight = format!("{day} 00:00:00");
        calendar.enter(&format!("there {number}"), &midnight, &midnight, true)?;
    }
    calendar.run().await?;
    for (number, (_, start, end)) in days.iter().enumerate() {
        calendar.book(&format!("here {number}"), start, end)?;
    }
    calendar.run().await?;
    let (left, right) = (calendar.left()?, calendar.right()?);
    for (number, (day, start, end)) in days.iter().enumerate() {
        let made = named(&left, "title", &format!("there {number}"))?;
        assert_eq!(at(&made["startTime"])?, start.parse()?, "{day}");
        assert_eq!(at(&made["endTime"])?, end.parse()?, "{day}");
        let made = named(&right, "description", &format!("here {number}"))?;
        assert_eq!(made["ganztags"], true, "{day}");
        assert_eq!(made["start_dt"], format!("{day} 00:00:00"));
        assert_eq!(made["end_dt"], format!("{day} 23:59:59"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_is_not_deleted_in_either_direction() -> Result<()> {
    let calendar = Calendar::new().await?;
    let moved = calendar.book("moved", "2026-02-10T09:00:00Z", "2026-02-10T10:00:00Z")?;
    let cancelled = calendar.book("cancelled", "2026-02-11T09:00:00Z", "2026-02-11T10:00:00Z")?;
    let deleted = calendar.book("deleted", "2026-02-12T09:00:00Z", "2026-02-12T10:00:00Z")?;
    calendar.run().await?;
    let right = calendar.right()?;
    assert_eq!(right.len(), 3);
    let address: u64 = calendar.pair.onoffice.parse()?;
    assert_eq!(
        named(&right, "description", "moved")?["assignedaddressids"],
        json!([address])
    );

    let act = |act: &str, id: &str, fields: Json| {
        calendar.world.act(
            HIGHLEVEL,
            act,
            &json!({"kind": "appointment", "id": id, "fields": fields}),
        )
    };
    act(
        "change_thing",
        &moved,
        json!({"startTime": "2026-02-10T11:00:00+01:00", "endTime": "2026-02-10T12:00:00+01:00"}),
    )?;
    act(
        "change_thing",
        &cancelled,
        json!({"appointmentStatus": "cancelled"}),
    )?;
    act("delete_thing", &deleted, json!({}))?;
    calendar.run().await?;
    let right = calendar.right()?;
    assert_eq!(right.len(), 2, "{right:#?}");
    assert_eq!(
        named(&right, "description", "moved")?["start_dt"],
        "2026-02-10 11:00:00"
    );
    let there = named(&right, "description", "cancelled")?;
    assert_eq!(
        (&there["abgesagt"], &there["status"]),
        (&json!(true), &json!("canceled"))
    );

    // Revived and deleted at the other end.
    let perform = |action: &str, title: &str, parameters: Json| -> Result<()> {
        let id = named(&calendar.right()?, "description", title)?["id"].clone();
        let id: u64 = match &id {
            Json::String(id) => id.parse()?,
            id => id.as_u64().context("a number")?,
        };
        let input =
            json!({"action": action, "resource": "calendar", "id": id, "parameters": parameters});
        calendar.world.act(ONOFFICE, "perform", &input).map(drop)
    };
    perform("modify", "cancelled", json!({"data": {"status": "active"}}))?;
    perform("delete", "moved", json!({}))?;
    calendar.run().await?;
    let left = calendar.left()?;
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["title"], "cancelled");
    assert_eq!(left[0]["appointmentStatus"], "confirmed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_found_by_the_poll_alone() -> Result<()> {
    let calendar = Calendar::new().await?;
    calendar.enter("there", "2026-02-10 09:00:00", "2026-02-10 10:00:00", false)?;
    calendar.run().await?;
    let id = calendar.left()?[0]["id"]
        .as_str()
        .context("an id")?
        .to_owned();
    calendar.world.act(
        HIGHLEVEL,
        "change_thing",
        &json!({"kind": "appointment", "id": id, "fields": {"title": "elsewhere"}}),
    )?;
    calendar.world.poll().await?;
    assert_eq!(calendar.right()?[0]["description"], "elsewhere");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_appointment_is_a_booking_of_the_chosen_resource_and_nobody_is_written_to() -> Result<()>
{
    let mut world = World::new(Options {
        start: Some(START.parse()?),
        members: Some(connected_for(member_rules(), "title", "title")?),
        ..options()
    })
    .await?;
    let room = world.act(OFFICERND, "things", &json!({"kind": "resource"}))?;
    let room = room[0]["_id"].as_str().context("a room")?.to_owned();
    let made = world.act(
        HIGHLEVEL,
        "make_thing",
        &json!({"kind": "calendar", "fields": {"name": "Meeting room"}}),
    )?;
    let calendar = made["id"].as_str().context("an id")?.to_owned();
    let mut rules = member_rules();
    rules.entities.insert(
        Entity::Appointment,
        serde_json::from_value(json!({
            "fields": [
                {"name": "title", "left": "title", "right": "title"},
                {"name": "start", "left": "startTime", "right": "start"},
                {"name": "end", "left": "endTime", "right": "end"},
                {"name": "contact", "left": "contactId", "right": "member"},
                {"name": "cancelled", "left": "cancelled", "right": "isCancelled"},
                {"name": "room", "left": "calendarId", "right": "resource", "values": {&*calendar: room}},
            ],
            "match": {"keys": []},
            "deletes": {"left": "propagate", "right": "propagate"},
        }))?,
    );
    assert_eq!(world.apply_to(members(), rules).await, []);
    let contact = world.make(
        HIGHLEVEL,
        &json!({"firstName": "Anna", "lastName": "Brandt", "email": "anna@brandt.example", "tags": ["coworking"]}),
    )?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    let run = async || -> Result<()> {
        world.sync_of(&members()).await?;
        world.settle().await
    };
    let member = world.living(OFFICERND).pop().context("a member")?.id;
    let here = world.act(
        HIGHLEVEL,
        "make_thing",
        &json!({"kind": "appointment", "fields": {"title": "Talk", "contactId": contact, "calendarId": calendar,
            "startTime": "2026-03-29T09:00:00+02:00", "endTime": "2026-03-29T10:00:00+02:00",
            "appointmentStatus": "confirmed"}}),
    )?;
    world.act(
        OFFICERND,
        "make_thing",
        &json!({"kind": "booking", "fields": {"title": "Workshop", "member": member, "resource": room,
            "start": "2026-10-25T08:00:00.000Z", "end": "2026-10-25T12:00:00.000Z"}}),
    )?;
    run().await?;
    let bookings = living(&world, OFFICERND, "booking")?;
    let talk = named(&bookings, "title", "Talk")?;
    assert_eq!(
        (&talk["member"], &talk["resource"]),
        (&json!(member), &json!(room))
    );
    assert_eq!(at(&talk["start"])?, "2026-03-29T07:00:00Z".parse()?);
    let appointments = living(&world, HIGHLEVEL, "appointment")?;
    let workshop = named(&appointments, "title", "Workshop")?;
    assert_eq!(workshop["contactId"], json!(contact));
    assert_eq!(at(&workshop["startTime"])?, "2026-10-25T08:00:00Z".parse()?);

    let id = here["id"].clone();
    let cancelled =
        json!({"kind": "appointment", "id": id, "fields": {"appointmentStatus": "cancelled"}});
    world.act(HIGHLEVEL, "change_thing", &cancelled)?;
    let there = named(&bookings, "title", "Workshop")?["_id"].clone();
    let renamed = json!({"kind": "booking", "id": there, "fields": {"title": "Seminar"}});
    world.act(OFFICERND, "change_thing", &renamed)?;
    run().await?;
    let bookings = living(&world, OFFICERND, "booking")?;
    assert_eq!(named(&bookings, "title", "Talk")?["isCancelled"], true);
    named(
        &living(&world, HIGHLEVEL, "appointment")?,
        "title",
        "Seminar",
    )?;
    let mails = world.control.dump(OFFICERND)["mails"].clone();
    assert!(mails.as_array().is_none_or(Vec::is_empty), "{mails}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hour_that_exists_twice_is_written_as_the_wall_shows_it_and_never_comes_back()
-> Result<()> {
    let calendar = Calendar::new().await?;
    // one proves that an empty list is none
    calendar.book("usual", "2026-03-30T08:00:00Z", "2026-03-30T09:00:00Z")?;
    // both are 02:30 there, and both are right
    calendar.book("first", "2026-10-25T00:30:00Z", "2026-10-25T04:30:00Z")?;
    calendar.book("second", "2026-10-25T01:30:00Z", "2026-10-25T05:30:00Z")?;
    calendar.run().await?;
    let right = calendar.right()?;
    for (title, end) in [("first", "05:30:00"), ("second", "06:30:00")] {
        let made = named(&right, "description", title)?;
        assert_eq!(made["start_dt"], "2026-10-25 02:30:00", "{title}");
        assert_eq!(made["end_dt"], format!("2026-10-25 {end}"), "{title}");
    }
    // what says nothing decides nothing
    let writes = calendar.world.writes();
    calendar.run().await?;
    assert_eq!(calendar.world.writes(), writes);
    let left = calendar.left()?;
    assert_eq!(
        at(&named(&left, "title", "second")?["startTime"])?,
        "2026-10-25T01:30:00Z".parse()?
    );
    // it may be what it was written as: there is nothing to do for a person
    assert_eq!(rows(&calendar.world).await?, Vec::<String>::new());
    // moved where it was booked, it is moved there too
    calendar.world.act(
        HIGHLEVEL,
        "change_thing",
        &json!({"kind": "appointment", "id": named(&left, "title", "first")?["id"],
            "fields": {"startTime": "2026-10-25T03:00:00Z"}}),
    )?;
    calendar.run().await?;
    let right = calendar.right()?;
    let moved = named(&right, "description", "first")?;
    assert_eq!(moved["start_dt"], "2026-10-25 04:00:00");
    // and what is certain again crosses
    let id = named(&right, "description", "second")?["id"].clone();
    let id: u64 = match &id {
        Json::String(id) => id.parse()?,
        id => id.as_u64().context("a number")?,
    };
    calendar.world.act(
        ONOFFICE,
        "perform",
        &json!({"action": "modify", "resource": "calendar", "id": id,
            "parameters": {"data": {"start_dt": "2026-10-25 04:00:00"}}}),
    )?;
    calendar.run().await?;
    let left = calendar.left()?;
    assert_eq!(
        at(&named(&left, "title", "second")?["startTime"])?,
        "2026-10-25T03:00:00Z".parse()?
    );
    assert!(questions(&calendar.world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_made_at_a_time_that_is_none_or_two_is_asked_about_with_what_to_do()
-> Result<()> {
    let calendar = Calendar::new().await?;
    calendar.enter(
        "skipped",
        "2026-03-29 02:30:00",
        "2026-03-29 04:00:00",
        false,
    )?;
    calendar.enter(
        "doubled",
        "2026-10-25 02:30:00",
        "2026-10-25 05:00:00",
        false,
    )?;
    calendar.run().await?;
    assert_eq!(calendar.left()?.len(), 0);
    let open = questions(&calendar.world).await?;
    assert_eq!(open.len(), 2, "{open:#?}");
    for (wall, wrong) in [
        ("2026-03-29 02:30:00", "does not exist"),
        ("2026-10-25 02:30:00", "exists twice"),
    ] {
        let said = open
            .iter()
            .map(|review| review.details.to_string())
            .find(|details| details.contains(wall));
        let said = said.with_context(|| format!("{wall} is not in {open:#?}"))?;
        for words in ["start_dt", wrong, "give it another time in onOffice"] {
            assert!(said.contains(words), "`{words}` is not in {said}");
        }
    }
    // a person gives it one, and it is carried
    for (title, start, moment) in [
        ("skipped", "2026-03-29 03:30:00", "2026-03-29T01:30:00Z"),
        ("doubled", "2026-10-25 03:30:00", "2026-10-25T02:30:00Z"),
    ] {
        let id = named(&calendar.right()?, "description", title)?["id"].clone();
        let id: u64 = match &id {
            Json::String(id) => id.parse()?,
            id => id.as_u64().context("a number")?,
        };
        calendar.world.act(
            ONOFFICE,
            "perform",
            &json!({"action": "modify", "resource": "calendar", "id": id,
                "parameters": {"data": {"start_dt": start}}}),
        )?;
        calendar.run().await?;
        let left = calendar.left()?;
        assert_eq!(
            at(&named(&left, "title", title)?["startTime"])?,
            moment.parse()?
        );
    }
    assert!(questions(&calendar.world).await?.is_empty());
    Ok(())
}

/// What does not cross, in words.
async fn rows(world: &World) -> Result<Vec<String>> {
    let rows = blocked(world).await?;
    let words = rows
        .into_iter()
        .map(|row| format!("{} on the {}: {}", row.mapping, row.side, row.reason));
    Ok(words.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_moved_to_a_time_that_is_none_or_two_is_listed_with_what_to_do() -> Result<()> {
    let calendar = Calendar::new().await?;
    calendar.book("moved", "2026-10-24T08:00:00Z", "2026-10-26T09:00:00Z")?;
    calendar.run().await?;
    let id = named(&calendar.right()?, "description", "moved")?["id"].clone();
    let id: u64 = match &id {
        Json::String(id) => id.parse()?,
        id => id.as_u64().context("a number")?,
    };
    let begins = async |wall: &str| {
        calendar.world.act(
            ONOFFICE,
            "perform",
            &json!({"action": "modify", "resource": "calendar", "id": id,
                "parameters": {"data": {"start_dt": wall}}}),
        )?;
        calendar.run().await
    };
    let began = || at(&named(&calendar.left()?, "title", "moved")?["startTime"]);
    for (wall, wrong) in [
        ("2026-10-25 02:30:00", "exists twice"),
        ("2026-03-29 02:30:00", "does not exist"),
    ] {
        begins(wall).await?;
        assert_eq!(began()?, "2026-10-24T08:00:00Z".parse()?, "{wall}");
        let rows = rows(&calendar.world).await?;
        assert_eq!(rows.len(), 1, "{rows:?}");
        for words in ["start", wall, wrong, "give it another time in onOffice"] {
            assert!(rows[0].contains(words), "`{words}` is not in {rows:?}");
        }
    }
    // looked at once more, it is the same row
    calendar.run().await?;
    assert_eq!(rows(&calendar.world).await?.len(), 1);
    begins("2026-10-25 03:30:00").await?;
    assert_eq!(began()?, "2026-10-25T02:30:00Z".parse()?);
    assert_eq!(rows(&calendar.world).await?, Vec::<String>::new());
    // the other side says which of the two it is
    begins("2026-10-25 02:30:00").await?;
    assert_eq!(rows(&calendar.world).await?.len(), 1);
    let event = named(&calendar.left()?, "title", "moved")?["id"].clone();
    calendar.world.act(
        HIGHLEVEL,
        "change_thing",
        &json!({"kind": "appointment", "id": event,
            "fields": {"startTime": "2026-10-25T01:30:00Z"}}),
    )?;
    calendar.run().await?;
    assert_eq!(rows(&calendar.world).await?, Vec::<String>::new());
    Ok(())
}
