//! E-mail addresses.

use std::str::FromStr;

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

/// The form in which two spellings of one address are equal: compatibility-composed (NFKC), without
/// white space, in lower case.
///
/// The local part may by RFC 5321 depend on case; no mailbox that people use does.
pub fn canonical(text: &str) -> String {
    let text = text.trim();
    if text.is_ascii() {
        return text
            .chars()
            .filter(|c| !c.is_ascii_whitespace() && !c.is_ascii_control())
            .map(|c| c.to_ascii_lowercase())
            .collect();
    }
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded
        .nfkc()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(*c))
        .nfkc()
        .collect()
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}' | '\u{feff}' | '\u{2060}')
}

/// Whether a canonical address could receive mail: a local part and a domain with a dot.
pub fn is_valid(canonical: &str) -> bool {
    EmailAddress::parse_with_options(canonical, options()).is_ok()
        && EmailAddress::from_str(canonical).is_ok_and(|address| !address.domain().ends_with('.'))
}

fn options() -> Options {
    Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_address_are_equal() {
        assert_eq!(canonical(" Erika@Beispiel.DE "), "erika@beispiel.de");
        assert_eq!(canonical("ｅrika@beispiel.de"), "erika@beispiel.de");
        assert_eq!(canonical("erika@\u{200b}beispiel.de"), "erika@beispiel.de");
    }

    #[test]
    fn only_what_can_receive_mail_is_valid() {
        for good in ["a@b.de", "erika.o'neill+x@büro.example"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.de",
            "a@b",
            "a b@c.de",
            "a@b@c.de",
            "a@b.",
            "keine",
            "x <a@b.de>",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn doing_it_twice_changes_nothing(text in any::<String>()) {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once);
        }
    }
}
