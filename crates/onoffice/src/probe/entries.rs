//! Phone numbers and e-mail addresses: which is the main one, what is shown, how they are changed.

use std::time::Duration;

use connector::{Desk, Finding, ProbeError};
use serde_json::json;

use super::{
    READ, said,
    specimen::{change, field, id, note, read, shared},
    tell,
};
use crate::{
    action::{Action, Verb},
    address::ADDRESS,
    exchange::unexpected,
};

/// Numbers of the range that the German regulator reserves for films and plays.
const PHONE: &str = "030 23125042";
const FAX: &str = "030 23125043";
const MOBILE: &str = "030 23125044";

/// Stamps have seconds; so much later is certainly later.
pub(super) const TICK: Duration = Duration::from_millis(2_100);

pub(super) async fn main_entry(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let at_create = !field(desk, address, "Email").await?.is_empty();
    if !at_create {
        return Ok(
            Finding::settled("never: not even the first e-mail address of a create is")
                .switch("onoffice.first_entry_is_main", "never"),
        );
    }
    let added = change(
        desk,
        address,
        "add a first phone number to the probe's address",
        json!({"phone": {"action": "add", "newvalue": PHONE}}),
    )
    .await?;
    if let Err(no) = added {
        return Ok(Finding::open(format!(
            "adding a number was refused: {}",
            said(&no)
        )));
    }
    let later = !field(desk, address, "Telefon1").await?.is_empty();
    let (how, word) = match later {
        true => ("the first of its kind, whenever it comes", "always"),
        false => (
            "the first of a create, and none that is added later",
            "create",
        ),
    };
    Ok(Finding::settled(how).switch("onoffice.first_entry_is_main", word))
}

pub(super) async fn further(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    if let Some(finding) = second_email(desk, address).await? {
        return Ok(finding);
    }
    let second = desk.email("second");
    let elements = read(desk, address, &["Name", "email"])
        .await?
        .map_err(|no| unexpected(READ, said(&no)))?;
    let shown = elements
        .iter()
        .any(|(key, value)| key.contains("__") && value.as_str() == Some(second.as_str()));
    let how = match shown {
        true => "they do",
        false => "they do not: a second e-mail address is accepted and not shown",
    };
    Ok(Finding::settled(how).switch("onoffice.only_main_entry_readable", !shown))
}

/// Sees to it that the shared address has a second e-mail address; a finding if it cannot.
async fn second_email(desk: &dyn Desk, address: i64) -> Result<Option<Finding>, ProbeError> {
    if desk.kept("second").is_some() {
        return Ok(None);
    }
    let added = change(
        desk,
        address,
        "add a second, private e-mail address to the probe's address",
        json!({"email_private": {"action": "add", "newvalue": desk.email("second")}}),
    )
    .await?;
    desk.keep("second", json!(true));
    Ok(added
        .err()
        .map(|no| Finding::open(format!("adding an address was refused: {}", said(&no)))))
}

pub(super) async fn key(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let added = change(
        desk,
        address,
        "add a private fax number to the probe's address",
        json!({"fax_private": {"action": "add", "newvalue": FAX, "default": true}}),
    )
    .await?;
    if let Err(no) = added {
        return Ok(Finding::open(format!(
            "adding a number was refused: {}",
            said(&no)
        )));
    }
    let elements = read(desk, address, &["Name", "fax"])
        .await?
        .map_err(|no| unexpected(READ, said(&no)))?;
    let start = elements
        .keys()
        .filter(|key| !key.ends_with("__Comment"))
        .find_map(|key| key.split_once("__").map(|(start, _)| start));
    let word = match start {
        Some("fax_private") => "underscored",
        Some("faxprivate") => "glued",
        Some("fax") => "plain",
        Some(_) => return Ok(Finding::open("the key has a fourth form")),
        None => return Ok(Finding::open("reads do not show the number")),
    };
    Ok(
        Finding::settled(format!("like {}__17", start.unwrap_or_default()))
            .switch("onoffice.entry_key", word),
    )
}

pub(super) async fn actions(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let taken = change(
        desk,
        address,
        "add two business e-mail addresses to the probe's address in one list",
        json!({"email_business": [
            {"action": "add", "newvalue": desk.email("third")},
            {"action": "add", "newvalue": desk.email("fourth")},
        ]}),
    )
    .await?;
    Ok(match taken {
        Ok(_) => Finding::settled("a list is taken").switch("onoffice.contact_action_list", true),
        Err(no) => Finding::settled(format!("a list is refused with {}", said(&no)))
            .switch("onoffice.contact_action_list", false),
    })
}

pub(super) async fn flat(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let plain = change(
        desk,
        address,
        "write the e-mail address of the probe's address as plain text",
        json!({"email": desk.email("flat")}),
    )
    .await?;
    let main = change(
        desk,
        address,
        "write the main e-mail address of the probe's address under the name Email",
        json!({"Email": desk.email("main")}),
    )
    .await?;
    let how = |ended: &Result<_, crate::codes::No>| match ended {
        Ok(_) => "accepted".to_owned(),
        Err(no) => format!("refused with {}", said(no)),
    };
    Ok(Finding::settled(format!(
        "under `email` {}, under `Email` {}",
        how(&plain),
        how(&main)
    ))
    .switch("onoffice.flat_contact_refused", plain.is_err())
    .switch("onoffice.main_fields_writable", main.is_ok()))
}

pub(super) async fn stamp(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let before = field(desk, address, "Aenderung").await?;
    desk.wait(TICK).await?;
    let added = change(
        desk,
        address,
        "add one more number to the probe's address",
        json!({"phone_business": {"action": "add", "newvalue": MOBILE}}),
    )
    .await?;
    if let Err(no) = added {
        return Ok(Finding::open(format!(
            "adding a number was refused: {}",
            said(&no)
        )));
    }
    let moved = field(desk, address, "Aenderung").await? != before;
    let how = if moved { "it moves" } else { "it stays" };
    Ok(Finding::settled(how).switch("onoffice.contact_change_stamps", moved))
}

pub(super) async fn duplicate_check(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    if let Some(finding) = second_email(desk, address).await? {
        return Ok(finding);
    }
    let create = Action::new(
        Verb::Create,
        ADDRESS,
        json!({
            "Vorname": "Tandem",
            "Name": desk.marker(),
            "email": desk.email("second"),
            "checkDuplicate": true,
            "noOverrideByDuplicate": true,
        }),
    );
    let what = "make an address with the second e-mail address of the probe's address, unless it is noticed";
    let (made, _) = tell(desk, what, create).await?;
    let made = match made {
        Ok(data) => data,
        Err(no) => {
            return Ok(Finding::settled(format!(
                "refused with {}; no switch stands for that",
                said(&no)
            )));
        }
    };
    let Some(made) = id(&made) else {
        return Err(unexpected(super::WRITE, "the answer names no address").into());
    };
    Ok(if made == address {
        Finding::settled("it does: the existing address was answered, and none was made")
            .switch("onoffice.duplicate_matches_secondary", true)
    } else {
        note(desk, made);
        Finding::settled("it does not: a second address was made")
            .switch("onoffice.duplicate_matches_secondary", false)
    })
}
