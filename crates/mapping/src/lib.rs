//! Mappings: what a person says about how two systems belong together, checked against both schemas
//! and made ready to use.
//!
//! [`SyncRules`] is what a person writes. [`CompiledEntity::compile`] checks the part for one entity
//! and says everything that is wrong with it. A [`CompiledMapping`] reads each side into one shared
//! form, decides, and writes back only what has to change: see the laws of its lenses. Everything is
//! pure, and no system is named here: what a system does to values stands in its schema.

pub mod rules;

mod problem;

mod loss;

mod slot;

mod lens;

mod mapping;

mod person;

mod scope;

mod owners;

mod compile;

mod entity;

mod likeness;

pub use compile::Settings;
pub use entity::{CompiledEntity, Draft};
pub use lens::References;
pub use likeness::Likeness;
pub use loss::{Loss, LossKind};
pub use mapping::CompiledMapping;
pub use merge::Policy;
pub use owners::Owners;
pub use problem::Problem;
pub use rules::{
    Condition, CreateOnly, CreateRules, DeleteRule, DeleteRules, EntityRules, ImportTag,
    ImportTags, KeptIds, LensRule, Limit, Limits, MappingRules, Mode, OnLeave, OnLoss, Role,
    ScopeRules, SyncRules, Unmatched, Words,
};

#[cfg(test)]
mod tests;
