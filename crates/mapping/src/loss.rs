//! What a side cannot hold.

use std::fmt;

use record::FieldName;
use serde::{Deserialize, Serialize};

/// Something of a value that one side cannot hold. Declared before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The field that cannot hold it.
    pub field: FieldName,
    /// What it is about.
    pub kind: LossKind,
    /// The rest can be written. `false`: the value cannot be written at all.
    pub partial: bool,
    /// The elements of a set that cannot be held. Values: not for logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<String>,
}

/// Why a side cannot hold a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// It has more characters than this.
    TooLong(usize),
    /// It is none of the permitted values.
    NotAChoice,
    /// A value there cannot be removed again.
    NotClearable,
    /// It is no day, number, country …, and the field holds nothing else.
    NotOfItsKind,
}

impl Loss {
    pub(crate) fn whole(kind: LossKind, field: &FieldName) -> Self {
        Self {
            field: field.clone(),
            kind,
            partial: false,
            elements: Vec::new(),
        }
    }

    pub(crate) fn part(kind: LossKind, field: &FieldName) -> Self {
        Self {
            partial: true,
            ..Self::whole(kind, field)
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match self.kind {
            LossKind::TooLong(longest) if self.partial => {
                write!(f, "`{field}` keeps only the first {longest} characters")
            }
            LossKind::TooLong(longest) => write!(f, "`{field}` takes at most {longest} characters"),
            LossKind::NotAChoice if self.partial => {
                write!(
                    f,
                    "`{field}` has no value for {} of them",
                    self.elements.len()
                )
            }
            LossKind::NotAChoice => write!(f, "`{field}` has no such value"),
            LossKind::NotClearable => write!(f, "`{field}` cannot be emptied"),
            LossKind::NotOfItsKind => write!(f, "`{field}` cannot hold a value of this kind"),
        }
    }
}
