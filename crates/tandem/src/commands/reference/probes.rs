//! What `tandem probe` asks of each system, and what becomes of each switch of the sandbox.

use connector::Connector;
use sandbox::{Asking, Switches};

use super::{NOTE, line};

/// One page for all systems.
pub(super) fn page(connectors: &[&dyn Connector]) -> String {
    let mut text = format!(
        "{NOTE}# What a probe asks\n\n`tandem probe NAME --only QUESTION` asks one of these; [how](../probe.md). Each switch of [the sandbox](../sandbox.md) that stands for\n\
         what is not known of a vendor is settled by one of them, or is beyond asking.\n"
    );
    for connector in connectors {
        let described = connector.describe();
        line(
            &mut text,
            format_args!(
                "\n## {}\n\n| question | what is asked | does | settles |\n| --- | --- | --- | --- |",
                described.title
            ),
        );
        let switches: Vec<_> = Switches::registry()
            .into_iter()
            .filter(|switch| switch.system.to_string() == described.system)
            .collect();
        for probe in connector.probes() {
            let settles: Vec<String> = switches
                .iter()
                .filter(|switch| switch.asking() == Asking::By(probe.id))
                .map(|switch| format!("`{}`", switch.name))
                .collect();
            let does = match (probe.writes, probe.costs) {
                (_, Some(costs)) => format!("{costs}; only with `--costly` or by name"),
                (true, None) => "writes".to_owned(),
                (false, None) => "reads".to_owned(),
            };
            line(
                &mut text,
                format_args!(
                    "| `{}` | {} | {does} | {} |",
                    probe.id,
                    probe.question,
                    settles.join(", ")
                ),
            );
        }
        text.push_str("\nBeyond asking:\n\n| switch | why |\n| --- | --- |\n");
        for switch in &switches {
            if let Asking::Beyond(why) = switch.asking() {
                line(&mut text, format_args!("| `{}` | {why} |", switch.name));
            }
        }
    }
    text
}
