//! A plan as one page that needs nothing beside it: to be sent to whoever has to say yes.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{commonest, counts, headline, span, thousands};
use crate::{commands::look::plain, output::cell};

/// The page.
pub(super) fn page(plan: &Json) -> String {
    let mut body = String::new();
    head(&mut body, plan);
    figures(&mut body, plan);
    warnings(&mut body, plan);
    sides(&mut body, plan);
    pairs(&mut body, plan);
    questions(&mut body, plan);
    cost(&mut body, plan);
    samples(&mut body, plan);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Plan of {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        text(&cell(plan, "/sync")),
    )
}

/// Text as it stands in HTML.
fn text(raw: &str) -> String {
    let mut escaped = String::with_capacity(raw.len());
    for letter in raw.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Adds to the page; a `String` takes everything.
macro_rules! add {
    ($page:expr, $($part:tt)*) => {
        write!($page, $($part)*).expect("a string takes everything")
    };
}

fn number(plan: &Json, pointer: &str) -> u64 {
    plan.pointer(pointer).and_then(Json::as_u64).unwrap_or(0)
}

fn head(page: &mut String, plan: &Json) {
    add!(
        page,
        "<header><p class=\"what\">Plan of the sync</p><h1>{}</h1>\
         <p class=\"between\"><b>{}</b> <span>⇄</span> <b>{}</b></p><p class=\"says\">{}</p>",
        text(&cell(plan, "/sync")),
        text(&cell(plan, "/left/connection")),
        text(&cell(plan, "/right/connection")),
        text(&headline(plan)),
    );
    add!(
        page,
        "<p class=\"note\">Nothing was written to make it. Plan <code>{}</code>; \
         <code>tandem apply-plan {}</code> carries out its rows and nothing else, and leaves out every row that has changed since.</p>",
        text(&cell(plan, "/id")),
        text(&cell(plan, "/id")),
    );
    if plan["other_rules"] == true {
        page.push_str("<p class=\"flag\">It shows rules that are not in force.</p>");
    }
    page.push_str("</header>\n");
}

fn figures(page: &mut String, plan: &Json) {
    let all = |name: &str| {
        number(plan, &format!("/left/{name}")) + number(plan, &format!("/right/{name}"))
    };
    let matched: u64 = commonest(&plan["matched"])
        .iter()
        .map(|(count, _)| count)
        .sum();
    page.push_str("<section class=\"figures\">");
    for (figure, words) in [
        (number(plan, "/linked"), "pairs linked already"),
        (matched, "pairs to link"),
        (all("creates"), "records to make"),
        (all("updates"), "records to change"),
        (all("writes"), "fields to write"),
        (
            number(plan, "/questions").max(number(plan, "/conflicts")),
            "questions for a person",
        ),
    ] {
        add!(
            page,
            "<div><strong>{}</strong><span>{words}</span></div>",
            thousands(figure)
        );
    }
    page.push_str("</section>\n");
}

fn warnings(page: &mut String, plan: &Json) {
    let told: Vec<&str> = plan["consequences"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let paused: Vec<_> = counts(&plan["paused_mappings"]).collect();
    if told.is_empty() && paused.is_empty() {
        return;
    }
    page.push_str("<section class=\"warn\"><h2>What it may set off</h2><ul>");
    for told in told {
        add!(page, "<li>{}</li>", text(told));
    }
    for (mapping, why) in paused {
        add!(
            page,
            "<li>Mapping <b>{}</b> is paused: {}</li>",
            text(mapping),
            text(&why)
        );
    }
    page.push_str("</ul></section>\n");
}

fn sides(page: &mut String, plan: &Json) {
    page.push_str("<section class=\"sides\">");
    for side in ["left", "right"] {
        let of = &plan[side];
        add!(
            page,
            "<article><h2>{}</h2><table class=\"plain\"><tbody>",
            text(&cell(of, "/connection"))
        );
        for (name, words) in [
            ("listed", "records read"),
            ("creates", "made here"),
            ("updates", "changed here"),
            ("writes", "fields written here"),
            ("ambiguous", "not sure who they are"),
            ("waiting", "waiting for the answer about another one"),
            ("duplicates", "one person several times"),
            ("out_of_scope", "out of the scope"),
            ("not_created", "get no counterpart by the rules"),
            (
                "left_alone",
                "left alone: deleted before, or just being made",
            ),
        ] {
            let count = number(of, &format!("/{name}"));
            let class = if count == 0 { " class=\"none\"" } else { "" };
            add!(
                page,
                "<tr{class}><td>{words}</td><td class=\"n\">{}</td></tr>",
                thousands(count)
            );
        }
        page.push_str("</tbody></table>");
        bars(page, "Fields written", &of["fields"]);
        page.push_str("</article>");
    }
    page.push_str("</section>\n");
}

/// Counts as bars, the longest first.
fn bars(page: &mut String, heading: &str, of: &Json) {
    let counted = commonest(of);
    let Some((most, _)) = counted.first().copied() else {
        return;
    };
    add!(page, "<h3>{heading}</h3><div class=\"bars\">");
    for (count, name) in counted {
        let width = (count * 100).div_ceil(most.max(1));
        add!(
            page,
            "<div><span>{}</span><i><b style=\"width:{width}%\"></b></i><em>{}</em></div>",
            text(name),
            thousands(count)
        );
    }
    page.push_str("</div>");
}

fn pairs(page: &mut String, plan: &Json) {
    page.push_str("<section class=\"sides\"><article>");
    add!(
        page,
        "<h2>Pairs</h2><p>{} linked already, {} of them would be changed; {} left alone, {} have lost a record.</p>",
        thousands(number(plan, "/linked")),
        thousands(number(plan, "/changed")),
        thousands(number(plan, "/at_rest")),
        thousands(number(plan, "/vanished")),
    );
    bars(
        page,
        "No base yet (new or changed rules), aligned on",
        &plan["without_base"],
    );
    page.push_str("</article><article><h2>Matching</h2>");
    add!(
        page,
        "<p>{} of the pairs to link differ in a mapped field.</p>",
        thousands(number(plan, "/differing"))
    );
    bars(page, "Pairs to link, by", &plan["matched"]);
    page.push_str("</article></section>\n");
}

fn questions(page: &mut String, plan: &Json) {
    let is_empty = |name: &str| plan[name].as_object().is_none_or(serde_json::Map::is_empty);
    let waits: Json = plan["awaiting"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|each| {
            let (mapping, of) = (cell(each, "/mapping"), cell(each, "/connection"));
            let name = format!("{mapping}, for the {} of {of}", cell(each, "/entity"));
            (name, each["fields"].clone())
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    let nothing = ["asked", "conflicts_by", "blocked"]
        .into_iter()
        .all(is_empty);
    if nothing && waits == serde_json::json!({}) {
        return;
    }
    page.push_str("<section><h2>What a person is asked, and what cannot be written</h2>");
    bars(page, "Who is who", &plan["asked"]);
    bars(page, "Both sides differ", &plan["conflicts_by"]);
    bars(page, "Cannot be written", &plan["blocked"]);
    bars(
        page,
        "Wait until the record that they name is linked",
        &waits,
    );
    page.push_str("</section>\n");
}

fn cost(page: &mut String, plan: &Json) {
    page.push_str(
        "<section><h2>What it costs</h2><table class=\"plain\"><thead><tr><th>connection</th>\
         <th class=\"n\">calls</th><th class=\"n\">at least, under its limits</th></tr></thead><tbody>",
    );
    for (connection, calls) in counts(&plan["calls"]) {
        let seconds = plan["seconds_by"][connection].as_f64().unwrap_or(0.0);
        add!(
            page,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            text(connection),
            thousands(calls.parse().unwrap_or(0)),
            span(seconds)
        );
    }
    page.push_str("</tbody></table></section>\n");
}

fn samples(page: &mut String, plan: &Json) {
    let samples = plan["samples"].as_array().into_iter().flatten();
    page.push_str("<section><h2>Samples</h2>");
    for sample in samples {
        let what = cell(sample, "/what");
        add!(
            page,
            "<article class=\"sample\"><p><span class=\"tag {0}\">{0}</span> <code>{1}</code> ⇄ <code>{2}</code> <small>{3}</small></p>",
            text(&what),
            text(&cell(sample, "/left")),
            text(&cell(sample, "/right")),
            text(&cell(sample, "/why")),
        );
        let fields: Vec<_> = sample["fields"].as_object().into_iter().flatten().collect();
        if !fields.is_empty() {
            add!(
                page,
                "<table><thead><tr><th>field</th><th>{}</th><th></th><th>{}</th></tr></thead><tbody>",
                text(&cell(plan, "/left/connection")),
                text(&cell(plan, "/right/connection")),
            );
            for (mapping, values) in fields {
                let (left, arrow, right) = match values[2].as_str() {
                    Some("left") => ("old", "←", "new"),
                    Some("right") => ("new", "→", "old"),
                    _ => ("", "↔", ""),
                };
                add!(
                    page,
                    "<tr><th>{}</th><td class=\"{left}\">{}</td><td class=\"arrow\">{arrow}</td><td class=\"{right}\">{}</td></tr>",
                    text(mapping),
                    value(&values[0]),
                    value(&values[1]),
                );
            }
            page.push_str("</tbody></table>");
        }
        page.push_str("</article>");
    }
    page.push_str("</section>\n");
}

/// A value; what is not there is told apart from text that says so.
fn value(field: &Json) -> String {
    match field.as_str() {
        Some("empty") => "<i>empty</i>".to_owned(),
        Some("unknown") => "<i>–</i>".to_owned(),
        _ => text(&plain(field)).replace('\n', "<br>"),
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2330;--soft:#667085;--line:#e3e7ee;--back:#f5f7fa;--card:#fff;--main:#2957d8;--good:#16734a;--goodback:#e3f5ec;--warn:#8a5300;--warnback:#fff4de}\
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf3;--soft:#98a2b6;--line:#2c3444;--back:#12161e;--card:#1a202b;--main:#84a5ff;--good:#6fd6a5;--goodback:#173326;--warn:#f2c069;--warnback:#342815}}\
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
main{max-width:1080px;margin:0 auto;padding:40px 24px 80px}\
header{margin-bottom:28px}.what{margin:0;color:var(--soft);text-transform:uppercase;letter-spacing:.08em;font-size:12px}\
h1{margin:2px 0 4px;font-size:34px;line-height:1.15}.between{margin:0;color:var(--soft)}.between b{color:var(--ink)}\
.says{font-size:20px;margin:18px 0 8px}.note{color:var(--soft);margin:0;max-width:70ch}\
.flag{display:inline-block;margin:12px 0 0;padding:6px 12px;border-radius:6px;background:var(--warnback);color:var(--warn);font-weight:600}\
code{font:13px/1.4 ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}\
section{margin:0 0 24px;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 24px}\
section.sides,section.figures{background:none;border:0;padding:0;display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(320px,1fr))}\
section.figures{grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}\
.figures div,.sides article{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px}\
.figures strong{display:block;font-size:28px;line-height:1.1;font-variant-numeric:tabular-nums}.figures span{color:var(--soft);font-size:13px}\
h2{margin:0 0 10px;font-size:18px}h3{margin:18px 0 8px;font-size:13px;color:var(--soft);font-weight:600}p{margin:0 0 8px}\
.warn{background:var(--warnback);border-color:transparent;color:var(--warn)}.warn ul{margin:0;padding-left:20px}\
table{border-collapse:collapse;width:100%;font-size:14px}td,th{padding:5px 10px 5px 0;text-align:left;vertical-align:top;border-top:1px solid var(--line);overflow-wrap:anywhere}\
thead th{border-top:0;color:var(--soft);font-weight:600;font-size:12px}tbody th{font-weight:500;width:22%}\
table.plain tbody tr:first-child td{border-top:0}.n{text-align:right;padding-right:0;font-variant-numeric:tabular-nums}tr.none{color:var(--soft)}\
.bars div{display:grid;grid-template-columns:minmax(110px,2fr) 3fr auto;gap:12px;align-items:center;padding:3px 0;font-size:14px}\
.bars i{background:var(--back);border-radius:4px;height:8px;overflow:hidden}.bars i b{display:block;height:8px;border-radius:4px;background:var(--main)}\
.bars em{font-style:normal;font-variant-numeric:tabular-nums}.bars span{overflow-wrap:anywhere}\
.sample{padding:14px 0;border-top:1px solid var(--line)}.sample:first-of-type{border-top:0;padding-top:0}.sample small{color:var(--soft)}\
.tag{display:inline-block;padding:1px 9px;border-radius:99px;font-size:12px;font-weight:600;background:var(--back);color:var(--soft)}\
.tag.create,.tag.link{background:var(--goodback);color:var(--good)}.tag.ask{background:var(--warnback);color:var(--warn)}.tag.change{color:var(--main)}\
.sample td{width:36%}.sample td.arrow{width:32px;color:var(--soft)}td.new{color:var(--good);font-weight:600}td.old{color:var(--soft);text-decoration:line-through}td.old i{text-decoration:none}\
@media print{body{background:#fff}section,.figures div,.sides article{break-inside:avoid}}";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_records_say_is_text_and_nothing_else() {
        let plan = json!({
            "sync": "people", "id": "1", "rows": 1,
            "left": {"connection": "agency", "updates": 1204, "fields": {"city": 3}},
            "right": {"connection": "office"},
            "samples": [{
                "what": "change", "left": "a", "right": "b", "why": "e-mail",
                "fields": {"city": [
                    {"value": {"text": "<script>alert('x')</script> & \"more\""}}, "empty", "right"
                ]},
            }],
        });
        let page = page(&plan);
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;"),
            "{page}"
        );
        assert!(page.contains("<strong>1,204</strong>"), "{page}");
        // It needs nothing beside it.
        for from_elsewhere in ["http:", "https:", "src=", "href=", "url("] {
            assert!(!page.contains(from_elsewhere), "{from_elsewhere}");
        }
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
