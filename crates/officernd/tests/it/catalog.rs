//! The catalog against the vendor's v2 reference of February 2026: `tests/spec/calls.txt` has verb and path of each of its calls.

use std::collections::BTreeSet;

use connector::Connector as _;
use officernd::OfficeRnD;

/// Names in braces are nobody's matter.
fn plain(method: &str, path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "{}",
        false => part,
    });
    format!("{method} {}", parts.collect::<Vec<_>>().join("/"))
}

#[test]
fn every_call_of_the_reference_is_an_operation_or_left_out_by_name() {
    let catalog = OfficeRnD::new().catalog();
    let calls = include_str!("../spec/calls.txt").lines();
    let theirs: BTreeSet<String> = calls
        .filter_map(|line| line.split_once(' '))
        .map(|(method, path)| plain(method, path))
        .collect();
    let operations = catalog.operations.iter();
    let operations = operations.map(|own| plain(&own.method, &own.path));
    let left_out = catalog.left_out.iter();
    let left_out = left_out.map(|own| plain(&own.method, &own.path));
    let ours: BTreeSet<String> = operations.chain(left_out).collect();
    let unsaid: Vec<&String> = theirs.difference(&ours).collect();
    assert!(unsaid.is_empty(), "nobody speaks of {unsaid:#?}");
    let stray: Vec<&String> = ours.difference(&theirs).collect();
    assert!(stray.is_empty(), "the vendor has no {stray:#?}");
}

#[test]
fn every_field_of_an_action_says_what_it_is() {
    let mute = OfficeRnD::new().catalog().mute();
    assert!(mute.is_empty(), "without a description: {mute:#?}");
}
