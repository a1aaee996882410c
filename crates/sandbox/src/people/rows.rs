//! People as systems hold them: in the shape of a create call, and with what goes wrong when somebody types them in.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::person::{Person, Phone, ascii};
use super::side::Side;
use super::words::TAGS;

/// What is wrong or different about one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dirt {
    /// Capitals in the e-mail address.
    EmailCase,
    /// Another address of the same person.
    OtherEmail,
    /// No e-mail address.
    NoEmail,
    /// No phone number.
    NoPhone,
    /// Umlauts written out.
    Ascii,
    /// A letter of the surname missing, doubled or in the wrong place.
    Typo,
    /// First name and surname in each other's place.
    Swapped,
    /// The short form of the first name.
    Nickname,
    /// A space at the end of some value.
    Space,
    /// The street written another way.
    Street,
    /// A second row for the same person in the same system.
    Duplicate,
    /// Shares an e-mail address or a number with somebody else.
    Household,
    /// Has the name of somebody else.
    Namesake,
    /// Postcode and town in each other's place.
    SwappedTown,
}

impl std::fmt::Display for Dirt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::EmailCase => "email-case",
            Self::OtherEmail => "other-email",
            Self::NoEmail => "no-email",
            Self::NoPhone => "no-phone",
            Self::Ascii => "ascii",
            Self::Typo => "typo",
            Self::Swapped => "swapped",
            Self::Nickname => "nickname",
            Self::Space => "space",
            Self::Street => "street",
            Self::Duplicate => "duplicate",
            Self::Household => "household",
            Self::Namesake => "namesake",
            Self::SwappedTown => "swapped-town",
        })
    }
}

/// One row of a system.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which person it is; the same number on every side.
    pub person: u32,
    /// What is wrong about it.
    pub dirt: Vec<Dirt>,
    /// The record, in the shape of the system's create call.
    pub record: Value,
}

/// Writes one person down for one system.
pub(super) fn row(
    side: Side,
    number: u32,
    person: &Person,
    duplicate: bool,
    dirty: bool,
    dice: &mut Dice,
) -> Row {
    let mut dirt = Vec::new();
    let mut first = person.first_name.to_owned();
    let mut last = person.surname.to_owned();
    let mut email = person.email.clone();
    let mut street = person.street.clone();
    let mut happens = |what: Dirt, chance: u8, possible: bool, dice: &mut Dice| {
        let it = possible && dirty && dice.percent(chance);
        if it {
            dirt.push(what);
        }
        it
    };
    if happens(Dirt::Nickname, 2, !person.nickname.is_empty(), dice) {
        first = person.nickname.to_owned();
    }
    if happens(Dirt::Typo, 6, true, dice) {
        last = mistyped(&last, dice);
    }
    let umlauts = ascii(&last) != last || ascii(&first) != first;
    if happens(Dirt::Ascii, 12, umlauts, dice) {
        (first, last) = (ascii(&first), ascii(&last));
    }
    if happens(Dirt::Swapped, 3, true, dice) {
        std::mem::swap(&mut first, &mut last);
    }
    if happens(Dirt::Street, 12, street.contains("straße"), dice) {
        street = street.replace("straße", dice.pick::<&str>(&["str.", " Straße", "strasse"]));
    }
    if happens(Dirt::OtherEmail, 3, !person.household, dice) {
        email.clone_from(&person.other_email);
    }
    if happens(Dirt::EmailCase, 15, true, dice) {
        email = if dice.percent(50) {
            email.to_uppercase()
        } else {
            capitalised(&email)
        };
    }
    let no_email = happens(Dirt::NoEmail, 8, true, dice);
    let no_phone = happens(Dirt::NoPhone, 8, !no_email, dice);
    let space = happens(Dirt::Space, 5, true, dice);
    let phone = written(&person.phone, dirty, dice);
    if duplicate {
        dirt.push(Dirt::Duplicate);
    }
    if person.household {
        dirt.push(Dirt::Household);
    }
    if person.namesake {
        dirt.push(Dirt::Namesake);
    }
    let mut town = person.town.to_owned();
    if space {
        match dice.below(3) {
            0 => last.push(' '),
            1 => town.push(' '),
            _ => email.push(' '),
        }
    }
    // members rarely have an address; drawn last, so that it changes no other side
    let mut postcode = person.postcode.to_owned();
    let housed = side != Side::OfficeRnd || dice.percent(25);
    if side == Side::OfficeRnd && housed && dirty && dice.percent(15) {
        dirt.push(Dirt::SwappedTown);
        std::mem::swap(&mut postcode, &mut town);
    }
    let form = Form {
        first,
        last,
        email: (!no_email).then_some(email),
        phone: (!no_phone).then_some(phone),
        street,
        town,
        postcode,
        housed,
    };
    dirt.sort_unstable();
    Row {
        person: number,
        dirt,
        record: form.record(side, person),
    }
}

/// What was typed in.
struct Form {
    first: String,
    last: String,
    email: Option<String>,
    phone: Option<String>,
    street: String,
    town: String,
    postcode: String,
    /// Whether the row carries the address at all.
    housed: bool,
}

impl Form {
    fn record(self, side: Side, person: &Person) -> Value {
        let mut record = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                record.insert(key.to_owned(), value);
            }
        };
        let text = |value: String| Some(Value::String(value));
        let company = person.company.clone().map(Value::String);
        let tags: Vec<&str> = person.tags.iter().map(|tag| TAGS[*tag].0).collect();
        let tags = (!tags.is_empty()).then(|| json!(tags));
        let email = self.email.map(Value::String);
        let phone = self.phone.map(Value::String);
        match side {
            Side::HighLevel => {
                put("firstName", text(self.first));
                put("lastName", text(self.last));
                put("email", email);
                put("phone", phone);
                put("address1", text(self.street));
                put("city", text(self.town));
                put("postalCode", text(self.postcode));
                put("country", text(person.country.alpha2().to_owned()));
                put("dateOfBirth", text(person.birthday.clone()));
                put("companyName", company);
                put("tags", tags);
            }
            Side::OnOffice => {
                let keys: Vec<&str> = person
                    .tags
                    .iter()
                    .map(|tag| TAGS[*tag].1)
                    .filter(|key| !key.is_empty())
                    .collect();
                let salutation = if person.female { "Frau" } else { "Herr" };
                put("Anrede", text(salutation.to_owned()));
                put("Vorname", text(self.first));
                put("Name", text(self.last));
                put("email", email);
                put("phone", phone);
                put("Strasse", text(self.street));
                put("Plz", text(self.postcode));
                put("Ort", text(self.town));
                put("Land", text(person.country.alpha3().to_owned()));
                put("Geburtsdatum", text(person.birthday.clone()));
                put("Zusatz1", company);
                put("ArtDaten", (!keys.is_empty()).then(|| json!(keys)));
            }
            Side::OfficeRnd => {
                put("name", text(format!("{} {}", self.first, self.last)));
                put("email", email);
                put("phone", phone);
                put("companyName", company);
                put("tags", tags);
                let address = json!({"street": self.street, "zip": self.postcode, "city": self.town,
                    "country": person.country.english()});
                put("address", self.housed.then_some(address));
            }
        }
        Value::Object(record)
    }
}

/// A number in one of the ways in which people write numbers.
fn written(phone: &Phone, dirty: bool, dice: &mut Dice) -> String {
    let (dial, area, line) = (phone.country.dial(), phone.area, phone.line.as_str());
    let (head, tail) = line.split_at(line.len() / 2);
    if !dirty {
        return format!("+{dial}{area}{line}");
    }
    match dice.below(8) {
        0 | 1 => format!("+{dial}{area}{line}"),
        2 => format!("0{area} {line}"),
        3 => format!("0{area}/{line}"),
        4 => format!("00{dial}{area}{line}"),
        5 => format!("+{dial} (0){area} {head} {tail}"),
        6 => format!("(0{area}) {head}-{tail}"),
        _ => format!("+{dial} {area} {head} {tail}"),
    }
}

/// The text with one letter of its inside missing, doubled, or changed with the next.
fn mistyped(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 4 {
        letters.push(letters[letters.len() - 1]);
        return letters.into_iter().collect();
    }
    let place = 1 + dice.below(letters.len() - 2);
    match dice.below(3) {
        0 => drop(letters.remove(place)),
        1 => letters.insert(place, letters[place]),
        _ if letters[place] == letters[place + 1] => drop(letters.remove(place)),
        _ => letters.swap(place, place + 1),
    }
    letters.into_iter().collect()
}

fn capitalised(email: &str) -> String {
    email
        .split('.')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(letters).collect()
            })
        })
        .collect::<Vec<_>>()
        .join(".")
}
