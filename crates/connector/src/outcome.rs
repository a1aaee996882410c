//! What is asked of a system record by record, and how each ends.

use std::collections::{BTreeMap, BTreeSet};

use record::{FieldName, Fields, Read, Record, RecordId};
use serde::{Deserialize, Serialize};

use crate::{Error, Refusal};

/// Something by which a system can look a person or an organisation up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentityKey {
    /// What kind of key.
    pub kind: KeyKind,
    /// Its canonical form: e-mail in lower case, phone in E.164, a name folded.
    pub value: String,
}

/// The kinds of key that `find` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// An e-mail address in lower case.
    Email,
    /// A phone number in E.164.
    Phone,
    /// The name of an organisation as [`record::fold::organisation`] folds it.
    Name,
    /// The id of the record that it belongs to: asks for all that belong to that one.
    Parent,
}

/// How a fetch of one id ended.
#[derive(Debug)]
pub enum Fetched {
    /// It is there.
    Found(Box<Read>),
    /// The system says, or an answer that must have held it shows, that it is not there.
    Gone(RecordId),
    /// This one could not be read.
    Failed(RecordId, Error),
}

/// A record to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Raw values in the target's own forms.
    pub fields: Fields,
    /// Records of the target that people said it is not. A check for doubles that can be left out is left out for it.
    #[serde(default)]
    pub apart: Vec<RecordId>,
}

/// How a create ended. There is no fourth way.
#[derive(Debug)]
pub enum CreateOutcome {
    /// Made. The record itself, if the answer held it whole.
    Created {
        /// Its id.
        id: RecordId,
        /// The record as stored, when the answer is the record.
        read: Option<Box<Read>>,
        /// Fields of the draft that it was made without, because they need a call of their own that was not
        /// carried out, or not surely. They are written later, like any change.
        left_out: Vec<FieldName>,
    },
    /// Not made, because the system holds something equal. The id is a candidate, not a match.
    Existing {
        /// What the system named.
        candidate: RecordId,
        /// The field that it found equal, in its words.
        matching: String,
        /// The field of the draft whose value the system takes once only. Without it, the record can be made.
        taken: Option<FieldName>,
    },
    /// It may or may not have been made.
    Unknown {
        /// What is known.
        why: String,
    },
    /// Not made: the system refused the content.
    Refused(Refusal),
    /// Not made: the call did not come to pass. May be tried again.
    Failed(Error),
}

/// Elements that come and go in a set field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SetDelta {
    /// To add.
    pub add: BTreeSet<String>,
    /// To remove.
    pub remove: BTreeSet<String>,
}

/// A change to one record: only what differs.
#[derive(Debug, Clone)]
pub struct Change {
    /// The record as it was just read; its values tell old from new where a system wants both.
    pub current: Record,
    /// New raw values. `Empty` clears.
    pub set: Fields,
    /// Elements to add to and remove from set fields.
    pub sets: BTreeMap<FieldName, SetDelta>,
}

/// How an update ended.
#[derive(Debug)]
pub enum UpdateOutcome {
    /// Carried out. The record itself, if the last answer held it whole.
    Done {
        /// The record as stored, when an answer is the record.
        read: Option<Box<Read>>,
    },
    /// The content was refused; nothing, or only the parts in `done`, was carried out.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Fields that were written by an earlier call of the same change.
        done: Vec<FieldName>,
    },
    /// The record is no longer there.
    Gone,
    /// It may or may not have been carried out.
    Unknown {
        /// What is known.
        why: String,
    },
    /// Not carried out: the call did not come to pass. May be tried again.
    Failed(Error),
}

/// How a delete or archive ended.
#[derive(Debug)]
pub enum RemoveOutcome {
    /// Carried out.
    Done,
    /// It was gone already.
    Gone,
    /// Refused.
    Refused(Refusal),
    /// It may or may not have been carried out.
    Unknown {
        /// What is known.
        why: String,
    },
    /// Not carried out.
    Failed(Error),
}
