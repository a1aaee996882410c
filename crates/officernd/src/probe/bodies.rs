//! What becomes of the parts of an update.

use connector::{Desk, Finding, ProbeError};
use serde_json::{Value as Json, json};

use super::{
    beside, get, json as body,
    member::{read, shared, update},
    refused, said, unexpected,
};

/// A custom property that no organisation has.
const UNDEFINED: &str = "tandem_probe_nothing";

pub(super) async fn member_update(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    // a number that is reserved for films and plays
    let response = update(
        desk,
        &id,
        "give the probe's member a phone number",
        json!({"phone": "+493023125042"}),
    )
    .await?;
    let member = read(desk, &id).await?;
    let digits: String = member["phone"]
        .as_str()
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let (finding, newer) = if response.status.is_success() && digits.ends_with("23125042") {
        (Finding::settled("it may"), true)
    } else if refused(&response, &["property phone should not exist"]) {
        let how = format!("it may not: {}", said(&response));
        (Finding::settled(how), false)
    } else {
        return Ok(beside(&response));
    };
    let profile = if newer { "2026-10" } else { "2026-02" };
    // without tags of its own a member shows an empty list, or none at all
    let tags = match (member.get("tags").is_some(), newer) {
        (true, false) => "shown",
        (false, true) => "hidden",
        _ => "by_profile",
    };
    Ok(finding
        .switch("officernd.put_profile", profile)
        .switch("officernd.member_tags", tags))
}

pub(super) async fn unknown_field(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let name = format!("Tandem {} 2", desk.marker());
    let response = update(
        desk,
        &id,
        "rename the probe's member in an update with a field that does not exist",
        json!({"name": name, "tandemProbe": "x"}),
    )
    .await?;
    let written = read(desk, &id).await?["name"] == name.as_str();
    let rest = match written {
        true => "the rest was carried out",
        false => "nothing of it was carried out",
    };
    let finding = Finding::settled(format!("{}; {rest}", said(&response)));
    Ok(if refused(&response, &["tandemProbe"]) {
        finding.switch("officernd.whitelist", true).switch(
            "officernd.message_arrays",
            body(&response)["message"].is_array(),
        )
    } else if response.status.is_success() && written {
        finding.switch("officernd.whitelist", false)
    } else {
        beside(&response)
    })
}

pub(super) async fn address_merge(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    for part in [json!({"zip": "10115"}), json!({"city": "Berlin"})] {
        let response = update(
            desk,
            &id,
            "write a part of the address of the probe's member",
            json!({"address": part}),
        )
        .await?;
        if !response.status.is_success() {
            return Err(unexpected("the write was refused", &response));
        }
    }
    let address = read(desk, &id).await?["address"].take();
    Ok(if address["city"] != "Berlin" {
        Finding::open("the part that was written last is not there")
    } else if address["zip"] == "10115" {
        Finding::settled("it keeps them").switch("officernd.objects_write", "merge")
    } else {
        Finding::settled("it empties them").switch("officernd.objects_write", "replace")
    })
}

/// Keys of custom properties that members have and that take any text.
async fn text_properties(desk: &dyn Desk) -> Result<Vec<String>, ProbeError> {
    let response = desk.read(get(desk, "/custom-properties")?).await?;
    let list = body(&response);
    let rows = list["results"]
        .as_array()
        .ok_or_else(|| unexpected("the custom properties could not be read", &response))?;
    let of_members = |row: &&Json| {
        row["targets"]
            .as_array()
            .is_some_and(|targets| targets.iter().any(|target| target == "member"))
    };
    let is_text = |row: &&Json| {
        row["type"]
            .as_str()
            .is_some_and(|kind| matches!(kind.to_lowercase().as_str(), "text" | "string"))
    };
    Ok(rows
        .iter()
        .filter(of_members)
        .filter(is_text)
        .filter_map(|row| row["key"].as_str())
        .map(str::to_owned)
        .collect())
}

pub(super) async fn property_merge(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let keys = text_properties(desk).await?;
    let [one, other, ..] = keys.as_slice() else {
        return Ok(Finding::open(
            "the organisation needs two custom properties of type Text for members for this",
        ));
    };
    let id = shared(desk).await?;
    for key in [one, other] {
        let response = update(
            desk,
            &id,
            "write one custom property of the probe's member",
            json!({"properties": {key: "tandem probe"}}),
        )
        .await?;
        if !response.status.is_success() {
            return Err(unexpected("the write was refused", &response));
        }
    }
    let properties = read(desk, &id).await?["properties"].take();
    Ok(if properties[other] != "tandem probe" {
        Finding::open("the property that was written last is not there")
    } else if properties[one] == "tandem probe" {
        Finding::settled("it keeps them").switch("officernd.properties_write", "merge")
    } else {
        Finding::settled("it empties them").switch("officernd.properties_write", "replace")
    })
}

pub(super) async fn undefined_property(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let response = update(
        desk,
        &id,
        "write a custom property of the probe's member that does not exist",
        json!({"properties": {UNDEFINED: "x"}}),
    )
    .await?;
    if refused(&response, &[UNDEFINED]) {
        return Ok(Finding::settled(format!("refused: {}", said(&response)))
            .switch("officernd.unknown_property", "refuse"));
    }
    if !response.status.is_success() {
        return Ok(beside(&response));
    }
    let stored = read(desk, &id).await?["properties"][UNDEFINED] == "x";
    let (how, word) = match stored {
        true => ("it is stored", "store"),
        false => ("it is dropped without a word", "drop"),
    };
    Ok(Finding::settled(how).switch("officernd.unknown_property", word))
}

pub(super) async fn email_check(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let response = update(
        desk,
        &id,
        "write an e-mail address that is none to the probe's member",
        json!({"email": "tandem probe"}),
    )
    .await?;
    let stored = response.status.is_success();
    if stored {
        // found by its address, should the run lose its track
        update(
            desk,
            &id,
            "write the e-mail address of the probe's member again",
            json!({"email": desk.email("shared")}),
        )
        .await?;
    }
    Ok(if stored && body(&response)["email"] == "tandem probe" {
        Finding::settled("it is stored").switch("officernd.email_checked", false)
    } else if refused(&response, &["email"]) {
        Finding::settled(said(&response)).switch("officernd.email_checked", true)
    } else {
        beside(&response)
    })
}

pub(super) async fn clearing(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let id = shared(desk).await?;
    let response = update(
        desk,
        &id,
        "clear the e-mail address of the probe's member",
        json!({"email": null}),
    )
    .await?;
    if refused(&response, &["email"]) {
        return Ok(Finding::settled(format!("refused: {}", said(&response)))
            .switch("officernd.null_clears", false));
    }
    if !response.status.is_success() {
        return Ok(beside(&response));
    }
    let member = read(desk, &id).await?;
    let cleared = member["email"].as_str().is_none_or(str::is_empty);
    Ok(match cleared {
        true => Finding::settled("it does").switch("officernd.null_clears", true),
        false => Finding::settled("it is accepted and has no effect; no switch stands for that"),
    })
}
