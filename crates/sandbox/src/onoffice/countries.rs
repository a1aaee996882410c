//! Countries by German name, ISO 3166-1 alpha-2 and alpha-3. onOffice stores the name and shows either on request.

use std::collections::HashMap;
use std::sync::LazyLock;

/// (German name, alpha-2, alpha-3).
const COUNTRIES: &[(&str, &str, &str)] = &[
    ("Afghanistan", "AF", "AFG"),
    ("Ägypten", "EG", "EGY"),
    ("Albanien", "AL", "ALB"),
    ("Algerien", "DZ", "DZA"),
    ("Andorra", "AD", "AND"),
    ("Argentinien", "AR", "ARG"),
    ("Armenien", "AM", "ARM"),
    ("Aserbaidschan", "AZ", "AZE"),
    ("Australien", "AU", "AUS"),
    ("Belarus", "BY", "BLR"),
    ("Belgien", "BE", "BEL"),
    ("Bosnien und Herzegowina", "BA", "BIH"),
    ("Brasilien", "BR", "BRA"),
    ("Bulgarien", "BG", "BGR"),
    ("Chile", "CL", "CHL"),
    ("China", "CN", "CHN"),
    ("Dänemark", "DK", "DNK"),
    ("Deutschland", "DE", "DEU"),
    ("Estland", "EE", "EST"),
    ("Finnland", "FI", "FIN"),
    ("Frankreich", "FR", "FRA"),
    ("Georgien", "GE", "GEO"),
    ("Griechenland", "GR", "GRC"),
    ("Großbritannien", "GB", "GBR"),
    ("Hongkong", "HK", "HKG"),
    ("Indien", "IN", "IND"),
    ("Indonesien", "ID", "IDN"),
    ("Irak", "IQ", "IRQ"),
    ("Iran", "IR", "IRN"),
    ("Irland", "IE", "IRL"),
    ("Island", "IS", "ISL"),
    ("Israel", "IL", "ISR"),
    ("Italien", "IT", "ITA"),
    ("Japan", "JP", "JPN"),
    ("Jordanien", "JO", "JOR"),
    ("Kanada", "CA", "CAN"),
    ("Kasachstan", "KZ", "KAZ"),
    ("Katar", "QA", "QAT"),
    ("Kolumbien", "CO", "COL"),
    ("Kosovo", "XK", "XKX"),
    ("Kroatien", "HR", "HRV"),
    ("Kuba", "CU", "CUB"),
    ("Kuwait", "KW", "KWT"),
    ("Lettland", "LV", "LVA"),
    ("Libanon", "LB", "LBN"),
    ("Liechtenstein", "LI", "LIE"),
    ("Litauen", "LT", "LTU"),
    ("Luxemburg", "LU", "LUX"),
    ("Malaysia", "MY", "MYS"),
    ("Malta", "MT", "MLT"),
    ("Marokko", "MA", "MAR"),
    ("Mexiko", "MX", "MEX"),
    ("Moldawien", "MD", "MDA"),
    ("Monaco", "MC", "MCO"),
    ("Montenegro", "ME", "MNE"),
    ("Namibia", "NA", "NAM"),
    ("Neuseeland", "NZ", "NZL"),
    ("Niederlande", "NL", "NLD"),
    ("Nigeria", "NG", "NGA"),
    ("Nordmazedonien", "MK", "MKD"),
    ("Norwegen", "NO", "NOR"),
    ("Österreich", "AT", "AUT"),
    ("Pakistan", "PK", "PAK"),
    ("Peru", "PE", "PER"),
    ("Philippinen", "PH", "PHL"),
    ("Polen", "PL", "POL"),
    ("Portugal", "PT", "PRT"),
    ("Rumänien", "RO", "ROU"),
    ("Russland", "RU", "RUS"),
    ("San Marino", "SM", "SMR"),
    ("Saudi-Arabien", "SA", "SAU"),
    ("Schweden", "SE", "SWE"),
    ("Schweiz", "CH", "CHE"),
    ("Serbien", "RS", "SRB"),
    ("Singapur", "SG", "SGP"),
    ("Slowakei", "SK", "SVK"),
    ("Slowenien", "SI", "SVN"),
    ("Spanien", "ES", "ESP"),
    ("Südafrika", "ZA", "ZAF"),
    ("Südkorea", "KR", "KOR"),
    ("Syrien", "SY", "SYR"),
    ("Taiwan", "TW", "TWN"),
    ("Thailand", "TH", "THA"),
    ("Tschechien", "CZ", "CZE"),
    ("Tunesien", "TN", "TUN"),
    ("Türkei", "TR", "TUR"),
    ("Ukraine", "UA", "UKR"),
    ("Ungarn", "HU", "HUN"),
    ("Vatikanstadt", "VA", "VAT"),
    ("Vereinigte Arabische Emirate", "AE", "ARE"),
    ("Vereinigte Staaten von Amerika", "US", "USA"),
    ("Vietnam", "VN", "VNM"),
    ("Zypern", "CY", "CYP"),
];

/// Places in [`COUNTRIES`] by name and alpha-3 code in small letters.
static WRITTEN: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let places = COUNTRIES.iter().enumerate();
    places
        .flat_map(|(place, (name, _, alpha3))| {
            [(name.to_lowercase(), place), (alpha3.to_lowercase(), place)]
        })
        .collect()
});

/// The stored German name of a country written as name (any case) or alpha-3 code. `None` when it is neither.
pub(crate) fn stored_name(written: &str) -> Option<&'static str> {
    let place = WRITTEN.get(&written.trim().to_lowercase())?;
    Some(COUNTRIES[*place].0)
}

/// The alpha-2 code of a name.
pub(crate) fn alpha2(name: &str) -> Option<&'static str> {
    let place = WRITTEN.get(&name.to_lowercase())?;
    Some(COUNTRIES[*place].1)
}

/// The alpha-3 code of a name.
pub(crate) fn alpha3(name: &str) -> Option<&'static str> {
    let place = WRITTEN.get(&name.to_lowercase())?;
    Some(COUNTRIES[*place].2)
}
