//! Input that was right, bent.

use serde_json::{Map, Value as Json, json};

use crate::dice::Dice;

/// Stands in every text that is made up, so that it is seen where it must not be.
pub(crate) const SECRET: &str = "qzv7geheim";

/// Texts that are often read wrongly.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\u{0}",
    "\u{feff}",
    "\u{202e}abc",
    "e\u{301}",
    "ﬁ",
    "İ",
    "ŉ",
    "ẞß",
    "👩‍👩‍👧‍👦",
    "\u{1f1e9}\u{1f1ea}",
    "\r\n",
    "a\tb",
    "null",
    "true",
    "false",
    "~",
    "NaN",
    "-0",
    "1e999",
    "0x10",
    "9999999999999999999999",
    "-9223372036854775809",
    "1.7976931348623157e309",
    "1_000",
    "٣",
    "{{",
    "}}",
    "{{ }}",
    "{{ a }}",
    "{{a}}{{",
    "${a}",
    "$ref",
    "*a",
    "&a b",
    "!!binary x",
    "<<",
    "- a",
    "a: b",
    "%",
    "%00",
    "%zz",
    "../../x",
    "/",
    "2026-02-30",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "9999-12-31T23:59:60Z",
    "-009999-01-01T00:00:00Z",
    "24:00",
    "2026-03-29T02:30:00+01:00",
    "2026-10-25T02:30:00[Europe/Berlin]",
    "1700000000",
    "17000000000000",
    "-62135596801",
    "01.02.2026",
    "31.06.2026",
    "1/2/26",
    "+49 (0) 30 / 1234-56",
    "++++",
    "0049",
    "+",
    "030",
    "+1",
    "+999999999999999999999",
    "030 1234 ext. 5",
    "tel:+4930",
    "@",
    "a@",
    "@b",
    "a@b@c",
    "\"a b\"@c.example",
    "ä@ö.example",
    "a@xn--.example",
    "a@b",
    "mailto:a@b.example",
    "http://",
    "https://a.example:99999/",
    "javascript:1",
    "<p>",
    "<p",
    "&amp;&#0;&#x110000;&#xD800;&nosuch;",
    "<!--",
    "<br><br/>",
    "Z͑ͫ",
    "DE",
    "DEU",
    "Deutschland",
    "xx",
    "USA",
    "Türkiye",
    "'",
    "\"",
    "\\",
    "\\u0000",
    "`",
    ";",
    ",",
    "a,b;c",
    "=1+1",
    "*",
    "?",
    "[",
    "]",
    "(",
];

/// A text that is often read wrongly.
pub(crate) fn text(dice: &mut Dice) -> String {
    match dice.below(12) {
        0 => "ä".repeat(1 << dice.below(15)),
        1 => format!("{}{}", dice.of(TEXTS), dice.of(TEXTS)),
        2 => char::from_u32(u32::try_from(dice.next() % 0x11_0000).unwrap_or(0))
            .map(String::from)
            .unwrap_or_default(),
        3 => format!("{SECRET}@brandt.example"),
        4 => SECRET.to_owned(),
        5 => format!("{}", dice.next()),
        _ => (*dice.of(TEXTS)).to_owned(),
    }
}

/// A value of any kind.
pub(crate) fn value(dice: &mut Dice) -> Json {
    match dice.below(18) {
        0 => Json::Null,
        1 => json!(dice.chance(50)),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(i64::MIN),
        5 => json!(u64::MAX),
        6 => json!(1e308),
        7 => json!(-0.5),
        8 => json!([]),
        9 => json!({}),
        10 => json!([text(dice), text(dice)]),
        11 => json!({text(dice): text(dice)}),
        12 => json!([[text(dice)], {text(dice): []}]),
        13 => json!(dice.next() % 100_000),
        _ => json!(text(dice)),
    }
}

fn count(json: &Json) -> usize {
    1 + match json {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn nth(json: &mut Json, place: usize) -> &mut Json {
    if place == 0 {
        return json;
    }
    let mut left = place - 1;
    let children: Box<dyn Iterator<Item = &mut Json>> = match json {
        Json::Array(items) => Box::new(items.iter_mut()),
        Json::Object(fields) => Box::new(fields.values_mut()),
        _ => unreachable!("what holds nothing is one place"),
    };
    for child in children {
        let inside = count(child);
        if left < inside {
            return nth(child, left);
        }
        left -= inside;
    }
    unreachable!("the place is inside")
}

/// Bends one place. `words` are keys and values that mean something there.
pub(crate) fn json(dice: &mut Dice, root: &mut Json, words: &[String]) {
    let place = dice.below(count(root));
    let here = nth(root, place);
    let word = |dice: &mut Dice| {
        if words.is_empty() || dice.chance(20) {
            text(dice)
        } else {
            dice.of(words).clone()
        }
    };
    match (dice.below(9), &mut *here) {
        (0 | 1, Json::Object(fields)) if !fields.is_empty() => {
            let key = fields.keys().nth(dice.below(fields.len())).cloned();
            if let Some(key) = key {
                let old = fields.remove(&key);
                if let Some(old) = old
                    && dice.chance(30)
                {
                    fields.insert(word(dice), old);
                }
            }
        }
        (2 | 3, Json::Object(fields)) => {
            let key = word(dice);
            let new = if dice.chance(50) {
                json!(word(dice))
            } else {
                value(dice)
            };
            fields.insert(key, new);
        }
        (0..=3, Json::Array(items)) if !items.is_empty() => {
            let at = dice.below(items.len());
            match dice.below(4) {
                0 => drop(items.remove(at)),
                1 => {
                    let again = items[at].clone();
                    items.extend(std::iter::repeat_n(again, 1 + dice.below(40)));
                }
                2 => items.reverse(),
                _ => items.insert(at, value(dice)),
            }
        }
        (4, Json::String(text)) => *here = json!(text.parse::<i64>().unwrap_or(7)),
        (4, Json::Number(number)) => *here = json!(number.to_string()),
        (5, _) => *here = json!([here.take()]),
        (6, _) => {
            let key = word(dice);
            *here = Json::Object(Map::from_iter([(key, here.take())]));
        }
        (7, Json::String(text)) => source(dice, text, words),
        (8, _) => *here = json!(word(dice)),
        _ => *here = value(dice),
    }
}

/// Bends a text in one place, not always as its structure would allow.
pub(crate) fn source(dice: &mut Dice, text: &mut String, words: &[String]) {
    let edges: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let (one, other) = (*dice.of(&edges), *dice.of(&edges));
    let (from, to) = (one.min(other), one.max(other));
    // mostly a short piece
    let near = edges.partition_point(|at| *at < from) + dice.below(12);
    let to = if dice.chance(80) {
        edges.get(near).copied().unwrap_or(to)
    } else {
        to
    };
    match dice.below(9) {
        0 => text.replace_range(from..to, ""),
        1 => text.truncate(from),
        2 => {
            let piece = text[from..to].to_owned();
            text.insert_str(from, &piece);
        }
        3 => {
            let mut lines: Vec<&str> = text.lines().collect();
            if lines.len() > 1 {
                let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
                lines.swap(one, other);
            }
            *text = lines.join("\n");
        }
        4 if !words.is_empty() => {
            let word: &String = dice.of(words);
            text.replace_range(from..to, word);
        }
        5 => {
            let many = 1 << dice.below(13);
            let deep = *dice.of(&[
                "[", "{a: ", "(", "- ", "!", "  ", "{{", "\"", "&a [*a, ", "-",
            ]);
            text.insert_str(from, &deep.repeat(many));
        }
        6 => {
            let line = text[..from].rfind('\n').map_or(0, |at| at + 1);
            let added: &&str = dice.of(&[" ", "  ", "\t", "- ", "? ", ": ", "# "]);
            text.insert_str(line, added);
        }
        _ => text.replace_range(from..to, &self::text(dice)),
    }
}

/// Bends bytes, which need be no text after that.
pub(crate) fn bytes(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(5) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, u8::try_from(dice.next() % 256).unwrap_or(0)),
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        3 => bytes.extend_from_slice(text(dice).as_bytes()),
        _ => {
            *bytes = dice
                .of(&[
                    &b""[..],
                    b"<html><body>Bad gateway</body></html>",
                    b"[]",
                    b"null",
                    b"\xff\xfe\x00",
                    b"{}",
                    b"\"\"",
                    b"{\"a\":",
                ])
                .to_vec()
        }
    }
}

/// All keys and fixed values of a JSON Schema: what means something in a document of that form.
pub(crate) fn words(schema: &Json, into: &mut Vec<String>) {
    match schema {
        Json::Object(fields) => {
            if let Some(Json::Object(properties)) = fields.get("properties") {
                into.extend(properties.keys().cloned());
            }
            for key in ["enum", "const"] {
                let fixed = match fields.get(key) {
                    Some(Json::Array(all)) => all.clone(),
                    Some(one) => vec![one.clone()],
                    None => Vec::new(),
                };
                into.extend(fixed.iter().filter_map(Json::as_str).map(str::to_owned));
            }
            for child in fields.values() {
                words(child, into);
            }
        }
        Json::Array(items) => {
            for item in items {
                words(item, into);
            }
        }
        _ => {}
    }
}

/// A value of the form that a schema says; what it refers to stands in `document`.
pub(crate) fn of_schema(dice: &mut Dice, schema: &Json, document: &Json, depth: usize) -> Json {
    if let Some(to) = schema["$ref"].as_str() {
        let there = document
            .pointer(to.trim_start_matches('#'))
            .unwrap_or(&Json::Null);
        return of_schema(dice, there, document, depth);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(all) = schema[key].as_array().filter(|all| !all.is_empty()) {
            let one = dice.of(all).clone();
            return of_schema(dice, &one, document, depth);
        }
    }
    if let Some(all) = schema["enum"].as_array().filter(|all| !all.is_empty()) {
        return dice.of(all).clone();
    }
    let kind = match &schema["type"] {
        Json::Array(kinds) if !kinds.is_empty() => dice.of(kinds).clone(),
        kind => kind.clone(),
    };
    match kind.as_str().unwrap_or("any") {
        "object" if depth < 6 => {
            let mut made = Map::new();
            for (name, of) in schema["properties"].as_object().into_iter().flatten() {
                let required = schema["required"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one == name.as_str()));
                if required || dice.chance(60) {
                    made.insert(name.clone(), of_schema(dice, of, document, depth + 1));
                }
            }
            if !schema["additionalProperties"].is_null() && dice.chance(50) {
                let of = &schema["additionalProperties"];
                made.insert(text(dice), of_schema(dice, of, document, depth + 1));
            }
            Json::Object(made)
        }
        "array" if depth < 6 => (0..dice.below(4))
            .map(|_| of_schema(dice, &schema["items"], document, depth + 1))
            .collect(),
        "string" => json!(text(dice)),
        "integer" => json!(dice.next() % 1000),
        "number" => json!(0.5),
        "boolean" => json!(dice.chance(50)),
        "null" => Json::Null,
        _ => value(dice),
    }
}
