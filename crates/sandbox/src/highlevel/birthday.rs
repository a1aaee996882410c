//! The many ways to write a day of birth to HighLevel.

use jiff::civil::Date;

/// The day of a text in one of the eight documented forms, or in the timestamp form of create answers. Year first, or
/// month first with the year last.
pub(crate) fn parse(text: &str) -> Option<Date> {
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    let separator = day
        .chars()
        .find(|character| matches!(character, '/' | '-' | '.' | '_'))?;
    let parts: Vec<&str> = day.split(separator).collect();
    let [first, second, third] = parts.as_slice() else {
        return None;
    };
    let (year, month, day) = if first.len() == 4 {
        (first, second, third)
    } else {
        (third, first, second)
    };
    if year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_documented_forms_are_one_day() {
        for text in [
            "1990/09/25",
            "09/25/1990",
            "1990-09-25",
            "09-25-1990",
            "1990.09.25",
            "09.25.1990",
            "1990_09_25",
            "09_25_1990",
            "1990-09-25T00:00:00.000Z",
        ] {
            assert_eq!(parse(text), Some(jiff::civil::date(1990, 9, 25)), "{text}");
        }
        assert_eq!(parse("25.09.1990"), None);
        assert_eq!(parse("yesterday"), None);
    }
}
