//! HTML and plain text, small and safe: nothing is executed, nothing is fetched, every input has an
//! output.

use std::borrow::Cow;

use crate::text;

/// What a reader of this HTML would see, as plain text.
///
/// Line breaks and blocks become lines, list items begin with `- `, scripts, styles and comments
/// vanish, entities are decoded. Text that is no HTML comes out as itself, white space aside.
pub fn to_text(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.words(&rest[..start]);
        let tag = &rest[start..];
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let after = tag[1..].chars().next();
        let is_tag = after.is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let Some(end) = tag.find('>').filter(|_| is_tag) else {
            text.words("<");
            rest = &tag[1..];
            continue;
        };
        let name = tag[1..end]
            .trim_start_matches('/')
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let closing = tag[1..].starts_with('/');
        rest = &tag[end + 1..];
        match name.as_str() {
            "script" | "style" | "head" | "title" if !closing => {
                let close = format!("</{name}");
                rest = find_ignoring_case(rest, &close)
                    .and_then(|at| rest[at..].find('>').map(|end| &rest[at + end + 1..]))
                    .unwrap_or("");
            }
            "br" => text.new_line(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table"
            | "blockquote" => {
                text.paragraph();
            }
            "li" if !closing => {
                text.fresh_line();
                text.out.push_str("- ");
            }
            "div" | "li" | "tr" | "section" | "article" | "header" | "footer" => text.fresh_line(),
            "td" | "th" if closing => text.words(" "),
            _ => {}
        }
    }
    text.words(rest);
    text::block(&text.out)
}

/// Plain text as HTML that [`to_text`] reads back as the same text.
pub fn from_text(plain: &str) -> String {
    let plain = text::block(plain);
    let mut html = String::with_capacity(plain.len() + 16);
    for (index, line) in plain.split('\n').enumerate() {
        if index > 0 {
            html.push_str("<br>");
        }
        let mut blank = true;
        for character in line.chars() {
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                ' ' if blank => html.push_str("&nbsp;"),
                ' ' => html.push(' '),
                other if other.is_whitespace() => {
                    html.push_str(&format!("&#{};", u32::from(other)));
                }
                other => html.push(other),
            }
            blank = character == ' ';
        }
    }
    html
}

#[derive(Default)]
struct Text {
    out: String,
}

impl Text {
    /// Adds running text: white space collapses, entities are decoded after that.
    fn words(&mut self, raw: &str) {
        let mut first = true;
        for word in raw.split([' ', '\t', '\n', '\r', '\x0c']) {
            let spaced = self.out.is_empty() || self.out.ends_with([' ', '\n']);
            if !first && !spaced {
                self.out.push(' ');
            }
            first = false;
            self.out.push_str(&decode(word));
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
    }

    fn fresh_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn paragraph(&mut self) {
        self.fresh_line();
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }
}

fn find_ignoring_case(text: &str, ascii: &str) -> Option<usize> {
    text.as_bytes()
        .windows(ascii.len())
        .position(|window| window.eq_ignore_ascii_case(ascii.as_bytes()))
}

fn decode(word: &str) -> Cow<'_, str> {
    if !word.contains('&') {
        return Cow::Borrowed(word);
    }
    let mut decoded = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        let entity = &rest[start + 1..];
        let found = entity
            .find(';')
            .filter(|end| *end <= 10)
            .and_then(|end| character(&entity[..end]).map(|character| (character, end)));
        match found {
            Some((character, end)) => {
                decoded.push(character);
                rest = &entity[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = entity;
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        // a plain space: what a reader sees, and what from_text made it of
        "nbsp" => ' ',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "agrave" => 'à',
        "ccedil" => 'ç',
        "euro" => '€',
        "sect" => '§',
        "deg" => '°',
        "copy" => '©',
        "reg" => '®',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "bdquo" => '„',
        "ldquo" => '“',
        "rdquo" => '”',
        "lsquo" => '‘',
        "rsquo" => '’',
        "laquo" => '«',
        "raquo" => '»',
        "bull" => '•',
        "middot" => '·',
        "times" => '×',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reader_sees_the_same() {
        let html = "<p>Gr&uuml;&szlig;e &amp; mehr</p>\n<!-- x --><ul><li>eins<li>zwei</ul>\
            <script>alert('<p>')</script>a<br/>b &#8364; 1 < 2 &unknown;";
        assert_eq!(
            to_text(html),
            "Grüße & mehr\n\n- eins\n- zwei\n\na\nb € 1 < 2 &unknown;"
        );
        assert_eq!(to_text("nur Text"), "nur Text");
        assert_eq!(to_text("<b>offen"), "offen");
        assert_eq!(to_text("a <script>b"), "a");
        assert_eq!(
            from_text("<script>x</script>"),
            "&lt;script&gt;x&lt;/script&gt;"
        );
    }

    proptest! {
        #[test]
        fn text_survives_the_way_through_html(plain in "[ -~äß\n\t\u{a0}\u{2003}€&<>]*") {
            let plain = text::block(&plain);
            prop_assert_eq!(to_text(&from_text(&plain)), plain);
        }

        #[test]
        fn any_html_has_a_text(html in "(<|>|&|</|<!--|-->|script|p|br|;|#|x|\\PC){0,40}") {
            to_text(&html);
        }
    }
}
