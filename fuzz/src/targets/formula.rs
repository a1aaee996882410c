//! Formulas.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use formula::{FUNCTIONS, Formula};
use record::{Field, Fields, Value};

use crate::{
    bend::{self, SECRET},
    dice::Dice,
};

const NAMES: [&str; 7] = [
    "firstName",
    "lastName",
    "contact.first_name",
    "Ähnlich",
    "customFields.a-b",
    "tags",
    "amount",
];

const OPERATORS: [&str; 15] = [
    "+", "-", "*", "/", "%", "**", "==", "!=", "<", ">=", "&&", "||", "in", "..", "??",
];

fn expression(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.chance(25) {
        return match dice.below(6) {
            0 => format!("{:?}", bend::text(dice)),
            1 => (dice.next() % 1000).to_string(),
            2 => format!("field({:?})", dice.of(&NAMES)),
            3 => bend::text(dice),
            _ => (*dice.of(&NAMES)).to_owned(),
        };
    }
    let mut inner = || expression(dice, depth - 1);
    let (one, other, third) = (inner(), inner(), inner());
    match dice.below(7) {
        0 => format!("({one} {} {other})", dice.of(&OPERATORS)),
        1 => format!("if {one} {{ {other} }} else {{ {third} }}"),
        2 => format!("[{one}, {other}]"),
        3 => format!("{one}[{other}]"),
        _ => {
            let (usage, _) = dice.of(FUNCTIONS);
            let name = usage.split('(').next().unwrap_or("text");
            match dice.below(4) {
                0 => format!("{name}({one})"),
                1 => format!("{name}({one}, {other})"),
                2 => format!("{name}({one}, {other}, {third})"),
                _ => format!("{one}.{name}({other})"),
            }
        }
    }
}

fn made(dice: &mut Dice) -> String {
    let mut text = if dice.chance(40) {
        let mut text = String::new();
        for _ in 0..1 + dice.below(4) {
            let inner = expression(dice, 2);
            text += &format!("{}{{{{ {inner} }}}}", bend::text(dice));
        }
        text
    } else {
        expression(dice, 4)
    };
    let words: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    for _ in 0..dice.below(3) {
        bend::source(dice, &mut text, &words);
    }
    text
}

fn values(dice: &mut Dice) -> Fields {
    let mut fields = Fields::new();
    for name in NAMES {
        let field = match dice.below(6) {
            0 => Field::Unknown,
            1 => Field::Empty,
            2 => Field::of(Value::Set(BTreeSet::from([bend::text(dice), "b".into()]))),
            3 => Field::of(Value::Boolean(dice.chance(50))),
            _ => Field::of(bend::text(dice)),
        };
        fields.set(name, field);
    }
    fields
}

pub(crate) fn play(dice: &mut Dice) -> Result<()> {
    for _ in 0..20 {
        one(dice)?;
    }
    Ok(())
}

fn one(dice: &mut Dice) -> Result<()> {
    let text = made(dice);
    let formula = match Formula::compile(&text, &NAMES) {
        Ok(formula) => formula,
        Err(error) => {
            ensure!(
                !error.message.trim().is_empty(),
                "no reason is said: {text:?}"
            );
            if let Some(at) = error.position {
                let line = text.split('\n').nth(at.line.wrapping_sub(1));
                let inside = line.is_some_and(|line| at.column <= line.chars().count() + 1);
                // what is missing at the end may be seen a line after it
                let after = at.line == text.split('\n').count() + 1;
                ensure!(
                    at.column >= 1 && (inside || after),
                    "{at:?} is outside of {text:?}: {error}"
                );
            }
            return Ok(());
        }
    };
    ensure!(formula.source() == text, "the text of {text:?} is another");
    let again = Formula::compile(formula.source(), &NAMES)?;
    ensure!(
        again.reads() == formula.reads(),
        "{text:?} reads something else the second time"
    );
    let fields = values(dice);
    let result = formula.evaluate(&fields);
    ensure!(
        result == again.evaluate(&fields),
        "{text:?} has two results"
    );
    if let Err(error) = result {
        ensure!(
            !error.message.trim().is_empty(),
            "no reason is said: {text:?}"
        );
        // what stands in the formula itself is no value of a record
        ensure!(
            text.contains(SECRET) || !error.message.contains(SECRET),
            "a value stands in the message of {text:?}: {error}"
        );
    }
    Ok(())
}
