//! A config as it may be shown: what a person put below `auth` in the clear is struck out.
//!
//! The length stays, so that places in the text stay true.

use std::ops::Range;

use serde_json::Value as Json;

use super::yaml::{self, Content, Node};

/// The text with everything that may be a secret replaced by asterisks.
pub(super) fn masked(text: &str) -> String {
    let spans = match yaml::parse(text) {
        Ok(root) => secrets(&root),
        Err(_) => secret_looking(text),
    };
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        for byte in &mut bytes[span] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    // whole characters were replaced, so this is UTF-8 still
    String::from_utf8_lossy(&bytes).into_owned()
}

fn secrets(root: &Node) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let Some(connections) = root.entry("connections") else {
        return spans;
    };
    let Content::Map(connections) = &connections.value.content else {
        return spans;
    };
    for connection in connections {
        let Some(auth) = connection.value.entry("auth") else {
            continue;
        };
        match &auth.value.content {
            Content::Map(fields) => {
                for field in fields {
                    if field.key != "scheme" && !is_reference(&field.value) {
                        spans.push(field.value.span.clone());
                    }
                }
            }
            Content::Scalar(Json::Null) => {}
            Content::Scalar(_) | Content::List(_) => spans.push(auth.value.span.clone()),
        }
    }
    spans
}

fn is_reference(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar(Json::String(text))
        if text.starts_with("env:") || text.starts_with("file:"))
}

/// Without a tree, by the look of the line.
fn secret_looking(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some((key, value)) = line.split_once(':') {
            let key = key.to_lowercase();
            let value_text = value.trim();
            let looks_secret = ["secret", "token", "password", "key"]
                .iter()
                .any(|word| key.contains(word));
            if looks_secret
                && !value_text.is_empty()
                && !value_text.starts_with("env:")
                && !value_text.starts_with("file:")
            {
                let from = start + line.len() - value.len();
                spans.push(from..from + value.trim_end().len());
            }
        }
        start += line.len();
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_below_auth_is_never_shown_and_places_stay() {
        let text = "connections:\n  a:\n    auth:\n      scheme: key\n      secret: \"hünter2\"\n      token: env:TOKEN\n";
        let shown = masked(text);
        assert_eq!(shown.len(), text.len());
        assert!(!shown.contains("nter2") && shown.contains("scheme: key"));
        assert!(shown.contains("env:TOKEN"));

        let broken = "connections:\n  a: [\n  client_secret: hunter2\n  token: env:TOKEN\n";
        let shown = masked(broken);
        assert!(!shown.contains("hunter2") && shown.contains("env:TOKEN"));
        assert_eq!(shown.len(), broken.len());
    }
}
