//! Days, in the forms in which systems and people write them.

use jiff::civil::Date;

/// Reads a day.
///
/// Year first with any of `-/._` between; day first with `.` (German); month first with `/`, `-` or
/// `_` (American), unless only day first is possible. A time after the day is dropped: it belongs to
/// the spelling of a birthday, not to the birthday. Years have four digits. The "zero date"
/// `0000-00-00` is no day.
pub fn parse(text: &str) -> Option<Date> {
    let text = text.trim();
    let day = text.split_once(['T', ' ']).map_or(text, |(day, _time)| day);
    let separator = day.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '-' | '/' | '.' | '_') {
        return None;
    }
    let mut parts = day.split(separator);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let number = |part: &str| -> Option<i16> {
        if part.bytes().all(|b| b.is_ascii_digit()) && (1..=4).contains(&part.len()) {
            part.parse().ok()
        } else {
            None
        }
    };
    let (year, month, day) = if a.len() == 4 {
        (number(a)?, number(b)?, number(c)?)
    } else if c.len() == 4 {
        let (first, second) = (number(a)?, number(b)?);
        if separator == '.' || first > 12 {
            (number(c)?, second, first)
        } else {
            (number(c)?, first, second)
        }
    } else {
        return None;
    };
    if year == 0 {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Whether this is the way some systems write "no day": zeros in the form of a day.
pub fn is_zero(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("0000") && !text.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_read_in_all_their_forms() {
        let day = date(1983, 7, 9);
        for text in [
            "1983-07-09",
            "1983/07/09",
            "1983.7.9",
            "1983_07_09",
            "07/09/1983",
            "07-09-1983",
            "9.7.1983",
            "09.07.1983 ",
            "1983-07-09T00:00:00.000Z",
            "1983-07-09 00:00:00",
        ] {
            assert_eq!(parse(text), Some(day), "{text}");
        }
        assert_eq!(parse("31/12/1983"), Some(date(1983, 12, 31)));
        for text in [
            "",
            "0000-00-00",
            "1983",
            "9.7.83",
            "1983-13-01",
            "1983-02-30",
            "a.b.c",
            "1-2-3-4",
            "١٩٨٣-٠٧-٠٩",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(is_zero("0000-00-00 00:00:00"));
        assert!(!is_zero("2000-00-00"));
    }
}
