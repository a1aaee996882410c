//! Requests to the API, made of its own description.

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use sandbox::System;
use serde_json::Value as Json;

use crate::{
    bend,
    dice::Dice,
    rig::{Rig, is_told, run},
};

static DESCRIPTION: LazyLock<Json> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../crates/server/openapi.json")).expect("is JSON")
});

/// Method, path, and its description.
type Route = (&'static str, &'static str, &'static Json);

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let paths = DESCRIPTION["paths"].as_object().into_iter().flatten();
    paths
        // a stream without end, and what writes files where it is told to
        .filter(|(path, _)| !["/events", "/backup"].contains(&path.as_str()))
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(|(method, route)| (method.as_str(), path.as_str(), route))
        })
        .filter(|(method, _, _)| ["get", "post", "put", "delete"].contains(method))
        .collect()
});

static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut words = Vec::new();
    bend::words(&DESCRIPTION["components"]["schemas"], &mut words);
    words
});

/// What is there, so that not every request ends at a name that nobody has.
const NAMES: [&str; 12] = [
    "marketing",
    "office",
    "coworking",
    "people",
    "members",
    "contact",
    "company",
    "1",
    "0",
    "contacts.get",
    "task.saved",
    "calendar",
];

/// As it stands in an address, which has an end.
fn encoded(text: &str) -> String {
    text.bytes()
        .take(500)
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn name(dice: &mut Dice) -> String {
    if dice.chance(75) {
        (*dice.of(&NAMES)).to_owned()
    } else {
        encoded(&bend::text(dice))
    }
}

fn address(dice: &mut Dice, path: &str, route: &Json) -> String {
    let mut address = "/api/v1".to_owned();
    for part in path.split('/').skip(1) {
        address.push('/');
        if part.starts_with('{') {
            let name = name(dice);
            address += if name.is_empty() { "x" } else { &name };
        } else {
            address += part;
        }
    }
    let asked = route["parameters"].as_array().into_iter().flatten();
    let mut between = '?';
    for parameter in asked.filter(|parameter| parameter["in"] == "query") {
        if dice.chance(70) {
            let schema = &parameter["schema"];
            let value = match bend::of_schema(dice, schema, &DESCRIPTION, 0) {
                _ if dice.chance(30) => name(dice),
                Json::String(text) => encoded(&text),
                other => encoded(&other.to_string()),
            };
            let key = parameter["name"].as_str().unwrap_or("x");
            address += &format!("{between}{key}={value}");
            between = '&';
        }
    }
    address
}

fn body(dice: &mut Dice, route: &Json) -> (String, Vec<u8>) {
    let contents = route["requestBody"]["content"].as_object();
    let Some((kind, content)) = contents.and_then(|contents| contents.iter().next()) else {
        let body = if dice.chance(20) {
            bend::text(dice)
        } else {
            String::new()
        };
        return ("application/json".to_owned(), body.into_bytes());
    };
    let mut made = bend::of_schema(dice, &content["schema"], &DESCRIPTION, 0);
    for _ in 0..dice.below(3) {
        bend::json(dice, &mut made, &WORDS);
    }
    let mut bytes = match made {
        Json::String(text) if kind.starts_with("text/") => text.into_bytes(),
        other => other.to_string().into_bytes(),
    };
    if dice.chance(15) {
        bend::bytes(dice, &mut bytes);
    }
    let kind = if dice.chance(3) {
        "text/html"
    } else {
        kind.as_str()
    };
    (kind.to_owned(), bytes)
}

pub(crate) fn play(dice: &mut Dice) -> Result<()> {
    run(async {
        let rig = Rig::new(dice, &System::ALL).await?;
        for _ in 0..25 {
            let (method, path, route) = *dice.of(&ROUTES);
            let address = address(dice, path, route);
            let (kind, body) = body(dice, route);
            let told = || format!("{method} {address} {:?}", String::from_utf8_lossy(&body));
            let (status, answer) = rig
                .ask(&method.to_uppercase(), &address, &kind, body.clone())
                .await
                .with_context(told)?;
            is_told(status, &answer).with_context(told)?;
        }
        rig.close().await;
        Ok(())
    })
}
