//! Bring your own API: any OpenAPI 3.x document as a system whose calls are operations of the catalog.
//!
//! ```text
//! document ─▶ Document (its references) ─▶ schemas ─▶ operations ─┐
//!                                       └▶ sign-in ──────────────┴▶ Imported ─▶ OpenApi, a connector without entities
//! ```
//!
//! What the document says in a form that cannot be called here (a body of files, a cookie that is needed) is left out and listed. Nothing of it
//! is kept in sync: there are no entities, only operations.

mod document;
mod operation;
mod schema;
mod sign_in;
mod system;

pub use document::Unreadable;
pub use system::{Imported, LeftOut, OpenApi, read};
