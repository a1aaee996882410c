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

/// Words that say in which legal form an organisation is run, folded.
const LEGAL_FORMS: [&str; 38] = [
    "ab",
    "ag",
    "as",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "eg",
    "ek",
    "ev",
    "gbr",
    "gesellschaft",
    "ggmbh",
    "gmbh",
    "haftungsbeschrankt",
    "inc",
    "incorporated",
    "kg",
    "kgaa",
    "limited",
    "llc",
    "llp",
    "ltd",
    "mbh",
    "nv",
    "ohg",
    "oy",
    "plc",
    "sa",
    "sarl",
    "sas",
    "se",
    "sl",
    "spa",
    "srl",
    "ug",
    "partg",
];

/// The name of an organisation by which spellings of it are found: [`loose`], without the legal form at its
/// end. A name that is nothing else stays as it is.
///
/// `Müller Bau GmbH & Co. KG`, `Mueller Bau gmbh` and `MÜLLER BAU` are the same. For finding candidates, not
/// for proof.
pub fn organisation(text: &str) -> String {
    let folded = loose(text);
    let words: Vec<&str> = folded.split(' ').collect();
    let mut kept = words.len();
    while kept > 1 {
        let last = words[kept - 1];
        // `e. V.` and `G.m.b.H.` fall apart into letters.
        let is_form = LEGAL_FORMS.contains(&last)
            || (kept < words.len() && matches!(last, "und" | "and" | "et" | "i"));
        if is_form {
            kept -= 1;
            continue;
        }
        let spelled_out = [4, 2].into_iter().find(|letters| {
            kept > *letters
                && words[kept - letters..kept]
                    .iter()
                    .all(|word| word.len() == 1)
                && LEGAL_FORMS.contains(&words[kept - letters..kept].concat().as_str())
        });
        match spelled_out {
            Some(letters) => kept -= letters,
            None => break,
        }
    }
    words[..kept].join(" ")
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

    #[test]
    fn an_organisation_is_found_whatever_its_legal_form() {
        for spelled in [
            "Müller Bau GmbH & Co. KG",
            "Mueller Bau gmbh",
            "MÜLLER BAU",
            "Müller-Bau e.V.",
            "Müller Bau G.m.b.H.",
            "Müller Bau UG (haftungsbeschränkt)",
        ] {
            assert_eq!(organisation(spelled), "muller bau", "{spelled}");
        }
        assert_ne!(organisation("Bau Müller"), organisation("Müller Bau"));
        // Nothing else than a form is a name all the same.
        assert_eq!(organisation("SE"), "se");
        assert_eq!(organisation("A B C"), "a b c");
        assert_eq!(organisation(""), "");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = name(&text);
            prop_assert_eq!(name(&once), once);
        }
    }
}
