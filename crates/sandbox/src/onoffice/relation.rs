//! Making, changing, taking away and reading links.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Outcome, as_texts, numbers, text};
use super::errors::{Failure, fail};
use super::relations::Kind;
use super::state::ChangeKind;

/// The words that an appointment's address can have.
const WORDS: [(&str, &[&str]); 2] = [
    (
        "statusTerminbestaetigung",
        &["bestätigt", "gesendet", "gecancelt", "nicht gesetzt"],
    ),
    ("statusTerminrueckmeldung", &["aktiv", "inaktiv"]),
];

fn kind(ask: &Ask<'_>) -> Result<Kind, Failure> {
    let urn = ask.text("relationtype").ok_or_else(|| fail(132))?;
    Kind::parse(&urn).ok_or_else(|| fail(132))
}

fn ends(ask: &Ask<'_>) -> Result<(Vec<u32>, Vec<u32>), Failure> {
    let ids = |name: &str| numbers(name, ask.parameters.get(name)).map_err(|_| fail(185));
    let (parents, children) = (ids("parentid")?, ids("childid")?);
    if parents.is_empty() || children.is_empty() {
        return Err(fail(185));
    }
    Ok((parents, children))
}

/// Whether there is such a record, as far as this client keeps the module.
fn is_known(ask: &Ask<'_>, module: &str, id: u32) -> bool {
    match module {
        "address" => ask.state.address(id).is_some(),
        "user" => ask.state.user(id).is_some(),
        "file" => ask.state.records().files.get(id).is_some(),
        "searchcriteria" => {
            let mut criteria = ask.state.records().criteria.iter();
            criteria.any(|criterion| criterion.id == id)
        }
        module => match ask.state.records().table(module) {
            Some(table) => table.get(id).is_some(),
            None => true,
        },
    }
}

/// Answers `create relation`.
///
/// # Errors
/// 132 for the type, 185 for ids that are none or unknown, 219 for several on both sides, 263 for a contact person who is no agent.
pub(crate) fn create(ask: &mut Ask<'_>) -> Outcome {
    let kind = kind(ask)?;
    let (parents, children) = ends(ask)?;
    if parents.len() > 1 && children.len() > 1 {
        return Err(fail(219));
    }
    let known = parents.iter().all(|id| is_known(ask, kind.parent(), *id))
        && children.iter().all(|id| is_known(ask, kind.child(), *id));
    if !known {
        return Err(fail(185));
    }
    if kind.name() == "estate:address:contactPerson" {
        let is_agent = |id: &u32| {
            let address = ask.state.address(*id);
            address.is_some_and(|address| ask.state.keys(address, "ArtDaten").contains(&"Makler"))
        };
        if !children.iter().all(is_agent) {
            return Err(fail(263));
        }
    }
    let words = info(ask)?;
    for parent in &parents {
        for child in &children {
            let made = ask.records().relations.add(kind, *parent, *child);
            for (name, word) in &words {
                ask.records()
                    .relations
                    .say(kind, *parent, *child, name, word);
            }
            if made {
                ask.changed(
                    "relation",
                    *parent,
                    ChangeKind::Create,
                    vec![kind.name().to_owned()],
                );
            }
        }
    }
    ask.success("relation")
}

/// `relationinfo`, checked.
fn info(ask: &Ask<'_>) -> Result<Vec<(String, String)>, Failure> {
    let nothing = Map::new();
    let info = match ask.parameters.get("relationinfo") {
        None | Some(Json::Null) => &nothing,
        Some(Json::Array(items)) if items.is_empty() => &nothing,
        Some(Json::Object(info)) => info,
        Some(_) => return Err(fail(179)),
    };
    info.iter()
        .map(|(name, word)| {
            let word = text(word).ok_or_else(|| fail(181))?;
            let known = WORDS
                .iter()
                .any(|(known, words)| known == name && words.contains(&word.as_str()));
            known.then(|| (name.clone(), word)).ok_or_else(|| fail(181))
        })
        .collect()
}

/// Answers `modify relation`: only how an appointment's address answered.
///
/// # Errors
/// 132, 182 for other types, 180 for a link that is not there, 181 for what is no word.
pub(crate) fn modify(ask: &mut Ask<'_>) -> Outcome {
    let kind = kind(ask)?;
    if kind.name() != "calendar:address" {
        return Err(fail(182));
    }
    let (parents, children) = ends(ask)?;
    let words = info(ask)?;
    if words.is_empty() {
        return Err(fail(181));
    }
    for parent in &parents {
        for child in &children {
            if !ask.state.records().relations.has(kind, *parent, *child) {
                return Err(fail(180));
            }
            for (name, word) in &words {
                ask.records()
                    .relations
                    .say(kind, *parent, *child, name, word);
            }
            let names = words.iter().map(|(name, _)| name.clone()).collect();
            ask.changed("relation", *parent, ChangeKind::Update, names);
        }
    }
    ask.success("relation")
}

/// Answers `delete relation`.
///
/// # Errors
/// 132, 185, 168 for types that cannot be deleted, 180 for a link that is not there.
pub(crate) fn delete(ask: &mut Ask<'_>) -> Outcome {
    let kind = kind(ask)?;
    let (parents, children) = ends(ask)?;
    if ask.quirks.relation_delete_listed_only && !kind.may_be_deleted() {
        return Err(fail(168));
    }
    let ([parent], [child]) = (parents.as_slice(), children.as_slice()) else {
        return Err(fail(185));
    };
    if !ask.records().relations.remove(kind, *parent, *child) {
        return Err(fail(180));
    }
    ask.changed(
        "relation",
        *parent,
        ChangeKind::Delete,
        vec![kind.name().to_owned()],
    );
    ask.success("relation")
}

/// Answers `get idsfromrelation`: the wrong direction is no error, only empty.
///
/// # Errors
/// 132 for the type, 185 without ids.
pub(crate) fn ids(ask: &mut Ask<'_>) -> Outcome {
    let kind = kind(ask)?;
    let parents = numbers("parentids", ask.parameters.get("parentids"))?;
    let children = numbers("childids", ask.parameters.get("childids"))?;
    if parents.is_empty() == children.is_empty() {
        return Err(fail(185));
    }
    let relations = &ask.state.records().relations;
    let mut elements = Map::new();
    for id in &parents {
        let others = relations.children(kind, *id);
        elements.insert(id.to_string(), as_texts(others.iter().copied()));
    }
    for id in &children {
        let others = relations.parents(kind, *id);
        elements.insert(id.to_string(), as_texts(others.iter().copied()));
    }
    ask.answer(
        None,
        &json!(""),
        [(json!("relatedIds"), Json::Object(elements))],
    )
}
