//! Measured numbers, some with a target.

use std::io::Write as _;

use anyhow::Result;
use serde_json::{Value as Json, json};

/// What a number has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

/// The numbers of one run.
#[derive(Debug)]
pub(crate) struct Figures {
    title: String,
    figures: Vec<Figure>,
}

impl Figures {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            figures: Vec::new(),
        }
    }

    /// A number that says something about the run.
    pub(crate) fn note(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure {
            name: name.into(),
            value,
            unit,
            target: None,
        });
    }

    /// A number that has a target.
    pub(crate) fn judge(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Target,
    ) {
        self.figures.push(Figure {
            name: name.into(),
            value,
            unit,
            target: Some(target),
        });
    }

    /// Whether all targets were met.
    pub(crate) fn met(&self) -> bool {
        self.figures
            .iter()
            .all(|figure| figure.met() != Some(false))
    }

    /// The number of this name.
    #[cfg(test)]
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        let found = self.figures.iter().find(|figure| figure.name == name);
        found.map(|figure| figure.value)
    }

    fn json(&self) -> Json {
        let figures: Vec<Json> = self
            .figures
            .iter()
            .map(|figure| {
                let target = figure.target.map(|target| match target {
                    Target::AtLeast(least) => json!({"at_least": least}),
                    Target::AtMost(most) => json!({"at_most": most}),
                });
                json!({"name": figure.name, "value": figure.value, "unit": figure.unit,
                       "target": target, "met": figure.met()})
            })
            .collect();
        json!({"title": self.title, "figures": figures, "met": self.met()})
    }
}

impl Figure {
    fn met(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        })
    }
}

/// Prints all runs.
pub(crate) fn print(all: &[Figures], as_json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let runs: Vec<Json> = all.iter().map(Figures::json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&runs)?)?;
        return Ok(());
    }
    for run in all {
        writeln!(out, "\n{}", run.title)?;
        for figure in &run.figures {
            let verdict = match (figure.target, figure.met()) {
                (Some(Target::AtLeast(least)), Some(met)) => {
                    format!("≥ {} {}", number(least), word(met))
                }
                (Some(Target::AtMost(most)), Some(met)) => {
                    format!("≤ {} {}", number(most), word(met))
                }
                _ => String::new(),
            };
            writeln!(
                out,
                "  {:<52} {:>12} {:<12} {verdict}",
                figure.name,
                number(figure.value),
                figure.unit
            )?;
        }
    }
    Ok(())
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// Whole where it is large, with decimals where it is small.
fn number(value: f64) -> String {
    if value == value.trunc() || value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// The value below which `share` (0 to 1) of the sorted values lie.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    let last = sorted.len() - 1;
    let at = (share * last as f64).round() as usize;
    sorted[at.min(last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_judged_the_right_way_round() {
        let mut figures = Figures::new("run");
        figures.judge("rate", 10.0, "/s", Target::AtLeast(10.0));
        figures.judge("memory", 10.0, "MB", Target::AtMost(10.0));
        assert!(figures.met());
        figures.judge("latency", f64::NAN, "s", Target::AtMost(2.0));
        assert!(!figures.met(), "what was not measured is not met");
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = [1.0, 2.0, 3.0, 4.0, 100.0];
        assert_eq!(percentile(&values, 0.5), 3.0);
        assert_eq!(percentile(&values, 0.95), 100.0);
        assert!(percentile(&[], 0.5).is_nan());
    }
}
