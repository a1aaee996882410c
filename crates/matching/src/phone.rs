//! Numbers that were written without their country.
//!
//! An account reads `0660 2298170` as a number of its own country. Where the other side says the country, the two
//! readings differ in the country code alone.

/// Germany, Austria and Switzerland: people of one are on file in the others, and write numbers alike.
const NEIGHBOURS: [&str; 3] = ["+49", "+43", "+41"];

/// The same number in the neighbouring countries, if it is one of theirs. E.164.
pub(crate) fn of_neighbours(number: &str) -> impl Iterator<Item = String> {
    let rest = rest(number);
    NEIGHBOURS
        .into_iter()
        .filter(|code| !number.starts_with(code))
        .filter_map(move |code| Some(format!("{code}{}", rest?)))
}

/// Whether two numbers differ in the code of neighbouring countries alone.
pub(crate) fn is_but_for_country(one: &str, other: &str) -> bool {
    one != other && rest(one).is_some() && rest(one) == rest(other)
}

/// The number without the code of its country.
fn rest(number: &str) -> Option<&str> {
    NEIGHBOURS.iter().find_map(|code| number.strip_prefix(code))
}
