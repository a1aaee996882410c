//! What a prospect offers for an estate. The advisory level that onOffice raises with it is not simulated.

use serde_json::{Value as Json, json};

use super::ask::{Ask, Outcome, number};
use super::errors::{Failure, fail};
use super::office::Right;

/// The estate and the address that a call is about.
///
/// # Errors
/// 292 and 293 for what is not there.
fn pair(ask: &Ask<'_>) -> Result<(u32, u32), Failure> {
    let given = |name: &str| ask.parameters.get(name).and_then(number).unwrap_or(0);
    let estate = ask.known_estate(given("estateId"))?;
    Ok((estate, ask.known_address(given("addressId"))?))
}

/// Answers `get priceOffer`: the price as people read it, in euro.
///
/// # Errors
/// 292 and 293 for records.
pub(crate) fn read(ask: &mut Ask<'_>) -> Outcome {
    let pair = pair(ask)?;
    let offer = ask.state.records().offers.get(&pair);
    let shown = offer.map_or_else(String::new, |cents| euro(*cents));
    ask.answer(None, &json!(""), [(json!(0), json!({"priceOffer": shown}))])
}

/// Answers `do priceOffer`.
///
/// # Errors
/// 170 without the right on both records, 214 for the price, 292 and 293 for records.
pub(crate) fn make(ask: &mut Ask<'_>) -> Outcome {
    let may = [
        ask.right(|rights| rights.address_write),
        ask.right(|rights| rights.estate_write),
    ];
    if may.contains(&Right::None) {
        return Err(fail(170));
    }
    let pair = pair(ask)?;
    let offer = ask.parameters.get("priceOffer").and_then(cents);
    let offer = offer.ok_or_else(|| fail(214))?;
    ask.records().offers.insert(pair, offer);
    ask.success("")
}

/// A price of at most two places after its point.
fn cents(price: &Json) -> Option<u64> {
    let text = match price {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.clone(),
        _ => return None,
    };
    let (whole, parts) = text.split_once('.').unwrap_or((&text, ""));
    let parts: u64 = match parts.len() {
        0..=2 => format!("{parts:0<2}").parse().ok()?,
        _ => return None,
    };
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(parts)
}

/// `35000000` → `350.000,00 €`.
fn euro(cents: u64) -> String {
    let whole = (cents / 100).to_string();
    let mut shown = String::with_capacity(whole.len() * 2);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            shown.push('.');
        }
        shown.push(digit);
    }
    format!("{shown},{:02} €", cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_shown_as_people_read_it() {
        for (price, shown) in [
            (json!(350_000), "350.000,00 €"),
            (json!("1234567.5"), "1.234.567,50 €"),
            (json!(99.95), "99,95 €"),
        ] {
            assert_eq!(cents(&price).map(euro).as_deref(), Some(shown));
        }
        for price in [json!("350.000,00"), json!(-1), json!("much"), json!(null)] {
            assert_eq!(cents(&price), None, "{price}");
        }
    }
}
