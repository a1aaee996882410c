//! The engine: one for all formulas, with its limits.

use std::sync::OnceLock;

use rhai::{Engine, OptimizationLevel};

use crate::functions;

/// Steps that one evaluation may take.
pub(crate) const MAX_OPERATIONS: u64 = 10_000;
/// Bytes that one text may have.
pub(crate) const MAX_TEXT: usize = 64 * 1024;
/// Elements that one list may have.
pub(crate) const MAX_ELEMENTS: usize = 1_000;
/// Characters that a formula may have.
pub(crate) const MAX_SOURCE: usize = 4_000;
/// How deep an expression may nest.
const MAX_DEPTH: usize = 24;

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut engine = Engine::new_raw();
        engine
            .set_max_operations(MAX_OPERATIONS)
            .set_max_string_size(MAX_TEXT)
            .set_max_array_size(MAX_ELEMENTS)
            .set_max_map_size(100)
            .set_max_expr_depths(MAX_DEPTH, MAX_DEPTH)
            .set_max_call_levels(8)
            .set_max_variables(256)
            .set_max_functions(0)
            .set_strict_variables(true)
            .set_fail_on_invalid_map_property(true)
            .set_allow_anonymous_fn(false)
            .set_allow_looping(false)
            .set_allow_loop_expressions(false)
            .set_allow_statement_expression(false)
            .set_allow_shadowing(false)
            // nothing is evaluated before its limits count
            .set_optimization_level(OptimizationLevel::None);
        for word in [
            "eval",
            "Fn",
            "call",
            "curry",
            "print",
            "debug",
            "type_of",
            "is_def_var",
            "this",
        ] {
            engine.disable_symbol(word);
        }
        functions::register(&mut engine);
        engine
    })
}
