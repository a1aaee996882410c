//! How the simulated HighLevel stores phone numbers: E.164 wherever it can tell.
//!
//! The vendor's exact rules are not documented; known are an input of `+1 888-888-8888` and stored numbers such as
//! `+18832327657`. A national number takes the calling code of the contact's country, else of the location's.

/// The stored form of a number, or `None` if it is none: 7 to 15 digits after the plus.
pub(crate) fn to_e164(input: &str, country: Option<&str>) -> Option<String> {
    let input = input.trim();
    let mut international = false;
    let mut rest = input;
    if let Some(after) = rest.strip_prefix('+') {
        international = true;
        rest = after;
    }
    // "+49 (0) 711": the trunk zero is only spoken at home.
    let cleaned = rest.replace("(0)", "");
    let mut digits = String::with_capacity(cleaned.len());
    for character in cleaned.chars() {
        match character {
            '0'..='9' => digits.push(character),
            ' ' | '-' | '/' | '.' | '(' | ')' | '\u{a0}' | '\u{2011}' | '\u{2013}' => {}
            _ => return None,
        }
    }
    if !international {
        if let Some(after) = digits.strip_prefix("00") {
            digits = after.to_owned();
        } else {
            let code = calling_code(country?)?;
            let national = digits.strip_prefix('0').unwrap_or(&digits);
            digits = match (code, national.len()) {
                ("1", 11) if national.starts_with('1') => national.to_owned(),
                _ => format!("{code}{national}"),
            };
        }
    }
    ((7..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
}

fn calling_code(country: &str) -> Option<&'static str> {
    Some(match country {
        "US" | "CA" => "1",
        "DE" => "49",
        "AT" => "43",
        "CH" => "41",
        "LI" => "423",
        "LU" => "352",
        "FR" => "33",
        "BE" => "32",
        "NL" => "31",
        "GB" => "44",
        "IE" => "353",
        "DK" => "45",
        "SE" => "46",
        "NO" => "47",
        "FI" => "358",
        "PL" => "48",
        "CZ" => "420",
        "HU" => "36",
        "ES" => "34",
        "PT" => "351",
        "GR" => "30",
        "TR" => "90",
        "AU" => "61",
        "IN" => "91",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_e164() {
        for (input, country, stored) in [
            ("+1 888-888-8888", None, Some("+18888888888")),
            ("+49 (0) 711 791-7569", None, Some("+497117917569")),
            ("0711 / 791 75 69", Some("DE"), Some("+497117917569")),
            ("0043 664 5262519", None, Some("+436645262519")),
            ("(888) 888-8888", Some("US"), Some("+18888888888")),
            ("079 158 07 36", Some("CH"), Some("+41791580736")),
            ("079 158 07 36", None, None),
            ("call me", Some("DE"), None),
            ("+49 12", None, None),
        ] {
            assert_eq!(to_e164(input, country).as_deref(), stored, "{input}");
        }
    }
}
