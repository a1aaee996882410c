//! Wall-clock times as onOffice stores and shows them: Europe/Berlin, without a zone, to the second.
//!
//! In the hour that the clocks are set back every local time occurs twice and nothing tells the two apart, exactly as in a database
//! column without a zone. A moment is kept here as *civil seconds*: the seconds since 1970-01-01 00:00:00 read off a clock on the wall.

use jiff::{Timestamp, tz::TimeZone};

/// Seconds of the wall clock; compares like the text `YYYY-MM-DD HH:MM:SS`.
pub(crate) type CivilSeconds = i64;

/// The rule for Central European Time since 1996, so that no time-zone database is needed.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// One moment, as the wall shows it and in seconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) wall: CivilSeconds,
    pub(crate) utc: i64,
}

/// A wall clock in Berlin.
#[derive(Clone, Debug)]
pub(crate) struct WallClock(TimeZone);

impl WallClock {
    pub(crate) fn berlin() -> Self {
        Self(TimeZone::posix(BERLIN).expect("the rule is a valid POSIX time zone"))
    }

    /// What the clock on the wall shows at `now`, and `now` itself.
    pub(crate) fn moment(&self, now: Timestamp) -> Moment {
        Moment {
            wall: self.read(now),
            utc: now.as_second(),
        }
    }

    /// The moment at which the wall shows this; of two the earlier one, and where there is none as if the clock had not been put.
    pub(crate) fn utc(&self, wall: CivilSeconds) -> i64 {
        let offset = |at: i64| {
            Timestamp::from_second(at).map_or(3600, |at| i64::from(self.0.to_offset(at).seconds()))
        };
        // summer time is tried first: it gives the earlier of two moments
        [7200, 3600]
            .into_iter()
            .map(|guess| wall - guess)
            .find(|at| at + offset(*at) == wall)
            .unwrap_or(wall - 3600)
    }

    /// What the clock on the wall shows at `now`.
    pub(crate) fn read(&self, now: Timestamp) -> CivilSeconds {
        now.as_second() + i64::from(self.0.to_offset(now).seconds())
    }
}

/// `YYYY-MM-DD HH:MM:SS`.
pub(crate) fn datetime(seconds: CivilSeconds) -> String {
    let rest = seconds.rem_euclid(86_400);
    format!(
        "{} {:02}:{:02}:{:02}",
        date(seconds),
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// `YYYY-MM-DD`.
pub(crate) fn date(seconds: CivilSeconds) -> String {
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Reads `YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]`. `0000-00-00` is before every moment. `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<CivilSeconds> {
    let text = text.trim();
    if text.starts_with("0000-00-00") {
        return Some(i64::MIN);
    }
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, time),
        None => (text, "00:00:00"),
    };
    let days = parse_date(day)?;
    let mut parts = time.split(':');
    let mut next = |limit: i64| -> Option<i64> {
        let part = parts.next()?;
        let number: i64 = part.parse().ok()?;
        (part.len() == 2 && (0..limit).contains(&number)).then_some(number)
    };
    let hour = next(24)?;
    let minute = next(60)?;
    let second = if time.len() > 5 { next(60)? } else { 0 };
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 of a real calendar day written `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.parse().ok()?;
    if text.len() != 10 {
        return None;
    }
    Some(days_from_civil(
        i64::from(date.year()),
        i64::from(date.month()),
        i64::from(date.day()),
    ))
}

/// A day number as (year, month, day) of the Gregorian calendar.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn summer_and_winter_and_the_repeated_hour() {
        let clock = WallClock::berlin();
        let show = |text: &str| datetime(clock.read(at(text)));
        assert_eq!(show("2026-05-22T06:00:00Z"), "2026-05-22 08:00:00");
        assert_eq!(show("2026-01-15T23:30:00Z"), "2026-01-16 00:30:00");
        // 25 October 2026: 02:30 is shown twice, an hour apart
        assert_eq!(show("2026-10-25T00:30:00Z"), "2026-10-25 02:30:00");
        assert_eq!(show("2026-10-25T01:30:00Z"), "2026-10-25 02:30:00");
        assert_eq!(show("2026-10-25T02:00:00Z"), "2026-10-25 03:00:00");
        // 29 March 2026: 02:xx does not exist
        assert_eq!(show("2026-03-29T00:59:59Z"), "2026-03-29 01:59:59");
        assert_eq!(show("2026-03-29T01:00:00Z"), "2026-03-29 03:00:00");
    }

    #[test]
    fn what_the_wall_shows_is_one_moment() {
        let clock = WallClock::berlin();
        for (wall, utc) in [
            ("2026-05-22 08:00:00", "2026-05-22T06:00:00Z"),
            ("2026-01-16 00:30:00", "2026-01-15T23:30:00Z"),
            // shown twice: the first time
            ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
            // never shown
            ("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),
        ] {
            assert_eq!(
                clock.utc(parse(wall).unwrap()),
                at(utc).as_second(),
                "{wall}"
            );
        }
    }

    #[test]
    fn text_survives_the_round_trip() {
        for text in [
            "1969-12-31 23:59:59",
            "2000-02-29 00:00:00",
            "2026-10-25 02:30:00",
        ] {
            assert_eq!(datetime(parse(text).unwrap()), text);
        }
        assert_eq!(
            parse("2026-05-01").unwrap(),
            parse("2026-05-01 00:00:00").unwrap()
        );
        for bad in [
            "2026-02-30",
            "2026-05-01 24:00:00",
            "01.05.2026",
            "x",
            "2026-05-01 1:2:3",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
