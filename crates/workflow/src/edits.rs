//! Edits of records through a sync.

use serde_json::{Value as Json, json};
use store::{ConnectionName, SyncName};
use sync::{Edit, EditError, Edited};

use crate::{
    act::{Act, Failure, FailureKind, Outcome},
    values::json as as_json,
};

/// The edit that an act asks for.
pub(crate) fn of(act: &Act, cause: &str) -> Result<Edit, Failure> {
    let Act::Edit {
        sync,
        connection,
        entity,
        record,
        fields,
    } = act
    else {
        return Err(Failure::new(FailureKind::Input, "this is no edit"));
    };
    if record.is_empty() {
        let why = "there is no id of a record";
        return Err(Failure::new(FailureKind::Input, why));
    }
    let entity = entity.parse().map_err(|error: record::UnknownEntity| {
        Failure::new(FailureKind::Input, error.to_string())
    })?;
    Ok(Edit {
        sync: SyncName::from(sync.as_str()),
        connection: ConnectionName::from(connection.as_str()),
        entity,
        record: record.as_str().into(),
        fields: fields.clone(),
        trace: trace(cause),
    })
}

/// The id of everything that follows, made of the name of the cause, so that a repeated step has the same.
fn trace(cause: &str) -> uuid::Uuid {
    let mut bytes = [0_u8; 16];
    for (at, byte) in cause.bytes().rev().take(16).enumerate() {
        bytes[15 - at] = byte;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What became of it, for a step.
pub(crate) fn outcome(result: Result<Edited, EditError>) -> Outcome {
    match result {
        Ok(edited) => Outcome::Done(shown(&edited)),
        Err(EditError::Refused(why)) => Outcome::Failed(Failure::new(FailureKind::Refused, why)),
        Err(EditError::NotNow(why)) => Outcome::Failed(Failure::new(FailureKind::Unreachable, why)),
        Err(EditError::Failed(error)) => {
            let failure = Failure::new(FailureKind::Unreachable, error.to_string());
            Outcome::Failed(failure)
        }
    }
}

fn shown(edited: &Edited) -> Json {
    let written: Vec<Json> = edited
        .written
        .iter()
        .map(|row| {
            json!({
                "connection": row.connection,
                "record": row.record.as_str(),
                "field": row.field.as_str(),
                "before": as_json(&row.before),
                "after": as_json(&row.after),
            })
        })
        .collect();
    json!({
        "link": edited.link,
        "other": {
            "connection": edited.other.connection,
            "record": edited.other.record.as_str(),
        },
        "written": written,
    })
}
