//! Plain text: what stays when white space and encodings that nobody sees are taken away.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// One line: composed (NFC), white space at the ends gone and inside as single spaces.
pub fn line(text: &str) -> String {
    if is_plain_line(text) {
        return text.to_owned();
    }
    let visible = without_invisible(text);
    let mut line = String::with_capacity(visible.len());
    for word in visible.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    nfc(line)
}

/// Several lines: composed (NFC), `\n` between lines, white space at the ends of lines and around
/// the whole gone. Leading white space inside is kept.
pub fn block(text: &str) -> String {
    let visible = without_invisible(text);
    let unix = visible
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\u{a0}', " ");
    let mut block = String::with_capacity(unix.len());
    for (index, line) in unix.trim().split('\n').enumerate() {
        if index > 0 {
            block.push('\n');
        }
        block.push_str(line.trim_end());
    }
    nfc(block)
}

fn is_plain_line(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
        && !text.contains("  ")
}

/// Without zero-width spaces and byte order marks, which come along with copied text.
fn without_invisible(text: &str) -> Cow<'_, str> {
    if text.contains(['\u{200b}', '\u{feff}', '\u{2060}']) {
        Cow::Owned(text.replace(['\u{200b}', '\u{feff}', '\u{2060}'], ""))
    } else {
        Cow::Borrowed(text)
    }
}

fn nfc(text: String) -> String {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text
    } else {
        text.nfc().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_people_see_stays() {
        assert_eq!(line(" Bad\u{a0} Homburg\r\n"), "Bad Homburg");
        assert_eq!(line("Mu\u{308}ller\u{200b}"), "Müller");
        assert_eq!(block("\n a \r\n  b\rc \n\n"), "a\n  b\nc");
    }

    proptest! {
        #[test]
        fn doing_it_twice_changes_nothing(text in any::<String>()) {
            let once = line(&text);
            prop_assert_eq!(line(&once), once);
            let once = block(&text);
            prop_assert_eq!(block(&once), once);
        }
    }
}
