//! By what a mapping is known: its name, and the mark of all that a base depends on.

use merge::Direction;
use record::{FieldName, Side};

use crate::{
    lens::Lens,
    rules::{MappingRules, Words},
};

impl MappingRules {
    /// The name that was given, else one made from the fields. It needs no schema, so that what is stored
    /// of a mapping can be told where an account cannot be read.
    pub fn id(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let of = |words: &Option<Words>| -> Option<String> {
            let words = words.as_ref()?;
            match &words.0[..] {
                [] => None,
                [word] => Some(snake(word)),
                words => Some(
                    words
                        .iter()
                        .map(|word| snake(word))
                        .collect::<Vec<_>>()
                        .join("_"),
                ),
            }
        };
        // A formula is named after what it writes to.
        let made = match self.formula_to_right {
            Some(_) => of(&self.right),
            None => of(&self.left).or_else(|| of(&self.right)),
        };
        made.unwrap_or_default()
    }
}

/// `firstName` → `first_name`
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && before_lower {
            snake.push('_');
        }
        before_lower = character.is_lowercase() || character.is_ascii_digit();
        if character.is_alphanumeric() || character == '.' {
            snake.extend(character.to_lowercase());
        } else {
            snake.push('_');
        }
    }
    snake
}

/// A mark of all that makes an old base unusable.
pub(super) fn revision(rules: &MappingRules, lens: &Lens, direction: Direction) -> String {
    let fields = |side: Side| -> Vec<String> {
        lens.fields(side).iter().map(FieldName::to_string).collect()
    };
    let parts = format!(
        "1|{}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{direction:?}",
        lens.signature(),
        fields(Side::Left),
        fields(Side::Right),
        rules.values,
        rules.unmatched,
        rules.formula_to_left,
        rules.formula_to_right,
    );
    format!("{:016x}", fnv1a(parts.as_bytes()))
}

/// FNV-1a, 64 bits: the same everywhere and for ever, which the hasher of the standard library is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
