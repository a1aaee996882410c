//! serde's words in ours, and hints with what is near.

use super::yaml::Step;

/// The key and the known ones out of serde's "unknown field `x`, expected one of `a`, `b`".
pub(in crate::config) fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).collect();
    Some((key, known))
}

/// serde's words in ours; nothing of what stands below `auth` is repeated.
pub(in crate::config) fn reworded(path: &[Step], message: String) -> (String, Option<String>) {
    let secret = path
        .iter()
        .any(|step| matches!(step, Step::Key(key) if key == "auth"));
    if let Some(rest) = message.strip_prefix("missing field `")
        && let Some((key, _)) = rest.split_once('`')
    {
        let hint = (key == "version").then(|| "begin the file with `version: 1`".to_owned());
        return (format!("`{key}` is missing here"), hint);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `")
        && let Some((word, rest)) = rest.split_once('`')
    {
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        return (
            format!("`{word}` is not one of the words that may stand here"),
            Some(nearest_hint(word, &known)),
        );
    }
    if message.contains("relative URL without a base") || message.contains("empty host") {
        return (
            "an address such as `https://example.org` was expected".to_owned(),
            None,
        );
    }
    if message.contains("socket address") {
        return (
            "an address with a port was expected, such as `127.0.0.1:8484`".to_owned(),
            None,
        );
    }
    if secret {
        let hint = "each line of a sign-in is text, or a reference such as `env:NAME`; a setting of the system stands under `settings`";
        return (
            "text or a reference was expected here".to_owned(),
            Some(hint.to_owned()),
        );
    }
    (message, None)
}

/// "did you mean `x`?" where one is near, and all that are known.
pub(crate) fn nearest_hint(word: &str, known: &[&str]) -> String {
    let list = known
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`? Known are {list}"),
        None if known.is_empty() => "nothing may stand here".to_owned(),
        None => format!("known are {list}"),
    }
}

fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}
