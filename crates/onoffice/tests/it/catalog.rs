//! The catalog against the vendor's documentation (apidoc.onoffice.de): `tests/spec/calls.txt` has action and resource of each page about
//! a call, with the resource id where the page is about one.

use std::collections::BTreeSet;

use connector::Connector as _;
use onoffice::OnOffice;

/// Action and resource as the documentation has them: with the resource id where a page is about that one.
fn plain(theirs: &BTreeSet<&str>, method: &str, path: &str) -> String {
    let whole = format!("{method} {path}");
    match (theirs.contains(whole.as_str()), whole.split_once('/')) {
        (false, Some((pair, _))) => pair.to_owned(),
        _ => whole,
    }
}

#[test]
fn every_call_of_the_documentation_is_an_operation_or_left_out_by_name() {
    let catalog = OnOffice::new().catalog();
    let theirs: BTreeSet<&str> = include_str!("../spec/calls.txt").lines().collect();
    let operations = catalog.operations.iter();
    let operations = operations.map(|own| (&own.method, &own.path));
    let left_out = catalog.left_out.iter();
    let left_out = left_out.map(|own| (&own.method, &own.path));
    let ours: BTreeSet<String> = operations
        .chain(left_out)
        .map(|(method, path)| plain(&theirs, method, path))
        .collect();
    let unsaid: Vec<&&str> = theirs
        .iter()
        .filter(|call| !ours.contains(**call))
        .collect();
    assert!(unsaid.is_empty(), "nobody speaks of {unsaid:#?}");
    let stray: Vec<&String> = ours
        .iter()
        .filter(|call| !theirs.contains(call.as_str()))
        .collect();
    assert!(stray.is_empty(), "the vendor has no {stray:#?}");
}

#[test]
fn every_field_of_an_action_says_what_it_is() {
    let mute = OnOffice::new().catalog().mute();
    assert!(mute.is_empty(), "without a description: {mute:#?}");
}
