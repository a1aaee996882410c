//! Search criteria: what people look for, and who would take an estate.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Outcome, number, numbers, text};
use super::errors::{Failure, fail, fail_with};
use super::fields::FieldType;
use super::filter::RowFilter;
use super::local_time::{Moment, date, datetime};
use super::office::Right;
use super::read::window;
use super::rows::Table;
use super::state::{ChangeKind, State};

/// Estate fields that can be looked for; `true` where from and to are given.
const FIELDS: [(&str, bool); 15] = [
    ("objektart", false),
    ("objekttyp", false),
    ("nutzungsart", false),
    ("vermarktungsart", false),
    ("land", false),
    ("ort", false),
    ("plz", false),
    ("regionaler_zusatz", false),
    ("kaufpreis", true),
    ("kaltmiete", true),
    ("wohnflaeche", true),
    ("grundstuecksflaeche", true),
    ("anzahl_zimmer", true),
    ("baujahr", true),
    ("anzahl_badezimmer", true),
];

/// The fields of a circle.
const CIRCLE: [&str; 6] = [
    "range",
    "range_plz",
    "range_ort",
    "range_strasse",
    "range_hausnummer",
    "range_land",
];

/// What belongs to the criteria themselves.
const OWN: [&str; 6] = [
    "krit_bemerkung",
    "krit_bemerkung_oeffentlich",
    "advisor",
    "sys_status",
    "sysExpiryDate",
    "sys_ko",
];

/// What one person looks for.
#[derive(Clone, Debug)]
pub(crate) struct Criterion {
    pub(crate) id: u32,
    pub(crate) address: u32,
    fields: Map<String, Json>,
    creator: u32,
    created: Moment,
    edited: Moment,
}

impl Criterion {
    /// All of it, for judges and tests.
    pub(crate) fn dumped(&self) -> Json {
        json!({"kind": "searchcriteria", "id": self.id, "address": self.address,
            "fields": self.fields, "deleted": false})
    }

    fn text(&self, name: &str) -> Option<String> {
        self.fields.get(name).and_then(text)
    }

    fn is_active(&self) -> bool {
        self.text("sys_status").as_deref() != Some("0")
    }

    /// A column of `_meta`, for filters and order.
    fn meta(&self, name: &str) -> String {
        match name {
            "internaladdressid" => self.address.to_string(),
            "advisor" => self.advisor().to_string(),
            "status" => u8::from(self.is_active()).to_string(),
            "creationdate" => date(self.created.wall),
            "editdate" => datetime(self.edited.wall),
            _ => String::new(),
        }
    }

    fn advisor(&self) -> u32 {
        self.fields
            .get("advisor")
            .and_then(number)
            .unwrap_or(self.creator)
    }

    fn shown(&self, state: &State) -> Json {
        let mut shown = Map::new();
        for (name, ranged) in FIELDS {
            if ranged {
                let end = |suffix: &str| self.text(&format!("{name}__{suffix}"));
                let (from, to) = (end("von"), end("bis"));
                if from.is_some() || to.is_some() {
                    shown.insert(
                        format!("range_{name}"),
                        json!([from.unwrap_or_default(), to.unwrap_or_default()]),
                    );
                }
            } else if let Some(value) = self.fields.get(name) {
                let select = matches!(
                    kind(&state.records().estates, name),
                    Some(FieldType::SingleSelect | FieldType::MultiSelect)
                );
                let value = match (select, value) {
                    (true, Json::String(_)) => json!([value]),
                    _ => value.clone(),
                };
                shown.insert(name.to_owned(), value);
            }
        }
        let circle: Map<String, Json> = CIRCLE
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.fields.get(*name)?.clone())))
            .collect();
        if !circle.is_empty() {
            shown.insert("Range".to_owned(), Json::Object(circle));
        }
        let customer = state
            .address(self.address)
            .map(|address| address.customer_number);
        let none = json!([]);
        shown.insert(
            "_meta".to_owned(),
            json!({
                "internaladdressid": self.address.to_string(),
                "externaladdressid": customer.map(|number| number.to_string()),
                "kocriterias": self.fields.get("sys_ko").unwrap_or(&none),
                "advisor": self.advisor().to_string(),
                "creator": self.creator.to_string(),
                "creationdate": date(self.created.wall),
                "editdate": datetime(self.edited.wall),
                "status": u8::from(self.is_active()).to_string(),
                "publicnote": self.text("krit_bemerkung_oeffentlich").unwrap_or_default(),
                "characteristic": ["manual_saved"],
            }),
        );
        Json::Object(shown)
    }

    /// Whether an estate with this value would do; `None` where nothing is said about it.
    fn wants(&self, name: &str, value: &str) -> Option<bool> {
        let number = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
        let end = |suffix: &str| number(self.text(&format!("{name}__{suffix}")));
        let (from, to) = (end("von"), end("bis"));
        if from.is_some() || to.is_some() {
            let value = value.parse::<f64>().ok()?;
            return Some(from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to));
        }
        let own = match name {
            "plz" | "ort" | "land" => {
                let circle = self.fields.get(&format!("range_{name}"));
                self.fields.get(name).or(circle)?
            }
            name => self.fields.get(name)?,
        };
        let same = |own: &Json| text(own).is_some_and(|own| own.eq_ignore_ascii_case(value));
        Some(match own {
            Json::Array(keys) => keys.iter().any(same),
            own => same(own),
        })
    }
}

fn kind(estates: &Table, name: &str) -> Option<FieldType> {
    estates.kind(name)
}

fn checked(ask: &Ask<'_>, data: &Map<String, Json>, is_later: bool) -> Result<(), Failure> {
    let fields = ask.state.records().estates.fields();
    for (name, written) in data {
        let (bare, end) = match name.rsplit_once("__") {
            Some((bare, end @ ("von" | "bis"))) => (bare, Some(end)),
            _ => (name.as_str(), None),
        };
        let own = OWN.contains(&name.as_str()) && (is_later || !name.starts_with("sys"));
        let searched = FIELDS
            .iter()
            .any(|(known, ranged)| *known == bare && *ranged == end.is_some());
        if !(own || searched || CIRCLE.contains(&name.as_str())) {
            return Err(fail_with(141, name));
        }
        if searched
            && end.is_none()
            && let Some(index) = fields.active(bare)
            && fields.get(index).kind == FieldType::SingleSelect
        {
            let keys = match written {
                Json::Array(keys) => keys.clone(),
                key => vec![key.clone()],
            };
            for key in keys.iter().filter_map(text) {
                let mut permitted = fields.get(index).permitted.iter();
                if !permitted.any(|(known, _)| *known == key) {
                    return Err(fail_with(77, &key));
                }
            }
        }
    }
    Ok(())
}

/// Answers `create searchcriteria`.
///
/// # Errors
/// 96 and 292 for the address, 156 without the right, 141 for fields that cannot be looked for, 77 for keys.
pub(crate) fn create(ask: &mut Ask<'_>) -> Outcome {
    // the documentation names both
    let address = ["addressid", "adressid"]
        .iter()
        .find_map(|name| ask.parameters.get(*name).and_then(number));
    let address = ask.known_address(address.ok_or_else(|| fail(96))?)?;
    if ask.right(|rights| rights.address_write) == Right::None {
        return Err(fail(156));
    }
    let data = ask.data()?;
    checked(ask, &data, false)?;
    let (now, creator) = (ask.now, ask.user());
    let records = ask.records();
    records.criteria_made += 1;
    let id = 499 + records.criteria_made * 2;
    let criterion = Criterion {
        id,
        address,
        fields: data,
        creator,
        created: now,
        edited: now,
    };
    records.criteria.push(criterion);
    records
        .relations
        .link("address:searchcriteria", address, id);
    ask.changed("searchcriteria", id, ChangeKind::Create, Vec::new());
    ask.created("searchcriteria", &[id])
}

/// Answers `modify searchcriteria`: only what is given changes.
///
/// # Errors
/// 79, 95 for the record, 141 for fields.
pub(crate) fn modify(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(95)?;
    let data = ask.data()?;
    checked(ask, &data, true)?;
    let now = ask.now;
    let mut criteria = ask.records().criteria.iter_mut();
    let criterion = criteria.find(|criterion| criterion.id == id);
    let criterion = criterion.ok_or_else(|| fail(95))?;
    let names = data.keys().cloned().collect();
    criterion.fields.extend(data);
    criterion.edited = now;
    ask.changed("searchcriteria", id, ChangeKind::Update, names);
    ask.success("searchcriteria")
}

/// Answers `delete searchcriteria`; a second time fails.
///
/// # Errors
/// 79, 95.
pub(crate) fn delete(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(95)?;
    let records = ask.records();
    let before = records.criteria.len();
    records.criteria.retain(|criterion| criterion.id != id);
    if records.criteria.len() == before {
        return Err(fail(95));
    }
    records.relations.forget("searchcriteria", id);
    ask.changed("searchcriteria", id, ChangeKind::Delete, Vec::new());
    ask.success("")
}

/// Answers `get searchcriterias`.
///
/// # Errors
/// 204 for the mode, 167 for what it lacks, 212 for the order, 141 for the filter.
pub(crate) fn list(ask: &mut Ask<'_>) -> Outcome {
    let mode = ask.text("mode").ok_or_else(|| fail(204))?;
    let ids = numbers("ids", ask.parameters.get("ids"))?;
    let (state, parameters) = (&*ask.state, ask.parameters);
    let all = state.records().criteria.iter();
    let found: Vec<&Criterion> = match mode.as_str() {
        "filter" => {
            let filter = parameters
                .get("filter")
                .ok_or_else(|| fail_with(167, "filter"))?;
            let filter = RowFilter::parse(Some(filter), |name| match name {
                "internaladdressid" | "advisor" | "status" => Ok(FieldType::Integer),
                "creationdate" => Ok(FieldType::Date),
                "editdate" => Ok(FieldType::Datetime),
                _ => Err(fail_with(141, name)),
            })?;
            let column = ask.text("sortby").ok_or_else(|| fail_with(167, "sortby"))?;
            let order = ask
                .text("sortorder")
                .ok_or_else(|| fail_with(167, "sortorder"))?;
            let known = [
                "internaladdressid",
                "advisor",
                "status",
                "creationdate",
                "editdate",
            ];
            if !known.contains(&column.as_str()) {
                return Err(fail(212));
            }
            let mut found: Vec<&Criterion> = all
                .filter(|criterion| filter.matches(|name| vec![criterion.meta(name)]))
                .collect();
            found.sort_by_cached_key(|criterion| {
                let text = criterion.meta(&column);
                (text.parse::<i64>().unwrap_or(0), text)
            });
            if order.eq_ignore_ascii_case("desc") {
                found.reverse();
            }
            found
        }
        "internal" | "external" | "searchcriteria" => {
            if ids.is_empty() {
                return Err(fail_with(167, "ids"));
            }
            all.filter(|criterion| {
                let customer = || {
                    state
                        .address(criterion.address)
                        .map(|own| own.customer_number)
                };
                match mode.as_str() {
                    "internal" => ids.contains(&criterion.address),
                    "external" => customer().is_some_and(|number| ids.contains(&number)),
                    _ => ids.contains(&criterion.id),
                }
            })
            .collect()
        }
        _ => return Err(fail(204)),
    };
    let (offset, limit) = window(ask.quirks, parameters)?;
    let shown: Vec<(Json, Json)> = found
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|criterion| (json!(criterion.id), criterion.shown(state)))
        .collect();
    ask.answer(None, &json!("searchcriteria"), shown)
}

/// Answers `get search` with resource id `searchcriteria`: those that would take what is asked for.
///
/// # Errors
/// 167 without `searchdata`, 212 for an order by `Id`.
pub(crate) fn search(ask: &mut Ask<'_>) -> Outcome {
    let Some(Json::Object(data)) = ask.parameters.get("searchdata") else {
        return Err(fail_with(167, "searchdata"));
    };
    let by_id = match ask.parameters.get("order") {
        Some(Json::Array(names)) => names.iter().any(|name| name == "Id"),
        Some(Json::Object(names)) => names.contains_key("Id"),
        _ => false,
    };
    if by_id {
        return Err(fail(212));
    }
    let is = |name: &str, or: bool| match ask.parameters.contains_key(name) {
        true => super::request::flag(ask.parameters, name),
        false => or,
    };
    let (all, by_address) = (is("outputall", false), is("groupbyaddress", true));
    let wanted: Vec<String> = match ask.parameters.get("outputfields") {
        Some(Json::Array(names)) => names.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    let mut seen = Vec::new();
    let found: Vec<&Criterion> = ask
        .state
        .records()
        .criteria
        .iter()
        .filter(|criterion| criterion.is_active())
        .filter(|criterion| {
            data.iter().all(|(name, value)| {
                let bare = name.strip_prefix("range_").unwrap_or(name);
                criterion.wants(bare, &text(value).unwrap_or_default()) == Some(true)
            })
        })
        .filter(|criterion| {
            let first = !seen.contains(&criterion.address);
            seen.push(criterion.address);
            first || !by_address
        })
        .collect();
    let count = |name: &str, or: usize| {
        let given = ask.parameters.get(name).and_then(number);
        given
            .and_then(|given| usize::try_from(given).ok())
            .unwrap_or(or)
    };
    let total = found.len();
    let shown: Vec<(Json, Json)> = found
        .into_iter()
        .skip(count("offset", 0))
        .take(count("limit", 10))
        .map(|criterion| {
            let mut elements = Map::new();
            elements.insert("Id".to_owned(), json!(criterion.id.to_string()));
            elements.insert("adresse".to_owned(), json!(criterion.address.to_string()));
            for (name, value) in &criterion.fields {
                if all || wanted.contains(name) {
                    elements.insert(name.clone(), value.clone());
                }
            }
            (json!(criterion.id), Json::Object(elements))
        })
        .collect();
    ask.answer(Some(total), &json!("searchcriteria"), shown)
}

/// Answers `get qualifiedsuitors`: the record id is the customer number.
///
/// # Errors
/// 167 without `estatedata`.
pub(crate) fn suitors(ask: &mut Ask<'_>) -> Outcome {
    let Some(Json::Object(data)) = ask.parameters.get("estatedata") else {
        return Err(fail_with(167, "estatedata"));
    };
    let state = &*ask.state;
    let mut best: Vec<(u32, usize, Vec<String>, u32)> = Vec::new();
    for criterion in state
        .records()
        .criteria
        .iter()
        .filter(|own| own.is_active())
    {
        let said: Vec<(&String, bool)> = data
            .iter()
            .filter_map(|(name, value)| {
                // several values, with commas between them, are each as good
                let values = text(value)?;
                let fits: Vec<bool> = values
                    .split(',')
                    .filter_map(|value| criterion.wants(name, value.trim()))
                    .collect();
                (!fits.is_empty()).then(|| (name, fits.contains(&true)))
            })
            .collect();
        let hits = said.iter().filter(|(_, fits)| *fits).count();
        let Some(percentage) = (hits * 100)
            .checked_div(said.len())
            .filter(|part| *part > 0)
        else {
            continue;
        };
        let Some(address) = state.address(criterion.address) else {
            continue;
        };
        let missed = said.iter().filter(|(_, fits)| !fits);
        let missed = missed.map(|(name, _)| (*name).clone()).collect();
        let place = best
            .iter()
            .position(|(customer, ..)| *customer == address.customer_number);
        let entry = (address.customer_number, percentage, missed, criterion.id);
        match place {
            Some(place) if best[place].1 >= percentage => {}
            Some(place) => best[place] = entry,
            None => best.push(entry),
        }
    }
    best.sort_by_key(|(_, percentage, ..)| std::cmp::Reverse(*percentage));
    let shown: Vec<(Json, Json)> = best
        .into_iter()
        .map(|(customer, percentage, missed, criterion)| {
            let deviated: Vec<Json> = missed.into_iter().map(|name| json!({ name: 0 })).collect();
            let elements = json!({"percentage": percentage, "deviated": deviated,
                "searchcriteria": criterion});
            (json!(customer), elements)
        })
        .collect();
    ask.answer(Some(shown.len()), &json!(""), shown)
}

/// Answers `get searchCriteriaFields`.
///
/// # Errors
/// 160 for what is no language.
pub(crate) fn fields(ask: &mut Ask<'_>) -> Outcome {
    if let Some(language) = ask.text("language")
        && (language.len() != 3 || !language.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        return Err(fail_with(160, &language));
    }
    let estates = ask.state.records().estates.fields();
    let listed: Vec<Json> = FIELDS
        .iter()
        .enumerate()
        .filter_map(|(place, (name, ranged))| {
            let field = estates.get(estates.active(name)?);
            let urn = "urn:onoffice-de-ns:smart:2.5:dbAccess:dataType:";
            let kind = match field.kind {
                FieldType::SingleSelect | FieldType::MultiSelect => field.kind.word().to_owned(),
                kind => format!("{urn}{}", kind.word()),
            };
            let mut entry = json!({"id": name, "name": field.label, "position": place.to_string(),
                "type": kind});
            if *ranged {
                entry["rangefield"] = json!("true");
            }
            if !field.permitted.is_empty() {
                let values = field.permitted.iter();
                entry["values"] = values
                    .map(|(key, label)| (key.clone(), json!(label)))
                    .collect();
            }
            Some(entry)
        })
        .collect();
    let circle: Vec<Json> = CIRCLE
        .iter()
        .map(|name| json!({"id": name, "name": name, "type": "urn:onoffice-de-ns:smart:2.5:dbAccess:dataType:varchar"}))
        .collect();
    let rows = [("Suchkriterien", listed), ("Umkreis", circle)];
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(place, (name, fields))| (json!(place), json!({"name": name, "fields": fields})));
    ask.answer(None, &json!(""), rows.collect::<Vec<_>>())
}
