//! The people themselves, before any system got hold of them.

use super::dice::Dice;
use super::words::{
    Country, FIRM_ENDS, FIRMS, MAIL_DOMAINS, MEN, STREET_ENDS, STREETS, SURNAMES, TAGS, WOMEN,
};

/// One human being as she would write herself down.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) female: bool,
    pub(super) first_name: &'static str,
    /// What friends say; "" where nobody does.
    pub(super) nickname: &'static str,
    pub(super) surname: &'static str,
    pub(super) email: String,
    /// A second address, used here and there.
    pub(super) other_email: String,
    pub(super) phone: Phone,
    pub(super) street: String,
    pub(super) postcode: &'static str,
    pub(super) town: &'static str,
    pub(super) country: Country,
    /// `YYYY-MM-DD`.
    pub(super) birthday: String,
    pub(super) company: Option<String>,
    /// Places in [`TAGS`], ascending.
    pub(super) tags: Vec<usize>,
    /// Lives with somebody and shares an e-mail address or a number.
    pub(super) household: bool,
    /// Has the first name and surname of somebody else.
    pub(super) namesake: bool,
}

/// A number in its parts, without zeros or country code.
#[derive(Clone, Debug)]
pub(super) struct Phone {
    pub(super) country: Country,
    pub(super) area: &'static str,
    pub(super) line: String,
}

/// In so many of a hundred cases two people after one another are a household.
const HOUSEHOLDS: u8 = 8;
/// In so many of a hundred cases a person has the name of the one before.
const NAMESAKES: u8 = 2;

/// Makes people one after the other; what the nth is depends on the seed and on who came just before.
pub(super) fn people(seed: u64, count: usize) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::with_capacity(count);
    for number in 0..count {
        let mut dice = Dice::of(seed, 1, number as u64);
        let mut person = single(number, &mut dice);
        if let Some(before) = people
            .last_mut()
            .filter(|before| !before.household && !before.namesake)
        {
            if dice.percent(HOUSEHOLDS) {
                move_in(&mut person, before, &mut dice);
            } else if dice.percent(NAMESAKES) {
                person.female = before.female;
                person.first_name = before.first_name;
                person.nickname = before.nickname;
                person.surname = before.surname;
                person.email = address(&person, number, 0, &mut dice);
                person.namesake = true;
                before.namesake = true;
            }
        }
        people.push(person);
    }
    people
}

fn single(number: usize, dice: &mut Dice) -> Person {
    let female = dice.percent(50);
    let (first_name, nickname) = *dice.pick(if female { WOMEN } else { MEN });
    let surname = *dice.pick(SURNAMES);
    let country = match dice.below(100) {
        0..80 => Country::Germany,
        80..92 => Country::Austria,
        _ => Country::Switzerland,
    };
    let (town, postcode, area) = *dice.pick(country.towns());
    let (mobiles, digits) = country.mobiles();
    let (area, digits) = if dice.percent(70) {
        (*dice.pick(mobiles), digits)
    } else {
        (area, 7)
    };
    // a different line for each of ten million people, so that shared numbers are only those that we mean
    let line = (2_000_000 + (number * 7_919) % 7_999_993).to_string();
    let line = format!("{line}{}", &"0".repeat(digits.saturating_sub(line.len())));
    let company = dice.percent(30).then(|| {
        format!(
            "{} {} {}",
            surname_of_firm(dice),
            dice.pick(FIRMS),
            dice.pick(FIRM_ENDS)
        )
    });
    let mut tags: Vec<usize> = (0..TAGS.len()).filter(|_| dice.percent(18)).collect();
    tags.truncate(4);
    let mut person = Person {
        female,
        first_name,
        nickname,
        surname,
        email: String::new(),
        other_email: String::new(),
        phone: Phone {
            country,
            area,
            line,
        },
        street: format!(
            "{}{} {}{}",
            dice.pick(STREETS),
            dice.pick(STREET_ENDS),
            1 + dice.below(148),
            if dice.percent(8) { "a" } else { "" }
        ),
        postcode,
        town,
        country,
        birthday: format!(
            "{}-{:02}-{:02}",
            1938 + dice.below(68),
            1 + dice.below(12),
            1 + dice.below(28)
        ),
        company,
        tags,
        household: false,
        namesake: false,
    };
    if country == Country::Switzerland {
        person.street = person.street.replace('ß', "ss");
    }
    person.email = address(&person, number, 0, dice);
    person.other_email = address(&person, number, 1, dice);
    person
}

/// The two share a surname and a home, and either an e-mail address or a number.
fn move_in(person: &mut Person, before: &mut Person, dice: &mut Dice) {
    person.surname = before.surname;
    person.street.clone_from(&before.street);
    person.postcode = before.postcode;
    person.town = before.town;
    person.country = before.country;
    if person.first_name == before.first_name {
        (person.first_name, person.nickname) = if person.female {
            ("Wiebke", "")
        } else {
            ("Hartmut", "")
        };
    }
    if dice.percent(50) {
        person.email.clone_from(&before.email);
    } else {
        person.phone = before.phone.clone();
    }
    person.household = true;
    before.household = true;
}

/// An e-mail address that nobody else has: the name, and a number that follows from who it is.
fn address(person: &Person, number: usize, which: usize, dice: &mut Dice) -> String {
    let first = ascii(person.first_name).to_lowercase();
    let last = ascii(person.surname).to_lowercase().replace(' ', "");
    let domain = dice.pick(MAIL_DOMAINS);
    let name = match (which, dice.below(3)) {
        (0, 0) => format!("{first}.{last}"),
        (0, 1) => format!("{}.{last}", &first[..1]),
        (0, _) => format!("{last}.{first}"),
        (_, _) => format!("{first}-privat"),
    };
    format!("{name}{}@{domain}", number + 11)
}

fn surname_of_firm(dice: &mut Dice) -> &'static str {
    dice.pick::<&str>(SURNAMES)
}

/// A text without umlauts, as people write it where there is no such key.
pub(super) fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        match character {
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'Ä' => out.push_str("Ae"),
            'Ö' => out.push_str("Oe"),
            'Ü' => out.push_str("Ue"),
            'ë' => out.push('e'),
            'ı' => out.push('i'),
            plain => out.push(plain),
        }
    }
    out
}
