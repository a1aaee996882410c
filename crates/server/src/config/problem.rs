//! What is wrong with a config, with its place, as data and as text for a terminal.

use std::{fmt, ops::Range};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use serde::{Deserialize, Serialize};

use crate::Code;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its code.
    pub code: Code,
    /// The path of keys: `syncs.people.entities.contact`. Empty: the file as a whole.
    pub place: String,
    /// Where it stands, in bytes of the text.
    pub span: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong. Holds no secret.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl Problem {
    /// A problem of a config whose text is not at hand.
    pub(crate) fn without_text(code: Code, place: &str, message: &str) -> Self {
        Self {
            code,
            place: place.to_owned(),
            span: 0..0,
            line: 1,
            column: 1,
            message: format!("{place}: {message}"),
            hint: None,
        }
    }
}

/// Everything that is wrong with a config or a workflow, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{} found", count(.problems.len()))]
pub struct Problems {
    /// At least one.
    pub problems: Vec<Problem>,
}

fn count(problems: usize) -> String {
    match problems {
        1 => "1 problem".to_owned(),
        more => format!("{more} problems"),
    }
}

/// How problems are shown in a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// With colours.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Problems {
    /// Each problem with its line of the text, a caret and a hint. `name` is what the file is called.
    pub fn render(&self, name: &str, text: &str, style: Style) -> String {
        let theme = if style.colour {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(style.width)
            .with_links(false)
            .with_context_lines(1);
        let shown = super::masked(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut out = String::new();
        for problem in &self.problems {
            let report = Shown {
                problem,
                text: NamedSource::new(name, shown.clone()),
            };
            if handler.render_report(&mut out, &report).is_err() {
                // writing into a string does not fail; the plain form says the same
                out.push_str(&format!("{name}:{problem}\n"));
            }
        }
        out
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{}", .problem.message)]
struct Shown<'a> {
    problem: &'a Problem,
    text: NamedSource<String>,
}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem
            .hint
            .as_ref()
            .map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.problem.place.is_empty()).then(|| self.problem.place.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new(
            label,
            self.problem.span.start,
            self.problem.span.len(),
        ))))
    }
}
