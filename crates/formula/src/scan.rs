//! Finds the names that an expression uses, before the engine sees it.
//!
//! Names of fields may hold dots, hyphens and letters that the engine's language does not know, and a
//! wrong name should be told with the one that was meant. So each name is looked up here, and what the
//! engine would not take is replaced by a stand-in of the same length, which keeps positions true.

use crate::template::{FormulaError, Position};

/// An expression as the engine will see it.
pub(crate) struct Scanned {
    pub(crate) source: String,
    /// The names in the expression: what the engine calls it, and what it is.
    pub(crate) names: Vec<(String, String)>,
    /// The functions that it calls, and where.
    pub(crate) calls: Vec<(String, Position)>,
}

const WORDS: [&str; 6] = ["true", "false", "if", "else", "switch", "in"];

struct Scanner<'a> {
    characters: Vec<char>,
    at: usize,
    out: String,
    names: Vec<(String, String)>,
    calls: Vec<(String, Position)>,
    known: &'a [&'a str],
}

/// Looks up every name of `expression` in `known`.
pub(crate) fn scan(expression: &str, known: &[&str]) -> Result<Scanned, FormulaError> {
    let mut scanner = Scanner {
        characters: expression.chars().collect(),
        at: 0,
        out: String::with_capacity(expression.len()),
        names: Vec::new(),
        calls: Vec::new(),
        known,
    };
    while scanner.at < scanner.characters.len() {
        scanner.token()?;
    }
    Ok(Scanned {
        source: scanner.out,
        names: scanner.names,
        calls: scanner.calls,
    })
}

impl Scanner<'_> {
    fn token(&mut self) -> Result<(), FormulaError> {
        let start = self.at;
        match self.characters[start] {
            '"' => self.copy_string('"'),
            '\'' => self.single_quoted(),
            '`' => Err(self.error(start, "text stands in \" or ', not in `")),
            '/' if matches!(self.characters.get(start + 1), Some('/' | '*')) => {
                Err(self.error(start, "comments are not possible in a formula"))
            }
            c if c.is_ascii_digit() => {
                while self
                    .peek()
                    .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
                {
                    self.copy();
                }
                Ok(())
            }
            // a property or method of what stands before the dot
            '.' if self
                .characters
                .get(start + 1)
                .copied()
                .is_some_and(is_name_start) =>
            {
                self.copy();
                let at = self.at;
                let word = self.word();
                if self.peek() == Some('(') {
                    self.calls.push((word.clone(), self.position(at)));
                }
                self.out.push_str(&word);
                Ok(())
            }
            c if is_name_start(c) => self.name(),
            _ => {
                self.copy();
                Ok(())
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn copy(&mut self) {
        self.out.push(self.characters[self.at]);
        self.at += 1;
    }

    fn copy_string(&mut self, quote: char) -> Result<(), FormulaError> {
        let start = self.at;
        self.copy();
        while let Some(character) = self.peek() {
            self.copy();
            if character == '\\' && self.peek().is_some() {
                self.copy();
            } else if character == quote {
                return Ok(());
            }
        }
        Err(self.error(start, "this text has no end"))
    }

    /// `'text'` means the same as `"text"`.
    fn single_quoted(&mut self) -> Result<(), FormulaError> {
        let start = self.at;
        let from = self.out.len();
        self.copy_string('\'')?;
        if self.out[from + 1..].contains('"') {
            return Err(self.error(
                start,
                "a text in ' cannot hold \"; write it in \" with \\\"",
            ));
        }
        self.out.replace_range(from..=from, "\"");
        self.out.truncate(self.out.len() - 1);
        self.out.push('"');
        Ok(())
    }

    /// `name`, `dotted.name`, `function(…)`, `name.function(…)` or `field("name")`.
    fn name(&mut self) -> Result<(), FormulaError> {
        let start = self.at;
        let mut segments: Vec<(usize, String)> = Vec::new();
        loop {
            let at = self.at;
            segments.push((at, self.word()));
            let next = self.characters.get(self.at + 1).copied();
            if self.peek() != Some('.') || !next.is_some_and(is_name_start) {
                break;
            }
            self.at += 1;
        }
        let open = (self.at..self.characters.len())
            .find(|at| !self.characters[*at].is_whitespace())
            .filter(|at| self.characters[*at] == '(');
        let Some(open) = open else {
            return self.path(start, &segments);
        };
        // the last of the names is a function
        let Some((at, function)) = segments.pop() else {
            return Ok(());
        };
        if WORDS.contains(&function.as_str()) {
            self.out.push_str(&function);
            return Ok(());
        }
        if segments.is_empty() && function == "field" {
            return self.field(start, open);
        }
        if !segments.is_empty() {
            self.path(start, &segments)?;
            self.out.push('.');
        }
        self.calls.push((function.clone(), self.position(at)));
        self.out.push_str(&function);
        Ok(())
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(is_name_part) {
            self.at += 1;
        }
        self.characters[start..self.at].iter().collect()
    }

    fn path(&mut self, start: usize, segments: &[(usize, String)]) -> Result<(), FormulaError> {
        let words: Vec<&str> = segments.iter().map(|(_, word)| word.as_str()).collect();
        if let [word] = words[..]
            && WORDS.contains(&word)
        {
            self.out.push_str(word);
            return Ok(());
        }
        // what stands after the name of a field is asked of its value: `phones[0].value`
        for length in (1..=words.len()).rev() {
            let name = words[..length].join(".");
            if self.known.contains(&name.as_str()) {
                self.stand_in(&name, name.chars().count());
                for word in &words[length..] {
                    self.out.push('.');
                    self.out.push_str(word);
                }
                return Ok(());
            }
        }
        Err(self.unknown(start, &words.join(".")))
    }

    /// `field("any name")`
    fn field(&mut self, start: usize, open: usize) -> Result<(), FormulaError> {
        let help = "field takes one name in quotes: field(\"Plz-Ort\")";
        let mut at = open + 1;
        let skip = |at: &mut usize, characters: &[char]| {
            while characters.get(*at).is_some_and(|c| c.is_whitespace()) {
                *at += 1;
            }
        };
        skip(&mut at, &self.characters);
        let quote = match self.characters.get(at) {
            Some(quote @ ('"' | '\'')) => *quote,
            _ => return Err(self.error(start, help)),
        };
        let from = at + 1;
        let Some(length) = self.characters[from..].iter().position(|c| *c == quote) else {
            return Err(self.error(start, help));
        };
        let name: String = self.characters[from..from + length].iter().collect();
        at = from + length + 1;
        skip(&mut at, &self.characters);
        if self.characters.get(at) != Some(&')') {
            return Err(self.error(start, help));
        }
        if !self.known.contains(&name.as_str()) {
            return Err(self.unknown(start, &name));
        }
        self.at = at + 1;
        self.stand_in(&name, self.at - start);
        Ok(())
    }

    /// Writes what the engine is to call `name`, as long as what stands in the formula.
    fn stand_in(&mut self, name: &str, length: usize) {
        let known = self.names.iter().position(|(_, real)| real == name);
        let index = known.unwrap_or_else(|| {
            let index = self.names.len();
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let called = if plain && name.len() <= 3 {
                name.to_owned()
            } else {
                // longer than three, so that it is none of the names that stand for themselves
                let width = name.chars().count().max(4);
                format!("{:_<width$}", format!("v{index}"))
            };
            self.names.push((called, name.to_owned()));
            index
        });
        let called = &self.names[index].0;
        self.out.push_str(called);
        for _ in called.chars().count()..length {
            self.out.push(' ');
        }
    }

    fn unknown(&self, start: usize, name: &str) -> FormulaError {
        let nearest = self
            .known
            .iter()
            .map(|known| {
                (
                    strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()),
                    known,
                )
            })
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        FormulaError {
            position: Some(self.position(start)),
            message: format!("there is no field `{name}`"),
            hint: nearest.map(|(_, known)| format!("did you mean `{known}`?")),
        }
    }

    fn error(&self, at: usize, message: &str) -> FormulaError {
        FormulaError {
            position: Some(self.position(at)),
            message: message.to_owned(),
            hint: None,
        }
    }

    fn position(&self, at: usize) -> Position {
        let before = &self.characters[..at];
        Position {
            line: before.iter().filter(|c| **c == '\n').count() + 1,
            column: before.iter().rev().take_while(|c| **c != '\n').count() + 1,
        }
    }
}

fn is_name_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn is_name_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
