//! Compiling and evaluating.

use std::{fmt, sync::Arc};

use record::{Field, Fields};
use rhai::{AST, EvalAltResult, Scope};

use crate::{
    engine::{MAX_SOURCE, MAX_TEXT, engine},
    functions::{FUNCTIONS, text_of},
    scan::{Scanned, scan},
    value::{to_dynamic, to_field},
};

/// A checked formula. Cheap to clone.
#[derive(Clone)]
pub struct Formula {
    source: Arc<str>,
    parts: Arc<[Part]>,
    reads: Arc<[String]>,
}

enum Part {
    Text(String),
    Field(String),
    Expression {
        ast: AST,
        names: Vec<(String, String)>,
    },
}

/// Where in a formula something is, both counted from 1 in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A formula that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", at(.position))]
pub struct FormulaError {
    /// Where, if it is at one place.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

fn at(position: &Option<Position>) -> String {
    match position {
        Some(Position { line: 1, column }) => format!(" (at character {column})"),
        Some(Position { line, column }) => format!(" (line {line}, character {column})"),
        None => String::new(),
    }
}

/// A formula that has no result for these values. The message holds no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluateError {
    /// What is wrong.
    pub message: String,
}

impl EvaluateError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl Formula {
    /// Checks a formula against the names that it may use.
    ///
    /// A text with `{{` is a template: what stands between `{{` and `}}` is a field or an expression.
    /// Any other text is one expression.
    ///
    /// # Errors
    /// Where it is wrong and what is meant instead: an unknown name, an unknown function, something
    /// that is no expression, or more than a formula may be.
    pub fn compile(text: &str, known: &[&str]) -> Result<Self, FormulaError> {
        if text.chars().count() > MAX_SOURCE {
            return Err(FormulaError {
                position: None,
                message: format!("a formula has at most {MAX_SOURCE} characters"),
                hint: None,
            });
        }
        let mut parts = Vec::new();
        if text.contains("{{") {
            template(text, known, &mut parts)?;
        } else {
            parts.push(expression(text, known)?);
        }
        let mut reads: Vec<String> = parts
            .iter()
            .flat_map(|part| match part {
                Part::Text(_) => Vec::new(),
                Part::Field(name) => vec![name.clone()],
                Part::Expression { names, .. } => {
                    names.iter().map(|(_, name)| name.clone()).collect()
                }
            })
            .collect();
        reads.sort_unstable();
        reads.dedup();
        Ok(Self {
            source: text.into(),
            parts: parts.into(),
            reads: reads.into(),
        })
    }

    /// The text it was made from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names that it uses, in the order of the alphabet.
    pub fn reads(&self) -> &[String] {
        &self.reads
    }

    /// Its result. A field that it reads and that is unknown makes the result unknown; an empty one
    /// is the empty text.
    ///
    /// # Errors
    /// If these values have no result (text where a number is needed), or it would take too long or
    /// grow too large.
    pub fn evaluate(&self, fields: &Fields) -> Result<Field, EvaluateError> {
        if self.reads.iter().any(|name| !fields.get(name).is_known()) {
            return Ok(Field::Unknown);
        }
        if let [only] = &self.parts[..] {
            return match only {
                Part::Text(text) => Ok(Field::of(text.as_str())),
                Part::Field(name) => Ok(fields.get(name).clone()),
                Part::Expression { ast, names } => to_field(run(ast, names, fields)?),
            };
        }
        let mut text = String::new();
        for part in &*self.parts {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Field(name) => text.push_str(&text_of(&to_dynamic(fields.get(name)))),
                Part::Expression { ast, names } => {
                    text.push_str(&text_of(&run(ast, names, fields)?));
                }
            }
            if text.len() > MAX_TEXT {
                return Err(EvaluateError::new("the text grows too long"));
            }
        }
        Ok(Field::of(text))
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Formula").field(&self.source).finish()
    }
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

fn run(
    ast: &AST,
    names: &[(String, String)],
    fields: &Fields,
) -> Result<rhai::Dynamic, EvaluateError> {
    let mut scope = Scope::new();
    for (called, name) in names {
        scope.push_constant_dynamic(called.as_str(), to_dynamic(fields.get(name)));
    }
    engine()
        .eval_ast_with_scope(&mut scope, ast)
        .map_err(|error| EvaluateError::new(explained(&error)))
}

/// What went wrong, without values.
fn explained(error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => "the formula takes too long".to_owned(),
        EvalAltResult::ErrorDataTooLarge(..) => "the result grows too large".to_owned(),
        EvalAltResult::ErrorStackOverflow(_) => "the formula nests too deep".to_owned(),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let named = signature.split(['(', ' ']).next().unwrap_or_default();
            format!("`{named}` cannot be used with values of these kinds")
        }
        EvalAltResult::ErrorRuntime(message, _) => text_of(message),
        EvalAltResult::ErrorArithmetic(..) => "the numbers cannot be calculated so".to_owned(),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            format!("a {wanted} is needed and there is a {found}")
        }
        EvalAltResult::ErrorArrayBounds(..) => "the list has no such element".to_owned(),
        EvalAltResult::ErrorStringBounds(..) => "the text has no such character".to_owned(),
        EvalAltResult::ErrorPropertyNotFound(name, _) => format!("there is no `{name}` in it"),
        _ => "the formula has no result for these values".to_owned(),
    }
}

fn expression(text: &str, known: &[&str]) -> Result<Part, FormulaError> {
    let Scanned {
        source,
        names,
        calls,
    } = scan(text, known)?;
    check_calls(&calls)?;
    let mut scope = Scope::new();
    for (called, _) in &names {
        scope.push_constant(called.as_str(), "");
    }
    let ast = engine()
        .compile_expression_with_scope(&scope, &source)
        .map_err(|error| FormulaError {
            position: position(error.position()),
            message: format!("this is no formula: {}", error.err_type()),
            hint: None,
        })?;
    Ok(Part::Expression { ast, names })
}

fn position(position: rhai::Position) -> Option<Position> {
    Some(Position {
        line: position.line()?,
        column: position.position().unwrap_or(1),
    })
}

fn template(text: &str, known: &[&str], parts: &mut Vec<Part>) -> Result<(), FormulaError> {
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let before = text.len() - rest.len() + open;
        let place = |inside: usize| {
            let head = &text[..before + inside];
            Position {
                line: head.matches('\n').count() + 1,
                column: head.rsplit('\n').next().unwrap_or(head).chars().count() + 1,
            }
        };
        if open > 0 {
            parts.push(Part::Text(rest[..open].to_owned()));
        }
        let inner = &rest[open + 2..];
        let end = closing(inner).ok_or_else(|| FormulaError {
            position: Some(place(0)),
            message: "this {{ has no }}".to_owned(),
            hint: None,
        })?;
        let tag = &inner[..end];
        let trimmed = tag.trim();
        if known.contains(&trimmed) {
            parts.push(Part::Field(trimmed.to_owned()));
        } else {
            let part = expression(tag, known).map_err(|error| {
                let start = place(2);
                let moved = error.position.map(|inside| Position {
                    line: start.line + inside.line - 1,
                    column: if inside.line == 1 {
                        start.column + inside.column - 1
                    } else {
                        inside.column
                    },
                });
                FormulaError {
                    position: moved.or(Some(start)),
                    ..error
                }
            })?;
            parts.push(part);
        }
        rest = &inner[end + 2..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(())
}

/// Where the tag ends, past any `}}` in a text inside it.
fn closing(inner: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in inner.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '"' || character == '\'' => quote = Some(character),
            None if inner[index..].starts_with("}}") => return Some(index),
            None => {}
        }
    }
    None
}

/// Every function that is called exists. (The engine would find out only when it gets there.)
fn check_calls(calls: &[(String, Position)]) -> Result<(), FormulaError> {
    let known: Vec<&str> = FUNCTIONS
        .iter()
        .map(|(signature, _)| signature.split('(').next().unwrap_or_default())
        .collect();
    for (name, position) in calls {
        if known.contains(&name.as_str()) {
            continue;
        }
        let nearest = known
            .iter()
            .map(|function| (strsim::jaro_winkler(function, name), function))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        return Err(FormulaError {
            position: Some(*position),
            message: format!("there is no function `{name}`"),
            hint: nearest.map(|(_, function)| format!("did you mean `{function}`?")),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
