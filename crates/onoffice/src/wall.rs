//! The vendor's wall time.
//!
//! Date-times in records and filters are local wall time without a zone. The documentation never names
//! the zone; clients convert with Europe/Berlin (observed), which is what the setting `time_zone`
//! defaults to. Twice a year that is more than spelling: one hour does not exist, another one exists
//! twice.

use connector::Error;
use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};
use serde_json::Value as Json;

const BERLIN: &str = "Europe/Berlin";
/// The same rules spelt out, for machines without a time zone database.
const BERLIN_RULES: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// Translates between wall time and points in time.
#[derive(Debug, Clone)]
pub(crate) struct Wall {
    zone: TimeZone,
}

/// A date-time field as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// `0000-00-00 00:00:00` or nothing.
    Empty,
    /// This point in time; the earlier one where the wall time exists twice.
    At {
        at: Timestamp,
        /// The wall time exists exactly once.
        certain: bool,
    },
    /// Not a date-time.
    Unreadable,
}

impl Wall {
    /// The zone of the connection's settings.
    ///
    /// # Errors
    /// When the setting `time_zone` names no zone that is known here.
    pub(crate) fn of(settings: &Json) -> Result<Self, Error> {
        let name = match settings.get("time_zone") {
            None | Some(Json::Null) => BERLIN,
            Some(value) => value.as_str().unwrap_or_default(),
        };
        let zone = match TimeZone::get(name) {
            Ok(zone) => zone,
            Err(_) if name == BERLIN => {
                TimeZone::posix(BERLIN_RULES).expect("the rules are well-formed")
            }
            Err(_) => {
                return Err(Error::Setting {
                    setting: "time_zone",
                    hint: format!(
                        "`{name}` is no time zone known to this machine; write it like {BERLIN}"
                    ),
                });
            }
        };
        Ok(Self { zone })
    }

    /// Reads a date-time.
    pub(crate) fn read(&self, text: &str) -> Moment {
        let text = text.trim();
        if text.is_empty() || record::date::is_zero(text) {
            return Moment::Empty;
        }
        let parsed = DateTime::strptime("%Y-%m-%d %H:%M:%S", text)
            .or_else(|_| DateTime::strptime("%Y-%m-%d %H:%M", text))
            .or_else(|_| Date::strptime("%Y-%m-%d", text).map(DateTime::from));
        let Ok(wall) = parsed else {
            return Moment::Unreadable;
        };
        let possible = self.zone.to_ambiguous_timestamp(wall);
        let certain = !possible.is_ambiguous();
        match possible.compatible() {
            Ok(at) => Moment::At { at, certain },
            Err(_) => Moment::Unreadable,
        }
    }

    /// The two moments of a time that exists twice, the earlier one first; none for all other times.
    pub(crate) fn either(&self, text: &str) -> Vec<Timestamp> {
        let wall = DateTime::strptime("%Y-%m-%d %H:%M:%S", text.trim())
            .or_else(|_| DateTime::strptime("%Y-%m-%d %H:%M", text.trim()));
        let Ok(wall) = wall else { return Vec::new() };
        match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Fold { before, after } => [before, after]
                .into_iter()
                .filter_map(|offset| offset.to_timestamp(wall).ok())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether this is a time over which the clock was put forward.
    pub(crate) fn is_skipped(&self, text: &str) -> bool {
        let wall = DateTime::strptime("%Y-%m-%d %H:%M:%S", text.trim())
            .or_else(|_| DateTime::strptime("%Y-%m-%d %H:%M", text.trim()));
        wall.is_ok_and(|wall| {
            let offset = self.zone.to_ambiguous_timestamp(wall).offset();
            matches!(offset, AmbiguousOffset::Gap { .. })
        })
    }

    /// Writes a point in time. A point in the hour that exists twice does not come back as itself.
    pub(crate) fn write(&self, at: Timestamp) -> String {
        spell(self.zone.to_datetime(at))
    }

    /// A wall time that no record changed at `at` or later can lie before.
    ///
    /// In the hour that exists twice the clock will be, or has been, set back: what changes a
    /// quarter of an hour after 02:50 may carry 02:05. So there the answer goes back by that hour.
    pub(crate) fn since(&self, at: Timestamp) -> String {
        let wall = self.zone.to_datetime(at);
        if self.zone.to_ambiguous_timestamp(wall).is_ambiguous() {
            return spell(wall.saturating_sub(Span::new().hours(1)));
        }
        spell(wall)
    }

    /// The first moment of a day.
    pub(crate) fn midnight(&self, day: Date) -> Option<Timestamp> {
        self.zone
            .to_ambiguous_timestamp(day.into())
            .compatible()
            .ok()
    }

    /// The day that begins at this moment, if one does.
    pub(crate) fn day_begun(&self, at: Timestamp) -> Option<Date> {
        let day = self.zone.to_datetime(at).date();
        (self.midnight(day) == Some(at)).then_some(day)
    }

    /// The last moment of a day.
    pub(crate) fn end_of(&self, day: Date) -> Option<Timestamp> {
        let next = day.tomorrow().ok()?;
        let midnight = self
            .zone
            .to_ambiguous_timestamp(next.into())
            .compatible()
            .ok()?;
        midnight.checked_sub(Span::new().seconds(1)).ok()
    }
}

fn spell(wall: DateTime) -> String {
    wall.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn berlin() -> [Wall; 2] {
        let rules = TimeZone::posix(BERLIN_RULES).unwrap();
        [Wall::of(&Json::Null).unwrap(), Wall { zone: rules }]
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn summer_winter_and_nothing() {
        for wall in berlin() {
            let certain = |text: &str| Moment::At {
                at: at(text),
                certain: true,
            };
            assert_eq!(
                wall.read("2026-07-15 08:00:00"),
                certain("2026-07-15T06:00:00Z")
            );
            assert_eq!(
                wall.read("2026-01-15 08:00:00"),
                certain("2026-01-15T07:00:00Z")
            );
            assert_eq!(wall.read("0000-00-00 00:00:00"), Moment::Empty);
            assert_eq!(wall.read(""), Moment::Empty);
            assert_eq!(wall.read("gestern"), Moment::Unreadable);
            assert_eq!(
                wall.write(at("2026-07-15T06:00:00Z")),
                "2026-07-15 08:00:00"
            );
        }
    }

    #[test]
    fn the_hour_that_exists_twice_is_uncertain_and_the_earlier_one() {
        for wall in berlin() {
            assert_eq!(
                wall.read("2026-10-25 02:30:00"),
                Moment::At {
                    at: at("2026-10-25T00:30:00Z"),
                    certain: false
                }
            );
            // the hour that does not exist
            let Moment::At { certain, .. } = wall.read("2026-03-29 02:30:00") else {
                panic!()
            };
            assert!(!certain);
            assert!(wall.is_skipped("2026-03-29 02:30:00"));
            assert!(!wall.is_skipped("2026-10-25 02:30:00"));
            assert!(!wall.is_skipped("2026-03-29 03:00:00"));
        }
    }

    /// Every change from `since` on must be found, whichever way the clock is set meanwhile.
    #[test]
    fn nothing_that_changes_later_is_before_since() {
        for wall in berlin() {
            for day in ["2026-03-29", "2026-07-15", "2026-10-25"] {
                let start = at(&format!("{day}T00:00:00Z")) - Span::new().hours(3);
                for from in 0..60 {
                    let from = start + Span::new().minutes(from * 7);
                    let since = wall.since(from);
                    for later in 0..60 {
                        let later = wall.write(from + Span::new().minutes(later * 5));
                        assert!(since <= later, "since {since}, yet {later} comes after it");
                    }
                }
            }
        }
    }

    #[test]
    fn an_unknown_zone_is_said() {
        let error = Wall::of(&json!({"time_zone": "Europe/Bremen"})).unwrap_err();
        assert!(error.to_string().contains("Europe/Bremen"));
        assert!(Wall::of(&json!({"time_zone": 3})).is_err());
    }
}
