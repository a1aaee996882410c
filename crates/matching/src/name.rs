//! How alike two names are.

use record::fold;

/// A name, folded: no case, no accents, umlauts reduced to their vowel, no particles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Name {
    first: Vec<String>,
    last: Vec<String>,
}

/// How alike one part of two names is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Two names.
    Other,
    /// One side has none.
    Missing,
    /// A short form, an initial, one of several names, or a typing error.
    Close,
    /// The same.
    Same,
}

/// How alike two whole names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Likeness {
    pub(crate) first: Part,
    pub(crate) last: Part,
    /// One of them has first and last name exchanged.
    pub(crate) swapped: bool,
}

/// Words that come and go in front of a family name, and titles in front of a given one.
const PARTICLES: [&str; 22] = [
    "von", "van", "vom", "zu", "zum", "zur", "der", "den", "dem", "de", "di", "da", "del", "della",
    "la", "le", "ten", "ter", "und", "dr", "prof", "dipl",
];

/// Short forms that stand for a name. Both ways, and transitively through the first of each group.
const SHORT_FORMS: &[&[&str]] = &[
    &["alexander", "alex", "sascha", "xander"],
    &["alexandra", "alex", "sandra"],
    &["andreas", "andi", "andy"],
    &["angelika", "geli"],
    &["anton", "toni", "tony"],
    &["barbara", "barbel", "babs", "bab"],
    &["benjamin", "ben", "benny"],
    &["bernhard", "bernd", "bernie"],
    &["bernd", "bernhard", "berndt"],
    &["brigitte", "gitte", "gitta", "biggi"],
    &["charlotte", "lotte"],
    &["christian", "chris"],
    &["christina", "tina", "chris"],
    &["christine", "tine", "chris"],
    &["christoph", "chris", "stoffel"],
    &["daniel", "dani", "dan"],
    &["daniela", "dani"],
    &["dietrich", "dieter"],
    &["dorothea", "dorothee", "thea"],
    &["eduard", "edi", "ede"],
    &[
        "elisabeth",
        "elli",
        "lisa",
        "lisbeth",
        "sissi",
        "sisi",
        "else",
        "elsa",
        "betty",
        "liesl",
    ],
    &["ferdinand", "ferdi"],
    &["franz", "franzl", "franzi"],
    &["franziska", "franzi"],
    &["friedrich", "fritz", "fred", "friedel"],
    &["gabriele", "gabi", "gaby"],
    &["georg", "schorsch", "jorg"],
    &["gerhard", "gerd", "gert"],
    &["gertrud", "trude", "traudl"],
    &["gunther", "gunter"],
    &["hannelore", "hanne", "lore"],
    &["heinrich", "heinz", "heiner", "hinnerk", "heini"],
    &["helmut", "helmuth", "helli"],
    &["hubert", "hubsi"],
    &["ignaz", "igi"],
    &["ilse", "ilsa"],
    &["jakob", "jacob", "jack"],
    &["joachim", "jochen", "achim", "jo"],
    &["johann", "johannes", "hans", "hannes", "jo", "hansi"],
    &["johannes", "johann", "hans", "hannes", "jo", "hansi"],
    &["johanna", "hanna", "hanni"],
    &["josef", "joseph", "sepp", "beppo", "jupp", "joschi"],
    &["julia", "jule"],
    &["karl", "carl", "kalle", "charly"],
    &["karolina", "karoline", "lina"],
    &[
        "katharina",
        "kathi",
        "kathe",
        "katja",
        "katrin",
        "kathrin",
        "trine",
    ],
    &["klaus", "claus", "nikolaus", "nico"],
    &["konrad", "conny", "kurt"],
    &["ludwig", "lutz", "luis", "wiggerl"],
    &["magdalena", "magda", "lena", "leni"],
    &["manfred", "manni", "fred"],
    &[
        "margarete",
        "margarethe",
        "margareta",
        "grete",
        "gretel",
        "greta",
        "gretchen",
        "rita",
    ],
    &["maria", "marie", "mia", "mitzi", "mizzi"],
    &["martin", "matin"],
    &["matthias", "mathias", "hias", "matze"],
    &["maximilian", "max", "maxi"],
    &["michael", "michi", "michel", "mike", "micha"],
    &["nikolaus", "klaus", "niko", "nico", "niklas"],
    &["otto", "ottl"],
    &["peter", "pit", "pete"],
    &["philipp", "philip", "phillip", "flip"],
    &["reinhard", "reini", "hardy"],
    &["reinhold", "reini", "holdi"],
    &["richard", "richi", "ricky"],
    &["robert", "rob", "bob", "robby", "bert"],
    &["roland", "roli"],
    &["rudolf", "rudi", "rolf", "dolf"],
    &["sabine", "bine", "sabina"],
    &["sebastian", "basti", "wastl"],
    &["siegfried", "sigi", "siggi"],
    &["sophie", "sophia", "sofie", "sofia", "fifi"],
    &["stefan", "stephan", "steffen", "steff"],
    &["stefanie", "stephanie", "steffi", "steffie"],
    &["susanne", "susi", "sanne", "susann", "susanna"],
    &["theodor", "theo"],
    &["theresa", "therese", "resi", "teresa"],
    &["thomas", "tom", "tommy"],
    &["ulrich", "uli", "ulli"],
    &["ulrike", "uli", "rike", "ulli"],
    &["ursula", "uschi", "ulla", "ursel"],
    &["valentin", "valle", "valtin"],
    &["veronika", "vroni"],
    &["viktoria", "vicky", "vicki"],
    &["walter", "walther", "waldi"],
    &["waltraud", "traudl", "walli"],
    &["werner", "wernher"],
    &["wilhelm", "willi", "willy", "helm"],
    &["wolfgang", "wolf", "wolfi", "gangerl"],
    &["william", "bill", "will", "billy"],
    &["edward", "ed", "ted", "eddie"],
    &["james", "jim", "jimmy"],
    &["elizabeth", "liz", "beth", "betty"],
    &["katherine", "kate", "kathy", "katie"],
];

impl Name {
    pub(crate) fn new(first: Option<&str>, last: Option<&str>) -> Self {
        Self {
            first: words(first),
            last: words(last),
        }
    }

    /// The first letters of the first and the last name, in the order of the alphabet.
    pub(crate) fn initials(&self) -> Option<String> {
        let mut initials: Vec<char> = [&self.first, &self.last]
            .into_iter()
            .filter_map(|words| words.first()?.chars().next())
            .collect();
        if initials.len() < 2 {
            return None;
        }
        initials.sort_unstable();
        Some(initials.into_iter().collect())
    }

    /// All words in the order of the alphabet.
    pub(crate) fn words(&self) -> Option<String> {
        if self.first.is_empty() || self.last.is_empty() {
            return None;
        }
        let mut words: Vec<&str> = self
            .first
            .iter()
            .chain(&self.last)
            .map(String::as_str)
            .collect();
        words.sort_unstable();
        Some(words.join(" "))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.last.is_empty()
    }

    pub(crate) fn compare(&self, other: &Self) -> Likeness {
        let straight = Likeness {
            first: given(&self.first, &other.first),
            last: family(&self.last, &other.last),
            swapped: false,
        };
        if straight.first == Part::Same && straight.last == Part::Same {
            return straight;
        }
        // which of the two has them exchanged is not known: either may, and the weaker part speaks for both
        let crossed = exchanged(self, other).max(exchanged(other, self));
        let swapped = Likeness {
            first: crossed,
            last: crossed,
            swapped: true,
        };
        let weight = |likeness: Likeness| likeness.first as u8 + likeness.last as u8;
        let sound =
            |likeness: Likeness| likeness.first >= Part::Close && likeness.last >= Part::Close;
        if sound(swapped) && (!sound(straight) || weight(swapped) > weight(straight)) {
            swapped
        } else {
            straight
        }
    }
}

/// How alike two names are if `one` has first and last name in their places and `other` has them exchanged. A family name
/// may have a typing error at its end, which would be another name if it was a given one.
fn exchanged(one: &Name, other: &Name) -> Part {
    let last = given(&one.last, &other.first).max(family(&one.last, &other.first));
    given(&one.first, &other.last).min(last)
}

fn words(text: Option<&str>) -> Vec<String> {
    let folded = fold::loose(text.unwrap_or_default());
    let all: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let told: Vec<&str> = all
        .iter()
        .copied()
        .filter(|word| !PARTICLES.contains(word))
        .collect();
    let words = if told.is_empty() { all } else { told };
    words.into_iter().map(str::to_owned).collect()
}

fn given(one: &[String], other: &[String]) -> Part {
    if one.is_empty() || other.is_empty() {
        return Part::Missing;
    }
    if one.concat() == other.concat() {
        return Part::Same;
    }
    let (few, many) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let alike = |a: &str, b: &str| {
        a == b || is_initial(a, b) || is_initial(b, a) || is_short_form(a, b) || is_slip(a, b)
    };
    let all_found = few
        .iter()
        .all(|word| many.iter().any(|candidate| alike(word, candidate)));
    if all_found || is_slip(&one.concat(), &other.concat()) {
        Part::Close
    } else {
        Part::Other
    }
}

fn family(one: &[String], other: &[String]) -> Part {
    if one.is_empty() || other.is_empty() {
        return Part::Missing;
    }
    let (joined, other_joined) = (one.concat(), other.concat());
    if joined == other_joined {
        return Part::Same;
    }
    let (few, many) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let contained = few.iter().all(|word| many.contains(word));
    if contained || is_typo(&joined, &other_joined) {
        Part::Close
    } else {
        Part::Other
    }
}

fn is_initial(one: &str, other: &str) -> bool {
    one.chars().count() == 1 && other.starts_with(one)
}

fn is_short_form(one: &str, other: &str) -> bool {
    SHORT_FORMS.iter().any(|group| {
        group.contains(&one) && group.contains(&other) && (group[0] == one || group[0] == other)
    })
}

/// A typing error in a given name. Names that differ in their end only are two names: Andrea and
/// Andreas, Maria and Mario, Simon and Simone.
fn is_slip(one: &str, other: &str) -> bool {
    let common = one
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let ends = [one, other].map(|name| name.chars().count() - common);
    let other_end = ends.contains(&0) || ends == [1, 1];
    !other_end && is_typo(one, other)
}

/// One slip of the fingers in a short name, two in a long one; never in the first letter alone.
fn is_typo(one: &str, other: &str) -> bool {
    let longer = one.chars().count().max(other.chars().count());
    if longer < 4 || strsim::jaro_winkler(one, other) < 0.88 {
        return false;
    }
    let allowed = if longer >= 9 { 2 } else { 1 };
    strsim::damerau_levenshtein(one, other) <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: (&str, &str), other: (&str, &str)) -> (Part, Part, bool) {
        let name = |(first, last)| Name::new(Some(first), Some(last));
        let likeness = name(one).compare(&name(other));
        (likeness.first, likeness.last, likeness.swapped)
    }

    #[test]
    fn spellings_of_one_name_are_the_same_and_other_names_are_not() {
        let same = (Part::Same, Part::Same, false);
        assert_eq!(likeness(("Jörg", "Müller"), ("JOERG", "Mueller")), same);
        assert_eq!(likeness(("Jörg", "Müller"), ("Jorg", "Muller")), same);
        assert_eq!(
            likeness(("Karl-Heinz", "Weiß"), ("Karl Heinz", "Weiss")),
            same
        );
        assert_eq!(likeness(("Anna", "von der Heide"), ("Anna", "Heide")), same);
        assert_eq!(
            likeness(("Anna", "Huber"), ("Huber", "Anna")),
            (Part::Same, Part::Same, true)
        );
        assert_eq!(
            likeness(("Ottt", "Peter"), ("Peter", "Ott")),
            (Part::Close, Part::Close, true)
        );
        // exchanged or not, Andrea is not Andreas
        assert_eq!(
            likeness(("Andrea", "Simon"), ("Simone", "Andreas")),
            (Part::Other, Part::Other, false)
        );
        assert_eq!(
            likeness(("Anna", "Huber"), ("Maria", "Huber")),
            (Part::Other, Part::Same, false)
        );
        assert_eq!(
            likeness(("Hans", "Huber"), ("Johannes", "Hubber")),
            (Part::Close, Part::Close, false)
        );
        assert_eq!(
            likeness(("A.", "Huber-Maier"), ("Anna", "Huber")),
            (Part::Close, Part::Close, false)
        );
        assert_eq!(
            likeness(("Mei", "Li"), ("Mei", "Lin")),
            (Part::Same, Part::Other, false)
        );
        assert_eq!(
            likeness(("Eva", "Huber"), ("Ida", "Moser")),
            (Part::Other, Part::Other, false)
        );
    }
}
