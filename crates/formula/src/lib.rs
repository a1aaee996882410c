//! Formulas: bounded expressions over fields, and templates with merge tags.
//!
//! A formula is one expression (`upper(lastName) + ", " + firstName`) or a template
//! (`{{ contact.first_name }} c/o {{ companyName }}`). It has no loops, no statements, no functions of
//! its own, no access to anything but the values it is given, and hard limits on time and memory, so
//! that a formula of a stranger is safe to run. It is pure: the same values give the same result.

mod scan;

mod engine;

mod functions;

mod value;

mod template;

pub use functions::FUNCTIONS;
pub use template::{EvaluateError, Formula, FormulaError, Position};
