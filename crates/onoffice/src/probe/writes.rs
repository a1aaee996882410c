//! What writes do with what is not quite right.

use connector::{Desk, Finding, ProbeError};
use serde_json::json;

use super::{
    WRITE, ask,
    entries::TICK,
    said,
    specimen::{change, field, id, note, shared},
    tell,
};
use crate::{
    action::{self, Action, Verb},
    address::ADDRESS,
};

/// A field that no client has.
const NO_FIELD: &str = "TandemNoSuchField";

/// A record number that no client gets to.
const NOBODY: i64 = 2_147_483_000;

/// Longer than any field of a name.
const LONG: usize = 300;

pub(super) async fn unchanged(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let before = field(desk, address, "Aenderung").await?;
    desk.wait(TICK).await?;
    let written = change(
        desk,
        address,
        "write the surname of the probe's address as it is",
        json!({"Name": desk.marker()}),
    )
    .await?;
    if let Err(no) = written {
        return Ok(Finding::open(format!(
            "the write was refused: {}",
            said(&no)
        )));
    }
    let moved = field(desk, address, "Aenderung").await? != before;
    let how = if moved { "it does" } else { "it does not" };
    Ok(Finding::settled(how).switch("onoffice.unchanged_write_stamps", moved))
}

pub(super) async fn nested_create(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let create = Action::new(
        Verb::Create,
        ADDRESS,
        json!({"data": {
            "Vorname": "Tandem", "Name": desk.marker(), "email": desk.email("nested"),
        }}),
    );
    let what =
        "make an address with its fields inside `data`, which will be archived if it is accepted";
    let (made, _) = tell(desk, what, create).await?;
    Ok(match made {
        Ok(data) => {
            if let Some(id) = id(&data) {
                note(desk, id);
            }
            Finding::settled("it does").switch("onoffice.nested_create_accepted", true)
        }
        Err(no) => Finding::settled(format!("it is refused with {}", said(&no)))
            .switch("onoffice.nested_create_accepted", false),
    })
}

pub(super) async fn missing_record(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let written = change(
        desk,
        NOBODY,
        &format!("write to address {NOBODY}, which there is not"),
        json!({"Vorname": "Tandem"}),
    )
    .await?;
    Ok(match written {
        Err(no) if no.code == 80 || no.code == 292 => {
            Finding::settled(said(&no)).switch("onoffice.missing_record", no.code.to_string())
        }
        Err(no) => Finding::settled(format!("{}; no switch stands for that", said(&no))),
        Ok(_) => Finding::settled("none: it is a success; no switch stands for that"),
    })
}

/// Writes before and behind an action that fails, in one request.
pub(super) async fn batch(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    const BEFORE: &str = "Tandemweg 1";
    const BEHIND: &str = "Tandemstadt";
    let address = shared(desk).await?;
    let modify = |fields| Action::new(Verb::Modify, ADDRESS, fields).on(address);
    let actions = [
        modify(json!({ "Strasse": BEFORE })),
        modify(json!({ NO_FIELD: "x" })),
        modify(json!({ "Ort": BEHIND })),
    ];
    let what = "write street and town of the probe's address in one request, and between them a field that there is not";
    desk.write(what, action::request(WRITE, &actions, actions.len()))
        .await?;
    let before = field(desk, address, "Strasse").await? == BEFORE;
    let behind = field(desk, address, "Ort").await? == BEHIND;
    Ok(match (before, behind) {
        (true, true) => Finding::settled("each action is carried out for itself")
            .switch("onoffice.batch_ends_at_error", false),
        (true, false) => Finding::settled("what stands behind the failed one is not carried out")
            .switch("onoffice.batch_ends_at_error", true),
        (false, false) => {
            Finding::settled("none of them is carried out; no switch stands for that")
        }
        (false, true) => Finding::open("only what stands behind the failed one was carried out"),
    })
}

pub(super) async fn too_long(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let written = change(
        desk,
        address,
        &format!("write a first name of {LONG} letters to the probe's address"),
        json!({"Vorname": "T".repeat(LONG)}),
    )
    .await?;
    if let Err(no) = written {
        return Ok(Finding::settled(format!("refused with {}", said(&no)))
            .switch("onoffice.too_long", "refuse"));
    }
    let kept = field(desk, address, "Vorname").await?.chars().count();
    Ok(match kept {
        LONG => Finding::settled(format!(
            "{LONG} letters are kept whole; no switch stands for that"
        )),
        kept => Finding::settled(format!("cut to {kept} letters without a word"))
            .switch("onoffice.too_long", "truncate"),
    })
}

pub(super) async fn unknown_country(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let written = change(
        desk,
        address,
        "write a country that there is not to the probe's address",
        json!({"Land": "Tandemland"}),
    )
    .await?;
    Ok(match written {
        Ok(_) => {
            let stored = field(desk, address, "Land").await?;
            match stored.as_str() {
                "Tandemland" => Finding::settled("it is stored as it was sent")
                    .switch("onoffice.unknown_country", "store"),
                "" => Finding::settled("it is accepted and dropped; no switch stands for that"),
                _ => Finding::settled(
                    "it is accepted and another one stored; no switch stands for that",
                ),
            }
        }
        Err(no) => Finding::settled(format!("refused with {}", said(&no)))
            .switch("onoffice.unknown_country", "refuse"),
    })
}

pub(super) async fn unknown_user(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let before = field(desk, address, "Benutzer").await?;
    let written = change(
        desk,
        address,
        "make a user that there is not responsible for the probe's address",
        json!({"Benutzer": "tandem-probe-nobody"}),
    )
    .await?;
    if written.is_ok() && !before.is_empty() {
        // the API user may only see what is somebody's
        let back = change(
            desk,
            address,
            "make the former user responsible again",
            json!({"Benutzer": before}),
        )
        .await?;
        if let Err(no) = back {
            return Ok(Finding::open(format!(
                "it was taken, and setting the former user again was refused: {}",
                said(&no)
            )));
        }
    }
    Ok(match written {
        Ok(_) => Finding::settled("it is").switch("onoffice.unknown_user_accepted", true),
        Err(no) => Finding::settled(format!("it is refused with {}", said(&no)))
            .switch("onoffice.unknown_user_accepted", false),
    })
}

pub(super) async fn archive(desk: &dyn Desk) -> Result<Finding, ProbeError> {
    let address = shared(desk).await?;
    let written = change(
        desk,
        address,
        "write Status 0 to the probe's address",
        json!({"Status": 0}),
    )
    .await?;
    let status = field(desk, address, "Status").await?;
    let ignored = status != "0";
    let how = match (written, ignored) {
        (Err(no), _) => format!("Status is refused with {}", said(&no)),
        (Ok(_), true) => "Status is accepted and has no effect".to_owned(),
        (Ok(_), false) => "Status archives".to_owned(),
    };
    let archived = change(
        desk,
        address,
        "archive the probe's address",
        json!({"Status2Adr": "status2adr_archive"}),
    )
    .await?;
    if let Err(no) = archived {
        return Ok(Finding::open(format!(
            "{how}; archiving by Status2Adr was refused: {}",
            said(&no)
        )));
    }
    let list = Action::new(
        Verb::Read,
        ADDRESS,
        json!({
            "data": ["Name"],
            "listlimit": 1,
            "filter": {"Name": [{"op": "=", "val": desk.marker()}]},
        }),
    );
    let (found, _) = ask(desk, list).await?;
    let listed = match found {
        Ok(data) => data
            .records
            .iter()
            .any(|row| row.id.as_deref() == Some(address.to_string().as_str())),
        Err(no) => {
            return Ok(Finding::open(format!(
                "{how}; the list was refused: {}",
                said(&no)
            )));
        }
    };
    let shown = if listed {
        "lists show"
    } else {
        "lists leave out"
    };
    Ok(
        Finding::settled(format!("{how}; {shown} an archived address"))
            .switch("onoffice.status_write_ignored", ignored)
            .switch("onoffice.archived_listed", listed),
    )
}
