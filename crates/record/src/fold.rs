//! Names folded for comparison: what stays when spelling habits are taken away.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Lower case, umlauts and ligatures written out (`ä` → `ae`, `ß` → `ss`), other accents dropped,
/// hyphens, apostrophes and punctuation as single spaces.
///
/// `Müller-Lüdenscheidt` and `MUELLER LUEDENSCHEIDT` fold to the same.
pub fn name(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 2);
    let mut gap = false;
    let mut push = |part: &str| {
        for character in part.chars() {
            if character.is_alphanumeric() {
                if gap && !folded.is_empty() {
                    folded.push(' ');
                }
                gap = false;
                folded.push(character);
            } else if !is_apostrophe(character) {
                gap = true;
            }
        }
    };
    if text.is_ascii() {
        let lower = text.to_ascii_lowercase();
        push(&lower);
        return folded;
    }
    let composed: String = text.nfkc().flat_map(char::to_lowercase).collect();
    for character in composed.nfc() {
        match character {
            'ä' | 'æ' => push("ae"),
            'ö' | 'ø' | 'œ' => push("oe"),
            'ü' => push("ue"),
            'å' => push("aa"),
            'ß' => push("ss"),
            'đ' | 'ð' => push("d"),
            'ł' => push("l"),
            'þ' => push("th"),
            'ı' => push("i"),
            other => {
                for base in std::iter::once(other).nfd() {
                    if !is_combining_mark(base) {
                        push(base.encode_utf8(&mut [0; 4]));
                    }
                }
            }
        }
    }
    folded
}

/// [`name`] with written-out umlauts reduced to their vowel, so that `Müller`, `Mueller` and
/// `Muller` are the same. Coarser: for finding candidates, not for proof.
pub fn loose(text: &str) -> String {
    let folded = name(text);
    let mut loose = String::with_capacity(folded.len());
    let mut characters = folded.chars().peekable();
    while let Some(character) = characters.next() {
        loose.push(character);
        if matches!(character, 'a' | 'o' | 'u') && characters.peek() == Some(&'e') {
            characters.next();
        }
    }
    loose
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2019}' | '\u{2018}' | '`' | '´')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_fold_to_the_same() {
        assert_eq!(name(" Müller-Lüdenscheidt"), name("MUELLER  LUEDENSCHEIDT"));
        assert_eq!(name("Weiß"), name("WEISS"));
        assert_eq!(name("O’Neill"), name("ONeill"));
        assert_eq!(name("Noëlle"), "noelle");
        assert_eq!(name("Mu\u{308}ller"), "mueller");
        assert_eq!(loose("Müller"), loose("Muller"));
        assert_ne!(name("Mayer"), name("Meyer"));
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = name(&text);
            prop_assert_eq!(name(&once), once);
        }
    }
}
