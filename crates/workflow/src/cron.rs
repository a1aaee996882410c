//! Times as cron writes them: minute, hour, day of the month, month, day of the week.

use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};

/// When something is due, in a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Neither day field is `*`: one of the two is enough.
    either_day: bool,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// No time is looked for further ahead: a 29 February comes within eight years.
const YEARS_AHEAD: i16 = 9;

impl Cron {
    /// Reads five fields.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(
                "five fields were expected: minute, hour, day of the month, month, day of the week"
                    .to_owned(),
            );
        };
        let mut weekday = field(weekdays, 0, 7, &WEEKDAYS, "day of the week")?;
        // 7 is Sunday, too
        weekday |= weekday >> 7 & 1;
        let cron = Self {
            minutes: field(minutes, 0, 59, &[], "minute")?,
            hours: field(hours, 0, 23, &[], "hour")?,
            days: field(days, 1, 31, &[], "day of the month")?,
            months: field(months, 1, 12, &MONTHS, "month")?,
            weekdays: weekday,
            either_day: days != "*" && weekdays != "*",
        };
        let somewhere = civil::date(2024, 1, 1).at(0, 0, 0, 0);
        if cron.next(somewhere).is_none() {
            return Err("no day fits".to_owned());
        }
        Ok(cron)
    }

    /// The first moment after this one, in a time zone. An hour that the clocks leave out comes when they have been
    /// put forward; one that comes twice counts once.
    #[must_use]
    pub fn after(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut local = at.to_zoned(zone.clone()).datetime();
        loop {
            local = self.next(local)?;
            let moment = zone
                .to_ambiguous_zoned(local)
                .compatible()
                .ok()?
                .timestamp();
            if moment > at {
                return Some(moment);
            }
        }
    }

    fn next(&self, after: civil::DateTime) -> Option<civil::DateTime> {
        let start = after
            .with()
            .second(0)
            .subsec_nanosecond(0)
            .build()
            .ok()?
            .checked_add(1.minute())
            .ok()?;
        let mut day = start.date();
        let last = day.year() + YEARS_AHEAD;
        while day.year() <= last {
            if self.has_day(day) {
                let from = if day == start.date() {
                    (start.hour(), start.minute())
                } else {
                    (0, 0)
                };
                for hour in (from.0..24).filter(|hour| has(self.hours, *hour)) {
                    let first = if hour == from.0 { from.1 } else { 0 };
                    let minute = (first..60).find(|minute| has(self.minutes, *minute));
                    if let Some(minute) = minute {
                        return Some(day.at(hour, minute, 0, 0));
                    }
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn has_day(&self, day: civil::Date) -> bool {
        if !has(self.months, day.month()) {
            return false;
        }
        let of_month = has(self.days, day.day());
        let of_week = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        if self.either_day {
            of_month || of_week
        } else {
            of_month && of_week
        }
    }
}

fn has(set: u64, number: i8) -> bool {
    set >> number & 1 == 1
}

fn field(text: &str, least: u64, most: u64, names: &[&str], what: &str) -> Result<u64, String> {
    let number = |word: &str| -> Result<u64, String> {
        let named = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(word));
        let number = match named {
            Some(at) => at as u64 + least,
            None => word.parse().map_err(|_| format!("`{word}` is no {what}"))?,
        };
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("a {what} lies between {least} and {most}"))
        }
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: u64 = step
                    .parse()
                    .ok()
                    .filter(|step| *step > 0)
                    .ok_or_else(|| format!("`{step}` is no step"))?;
                (range, step)
            }
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return Err(format!("`{range}` goes backwards"));
        }
        for number in (from..=to).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            set |= 1 << number;
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(cron: &str, zone: &str, at: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let next = Cron::read(cron).unwrap().after(at.parse().unwrap(), &zone);
        next.unwrap().to_string()
    }

    #[test]
    fn times_come_as_the_clock_on_the_wall_shows_them() {
        let berlin = "Europe/Berlin";
        for (cron, at, expected) in [
            ("0 7 * * *", "2026-06-01T05:00:00Z", "2026-06-02T05:00:00Z"),
            ("0 7 * * *", "2026-06-01T04:59:59Z", "2026-06-01T05:00:00Z"),
            (
                "*/15 9-17 * * mon-fri",
                "2026-11-20T16:46:00Z",
                "2026-11-23T08:00:00Z",
            ),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-28T23:00:00Z"),
            // either day is enough where both are named
            ("0 12 1 * 5", "2026-11-22T00:00:00Z", "2026-11-27T11:00:00Z"),
            // 02:30 is left out on this night
            ("30 2 * * *", "2026-03-28T22:00:00Z", "2026-03-29T01:30:00Z"),
            // and comes twice on this one, but counts once
            ("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ] {
            assert_eq!(after(cron, berlin, at), expected, "{cron} after {at}");
        }
    }

    #[test]
    fn what_is_no_time_is_told() {
        for (cron, word) in [
            ("* * * *", "five fields"),
            ("61 * * * *", "between 0 and 59"),
            ("0 0 30 2 *", "no day"),
            ("0 0 * * sunnday", "no day of the week"),
            ("5-1 * * * *", "backwards"),
        ] {
            let error = Cron::read(cron).unwrap_err();
            assert!(error.contains(word), "{cron}: {error}");
        }
    }
}
