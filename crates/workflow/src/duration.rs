//! Lengths of time as people write them.

use std::time::Duration;

/// The longest wait: ten years.
const LONGEST: u64 = 3650 * 86_400;

/// Reads `90`, `30 minutes`, `2h`, `1 day 12 hours`. A number without a word is seconds.
#[must_use]
pub(crate) fn read(text: &str) -> Option<Duration> {
    let mut seconds = 0.0_f64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let word_end = rest
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(rest.len());
        let unit = match &rest[..word_end] {
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 7.0 * 86_400.0,
            _ => return None,
        };
        seconds += number * unit;
        rest = rest[word_end..].trim_start();
    }
    if !seconds.is_finite() || seconds < 0.0 {
        return None;
    }
    let longest = Duration::from_secs(LONGEST);
    let read = Duration::try_from_secs_f64(seconds).ok()?;
    (read <= longest).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90", 90),
            ("30 minutes", 1800),
            ("2h", 7200),
            ("1 day 12 hours", 129_600),
        ] {
            assert_eq!(read(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "soon", "3 fortnights", "-1h", "99999999999d"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
