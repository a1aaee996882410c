//! Numbers that were written without their country.
//!
//! An account reads `0660 2298170` as a number of its own country. Where the other side says the country, the two
//! readings differ in the country code alone.

use record::Country;

/// Germany, Austria and Switzerland: people of one are on file in the others, and write numbers alike.
const NEIGHBOURS: [&str; 3] = ["+49", "+43", "+41"];

/// Whether a number has the code of this country, which is one of the neighbours. E.164.
pub fn is_of_country(number: &str, country: Country) -> bool {
    let of = [Country::GERMANY, Country::AUSTRIA, Country::SWITZERLAND];
    let mut codes = of.into_iter().zip(NEIGHBOURS);
    codes.any(|(neighbour, code)| neighbour == country && number.starts_with(code))
}

/// The same number in the neighbouring countries, if it is one of theirs. E.164.
pub(crate) fn of_neighbours(number: &str) -> impl Iterator<Item = String> {
    let rest = rest(number);
    NEIGHBOURS
        .into_iter()
        .filter(|code| !number.starts_with(code))
        .filter_map(move |code| Some(format!("{code}{}", rest?)))
}

/// Whether two numbers differ in the code of neighbouring countries alone. E.164.
pub fn is_but_for_country(one: &str, other: &str) -> bool {
    one != other && rest(one).is_some() && rest(one) == rest(other)
}

/// The number without the code of its country.
fn rest(number: &str) -> Option<&str> {
    NEIGHBOURS.iter().find_map(|code| number.strip_prefix(code))
}
