//! The web UI as it was built from `web/`, inside the binary.
//!
//! The built files are committed in `dist`, so that building Tandem needs neither Node nor a network;
//! `cargo xtask test ui` builds them anew and compares. Nothing else depends on how they are made: this crate
//! knows names, bytes and kinds of files.

use std::borrow::Cow;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "dist/"]
struct Dist;

/// One file.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its bytes.
    pub body: Cow<'static, [u8]>,
    /// Its media type.
    pub kind: &'static str,
    /// Changes when the bytes do: for `ETag`, without quotes.
    pub tag: String,
}

/// The page that everything begins with.
pub const INDEX: &str = "index.html";

/// The file at this path, without a slash at the beginning.
pub fn asset(path: &str) -> Option<Asset> {
    let file = Dist::get(path)?;
    let tag = file.metadata.sha256_hash()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(Asset {
        body: file.data,
        kind: kind(path),
        tag,
    })
}

/// The paths of all files.
pub fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    Dist::iter()
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "webmanifest" => "application/json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file that the first page asks for is there, has a kind that browsers take, and comes from here.
    #[test]
    fn the_first_page_finds_all_that_it_asks_for() {
        let index = asset(INDEX).expect("the UI is built");
        let html = std::str::from_utf8(&index.body).unwrap();
        let mut asked = 0;
        for marker in ["src=\"", "href=\""] {
            for (at, _) in html.match_indices(marker) {
                let address = html[at + marker.len()..].split('"').next().unwrap();
                let path = address
                    .strip_prefix('/')
                    .unwrap_or_else(|| panic!("{address} is not one of ours"));
                let found = asset(path).unwrap_or_else(|| panic!("{path} is not embedded"));
                assert_ne!(found.kind, "application/octet-stream", "{path}");
                asked += 1;
            }
        }
        assert!(asked >= 2, "the page asks for a script and a style: {html}");
        assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains(" on"));
        for path in paths() {
            assert_ne!(kind(&path), "application/octet-stream", "{path}");
        }
    }
}
