//! A stranger's formula can take neither time nor memory, calls nothing but what it is offered, and reads nothing but
//! the values that it is given.

use std::time::{Duration, Instant};

use formula::{FUNCTIONS, Formula};
use record::{Field, FieldName, Fields, Point, PointKind, Value};

/// One formula on a busy machine, without optimisation.
const LONGEST: Duration = Duration::from_secs(10);

/// Kilobytes that all attacks of a test may add to what the process needs at most.
const MOST: u64 = 48 * 1024;

const KNOWN: [&str; 5] = ["name", "big", "tags", "points", "nasty"];

fn fields(nasty: &str) -> Fields {
    let point = Point {
        kind: PointKind::Phone,
        value: "+4930123".to_owned(),
        label: None,
        main: true,
    };
    [
        ("name", Field::of("Anna")),
        ("big", Field::of("x".repeat(60_000))),
        (
            "tags",
            Field::of(Value::Set(["a".to_owned(), "b".to_owned()].into())),
        ),
        ("points", Field::of(Value::Points(vec![point]))),
        ("nasty", Field::of(nasty)),
    ]
    .into_iter()
    .map(|(name, field)| (FieldName::from(name), field))
    .collect()
}

fn result(text: &str, nasty: &str) -> Result<Field, String> {
    let begun = Instant::now();
    let outcome = Formula::compile(text, &KNOWN)
        .map_err(|error| error.to_string())
        .and_then(|formula| {
            formula
                .evaluate(&fields(nasty))
                .map_err(|error| error.to_string())
        });
    let shown: String = text.chars().take(60).collect();
    assert!(begun.elapsed() < LONGEST, "{shown}: {:?}", begun.elapsed());
    outcome
}

/// What the process has needed at most so far, in kilobytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// Runs all of it and says how much more memory the process has needed at most.
fn grown(attacks: impl FnOnce()) -> u64 {
    // what is made once is made before
    result("upper(name) + text(length(tags))", "").unwrap();
    let before = peak();
    attacks();
    peak() - before
}

#[test]
fn no_formula_makes_much_of_little() {
    let list = |element: &str, number: usize| format!("[{}]", vec![element; number].join(", "));
    let attacks = [
        list("big", 600),
        format!("text({})", list("big", 600)),
        format!("length({})", list("upper(big)", 300)),
        format!("[{}]", vec![list("big", 40); 20].join(", ")),
        format!("join({}, big)", list("big", 300)),
        format!("join({}, big)", list("''", 900)),
        "concat(big, big, big, big, big)".to_owned(),
        format!("concat({}, big)", list("big", 500)),
        "replace(big, 'x', big)".to_owned(),
        "replace(big, '', big)".to_owned() + " + big",
        "`${big}${big}${big}`".to_owned(),
        format!(
            "#{{{}}}",
            (0..90)
                .map(|n| format!("a{n}: big"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        format!("{{{{ {} }}}}", list("big", 400)),
        "{{ big }}".repeat(400),
        format!("coalesce('', {})", list("big", 500)),
        format!("contains({}, big + big)", list("big", 300)),
    ];
    let grown = grown(|| {
        for attack in &attacks {
            let outcome = result(attack, "");
            let small = outcome.as_ref().is_ok_and(|field| {
                matches!(field.value(), Some(Value::Set(set)) if set.len() == 1)
                    || matches!(field.value(), Some(Value::Number(_) | Value::Boolean(_)))
                    || field
                        .value()
                        .and_then(Value::as_text)
                        .is_some_and(|text| text.len() <= 64 * 1024)
            });
            let shown: String = attack.chars().take(60).collect();
            assert!(outcome.is_err() || small, "{shown}: {outcome:?}");
        }
    });
    assert!(grown < MOST, "{grown} kB more");
}

#[test]
fn no_function_is_slow_or_greedy_on_any_value() {
    let nasty = [
        "<".repeat(60_000),
        "&".repeat(60_000),
        "<!--".repeat(15_000),
        "<a href='".repeat(6_000),
        "</p><p>".repeat(8_000),
        "&#x".repeat(20_000),
        "9".repeat(60_000),
        "1e".repeat(30_000),
        "+49 (0)".repeat(8_000),
        "2026-".repeat(12_000),
        "ﬃ".repeat(20_000),
        "\u{301}".repeat(30_000),
        "a,".repeat(30_000),
        " ".repeat(60_000),
        "\0".repeat(60_000),
    ];
    // each function with the value in each place, and otherwise with what fits it
    let mut formulas = Vec::new();
    for (signature, _) in FUNCTIONS {
        let (name, arguments) = signature.split_once('(').unwrap();
        if name == "field" {
            continue;
        }
        let count = arguments
            .split(',')
            .filter(|part| !part.contains('…'))
            .count();
        for place in 0..count {
            for fill in ["'x'", "1", "'DE'", "'%Y'", "tags"] {
                let given: Vec<&str> = (0..count)
                    .map(|at| if at == place { "nasty" } else { fill })
                    .collect();
                formulas.push(format!("{name}({})", given.join(", ")));
            }
        }
    }
    assert!(formulas.len() > 100, "{}", formulas.len());
    let grown = grown(|| {
        for value in &nasty {
            for formula in &formulas {
                let _outcome = result(formula, value);
            }
        }
    });
    assert!(grown < MOST, "{grown} kB more");
}

#[test]
fn no_formula_goes_on_for_long() {
    let many = |part: &str, with: &str, most: usize| {
        let number = most / (part.len() + with.len());
        vec![part; number].join(with)
    };
    let attacks = [
        many("length(upper(big))", "+", 3_900),
        many("length(plain_text(big))", "+", 3_900),
        many("length(replace(big, 'x', 'y'))", "+", 3_900),
        many("contains(big, 'y')", "||", 3_900),
        format!("[{}]", many("number(nasty)", ",", 3_800)),
        many("1", "+", 3_900),
        many("true", "&&", 3_900),
        many("name.upper().lower()", "+", 3_900),
        format!("name{}", ".upper()".repeat(400)),
        format!("{}name{}", "upper(".repeat(300), ")".repeat(300)),
        format!("{}1{}", "if true {".repeat(200), "}else{2}".repeat(200)),
        format!("{}1{}", "#{a:".repeat(400), "}".repeat(400)),
        format!("{}1{}", "[".repeat(1_900), "]".repeat(1_900)),
        "switch 1 { 1 => loop {}, _ => 2 }".to_owned(),
        "do { 1 } while true".to_owned(),
        "name.repeat(1000000)".to_owned(),
        "range(0, 9223372036854775807)".to_owned(),
        "(0..9223372036854775807).len()".to_owned(),
        "'x'.pad(1000000, 'y')".to_owned(),
        "2 ** 9223372036854775807".to_owned(),
    ];
    for attack in &attacks {
        let _outcome = result(attack, &"9".repeat(30_000));
    }
}

#[test]
fn nothing_is_reached_but_what_is_offered() {
    for attack in [
        // functions that are values, and functions of the engine
        "name.call()",
        "call('upper', name)",
        "tags.map(|x| x)",
        "tags.map(upper)",
        "tags.filter('upper')",
        "Fn('upper')",
        "curry(Fn('upper'), name)",
        "upper.call(name)",
        "|x| x",
        "fn f(x) { x } f(name)",
        "eval('1')",
        "eval(\"name\")",
        // properties that other languages have
        "name.constructor",
        "name.__proto__",
        "name['__proto__']",
        "tags.constructor.constructor('return 1')()",
        "tags.__class__",
        "name.length",
        "name.len",
        "points[0].constructor",
        "points[0]['__proto__']",
        "points.kind",
        // what is not given: the program around it
        "this",
        "this.name",
        "global::name",
        "std::env::var('HOME')",
        "env('HOME')",
        "import 'x' as x; x::y",
        "export name",
        "open_file('/etc/passwd')",
        "http_get('http://127.0.0.1')",
        "timestamp()",
        "rand()",
        "exit()",
        "print(name)",
        "debug(name)",
        "throw name",
        // values that are changed
        "name = 'x'",
        "name += 'x'",
        "tags[0] = 'x'",
        "tags.push('x')",
        "tags.clear()",
        "points[0].value = 'x'",
        "name.make_upper()",
        "let x = name; x",
        "const x = name; x",
        // two things at once
        "1; 2",
        "name\nname",
        "name /* */ ; //",
        // a tag in a tag
        "{{ {{ name }} }}",
        "{{ name }",
    ] {
        let outcome = result(attack, "");
        assert!(outcome.is_err(), "{attack}: {outcome:?}");
    }
    // a text that looks like a formula is a text
    let text = "{{ upper(name) }} ${name} eval('1')";
    assert_eq!(result("nasty", text), Ok(Field::of(text)));
    assert_eq!(
        result("{{ nasty }}!", text),
        Ok(Field::of(format!("{text}!")))
    );
    // nothing of one formula is left for the next
    let before = result("upper(name)", "");
    for attack in [
        "name = 'x'",
        "let name = 'x'; name",
        "fn upper(x) { 'x' } upper(name)",
    ] {
        result(attack, "").unwrap_err();
    }
    assert_eq!(result("upper(name)", ""), before);
}
