//! The config.

use std::sync::LazyLock;

use anyhow::{Result, ensure};
use connector::Connector as _;
use server::config::{self, Style};

use super::{are_told, bent_yaml};
use crate::{bend, dice::Dice};

const EXAMPLES: [&str; 3] = [
    include_str!("../../../examples/demo.yaml"),
    include_str!("../../../examples/highlevel-onoffice.yaml"),
    include_str!("../../../examples/highlevel-officernd.yaml"),
];

static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut words = Vec::new();
    bend::words(config::schema().as_value(), &mut words);
    for system in [
        "highlevel",
        "onoffice",
        "officernd",
        "marketing",
        "office",
        "env:SECRET",
        "file:/dev/null",
    ] {
        words.push(system.to_owned());
    }
    words
});

pub(crate) fn play(dice: &mut Dice) -> Result<()> {
    let systems = (
        highlevel::HighLevel::new(),
        onoffice::OnOffice::new(),
        officernd::OfficeRnD::new(),
    );
    let systems = [
        systems.0.describe(),
        systems.1.describe(),
        systems.2.describe(),
    ];
    let example = *dice.of(&EXAMPLES);
    let text = bent_yaml(dice, example, &WORDS)?;
    drop(config::database(&text));
    drop(config::connection_names(&text));
    match config::read(&text, &systems) {
        Ok(_) => {}
        Err(problems) => {
            are_told(&problems, &text)?;
            let style = Style {
                colour: dice.chance(50),
                width: 20 + dice.below(120),
            };
            let shown = problems.render("tandem.yaml", &text, style);
            ensure!(!shown.is_empty(), "nothing is shown");
        }
    }
    Ok(())
}
