use std::time::Instant;

use proptest::prelude::*;
use record::{FieldName, Value};
use rust_decimal::Decimal;

use super::*;

const KNOWN: [&str; 10] = [
    "firstName",
    "lastName",
    "company",
    "tags",
    "born",
    "Plz-Ort",
    "contact.first_name",
    "size",
    "case",
    "big",
];

fn fields() -> Fields {
    [
        ("firstName", Field::of("Anna Maria")),
        ("lastName", Field::of("von der Heide")),
        ("company", Field::Empty),
        (
            "tags",
            Field::of(Value::Set(["a".to_owned(), "b".to_owned()].into())),
        ),
        ("born", Field::of("1983-07-09")),
        ("Plz-Ort", Field::of("52074 Aachen")),
        ("contact.first_name", Field::of("Anna")),
        ("size", Field::Value(Value::Number(Decimal::new(125, 1)))),
        ("case", Field::of("lower")),
        ("big", Field::of("x".repeat(60_000))),
    ]
    .into_iter()
    .map(|(name, field)| (FieldName::from(name), field))
    .collect()
}

fn result(text: &str) -> Result<Field, String> {
    Formula::compile(text, &KNOWN)
        .map_err(|error| error.to_string())?
        .evaluate(&fields())
        .map_err(|error| error.to_string())
}

/// Formulas whose result is a text.
const TEXTS: &[(&str, &str)] = &[
    (
        "upper(lastName) + \", \" + firstName",
        "VON DER HEIDE, Anna Maria",
    ),
    ("coalesce(company, lastName)", "von der Heide"),
    ("if company == '' { 'privat' } else { company }", "privat"),
    ("split_last(field(\"Plz-Ort\"), ' ')", "Aachen"),
    ("field('Plz-Ort').split_first(' ')", "52074"),
    ("lower(contact.first_name)", "anna"),
    ("contact.first_name.upper()", "ANNA"),
    ("format_date(born, \"%d.%m.%Y\")", "09.07.1983"),
    ("add_days(born, 23)", "1983-08-01"),
    (
        "add_days('2026-03-28T23:30:00Z', 1)",
        "2026-03-29T23:30:00Z",
    ),
    (
        "local_time('2026-07-01T22:30:00Z', 'Europe/Berlin', '%Y-%m-%d %H:%M:%S')",
        "2026-07-02 00:30:00",
    ),
    ("format_phone('0241/24561', 'DE')", "+4924124561"),
    ("country('DEU', 'german')", "Deutschland"),
    ("join(tags, ' / ')", "a / b"),
    ("replace(lastName, 'von der ', '')", "Heide"),
    ("upper(case)", "LOWER"),
    ("tags[0]", "a"),
    (
        "{{ contact.first_name }} c/o {{ Plz-Ort }}",
        "Anna c/o 52074 Aachen",
    ),
    (
        "Hallo {{ title(case) }}, '{{company}}'!",
        "Hallo Lower, ''!",
    ),
    ("{{ concat('}}', \"{{\") }}", "}}{{"),
    ("if_empty(company, 'privat')", "privat"),
    (
        "if is_empty(company) { left(firstName, 4) } else { right(firstName, 5) }",
        "Anna",
    ),
    (
        "if starts_with(lastName, 'von') && ends_with(lastName, 'Heide') { 'adlig' } else { '' }",
        "adlig",
    ),
    (
        "digits(field('Plz-Ort')) + text(round(number('2,5'), 0)) + text(length(tags))",
        "5207432",
    ),
    (
        "if contains(lastName, 'der') { plain_text('<b>a</b> &amp; b') } else { '' }",
        "a & b",
    ),
    ("trim(concat(' a', ' ', split('b, c', ',')[1], ' '))", "a c"),
];

#[test]
fn formulas_say_what_they_seem_to_say() {
    for (formula, expected) in TEXTS {
        assert_eq!(result(formula), Ok(Field::of(*expected)), "{formula}");
    }
    let number = |n, scale| Ok(Field::Value(Value::Number(Decimal::new(n, scale))));
    assert_eq!(result("size * 2"), number(25, 0));
    assert_eq!(result("round('2,345', 2)"), number(235, 2));
    assert_eq!(result("{{ size }}"), number(125, 1));
    assert_eq!(
        result("length(firstName) > 3"),
        Ok(Field::Value(Value::Boolean(true)))
    );
    assert_eq!(
        result("contains(tags, 'b')"),
        Ok(Field::Value(Value::Boolean(true)))
    );
    assert_eq!(result("split('a, b,,', ',')"), result("tags"));
    assert_eq!(result("trim(company)"), Ok(Field::Empty));
}

#[test]
fn every_function_that_is_offered_works() {
    for (signature, _) in FUNCTIONS {
        let called = format!("{}(", signature.split('(').next().unwrap());
        let shown = TEXTS.iter().any(|(formula, _)| formula.contains(&called));
        assert!(shown, "no example calls {signature}");
    }
}

#[test]
fn what_is_unknown_makes_the_result_unknown() {
    let formula = Formula::compile("coalesce(firstName, lastName)", &KNOWN).unwrap();
    let mut partial = fields();
    partial.set("lastName", Field::Unknown);
    assert_eq!(formula.evaluate(&partial), Ok(Field::Unknown));
    assert_eq!(formula.reads(), ["firstName", "lastName"]);
}

#[test]
fn mistakes_are_told_with_their_place_and_what_was_meant() {
    for (formula, message) in [
        (
            "uper(firstName)",
            "there is no function `uper` (at character 1)",
        ),
        (
            "upper(fristName)",
            "there is no field `fristName` (at character 7)",
        ),
        (
            "Hallo {{ frstName }}",
            "there is no field `frstName` (at character 10)",
        ),
        ("Hallo {{ firstName", "this {{ has no }} (at character 7)"),
        ("upper(\"x)", "this text has no end (at character 7)"),
        (
            "field(firstName)",
            "field takes one name in quotes: field(\"Plz-Ort\") (at character 1)",
        ),
        ("a\n + b", "there is no field `a` (at character 1)"),
    ] {
        let error = Formula::compile(formula, &KNOWN).unwrap_err();
        assert_eq!(error.to_string(), message, "{formula}");
    }
    let hint = |formula| Formula::compile(formula, &KNOWN).unwrap_err().hint.unwrap();
    assert_eq!(hint("upper(fristName)"), "did you mean `firstName`?");
    assert_eq!(hint("uper(firstName)"), "did you mean `upper`?");
    let error = Formula::compile("upper(firstName) +", &KNOWN).unwrap_err();
    assert!(error.position.is_some(), "{error}");
    assert_eq!(
        result("firstName * 2"),
        Err("`*` cannot be used with values of these kinds".to_owned())
    );
}

#[test]
fn attacks_end_soon_and_small() {
    let deep =
        |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let mut doubling = "'xxxxxxxxxxxxxxxx'".to_owned();
    for _ in 0..7 {
        doubling = format!("replace({doubling}, 'x', 'xxxxxxxxxxxxxxxx')");
    }
    let attacks = [
        "loop {}".to_owned(),
        "while true {}".to_owned(),
        "for x in 0..9 { x }".to_owned(),
        "let x = 1; x".to_owned(),
        "fn f() { f() } f()".to_owned(),
        "|| 1".to_owned(),
        "{ let x = 1; loop { x += 1 } }".to_owned(),
        "eval(\"1\")".to_owned(),
        "Fn(\"lower\").call('x')".to_owned(),
        "import \"x\" as y".to_owned(),
        "print('x')".to_owned(),
        "this".to_owned(),
        "throw 1".to_owned(),
        "timestamp()".to_owned(),
        "sleep(10)".to_owned(),
        "firstName = 'x'".to_owned(),
        deep("(", ")", 1_000),
        deep("[", "]", 1_000),
        deep("upper(", ")", 500),
        format!("{}1", "-".repeat(2_000)),
        format!("{}true", "!".repeat(2_000)),
        format!("{}1", "1+".repeat(1_900)),
        doubling,
        "big + big".to_owned(),
        "concat(big, big)".to_owned(),
        "{{ big }}{{ big }}".to_owned(),
        "replace(big, 'x', big)".to_owned(),
        "split(big, 'x')".to_owned(),
        "format_date('2000-01-01', '%999999999Y')".to_owned(),
        "format_date('2000-01-01', '%-9999Y')".to_owned(),
        "1 << 100000".to_owned(),
        "9223372036854775807 + 1".to_owned(),
        "-9223372036854775808 / -1".to_owned(),
        "1 / 0".to_owned(),
        "1 % 0".to_owned(),
        "tags[-9223372036854775808]".to_owned(),
        "left('ä', -1) + right('ä', 9223372036854775807)".to_owned(),
        "round(1.5, 9223372036854775807)".to_owned(),
        "number('1e999999999')".to_owned(),
        "\0".to_owned(),
        "x".repeat(100_000),
    ];
    // these are no attacks: they have a result
    let harmless = [
        "1 << ",
        "left('ä', -1)",
        "format_date('2000-01-01', '%-9999Y')",
    ];
    for attack in attacks {
        let start = Instant::now();
        let outcome = result(&attack);
        let shown: String = attack.chars().take(60).collect();
        assert!(start.elapsed().as_millis() < 500, "{shown}");
        if !harmless.iter().any(|known| attack.starts_with(known)) {
            assert!(outcome.is_err(), "{shown}: {outcome:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_formula_or_an_error(text in "([a-z(){}\\[\\]\"'+*/.,;:=<>|&! 0-9]|upper|\\{\\{|\\}\\}|firstName|\\PC){0,40}") {
        let _outcome = result(&text);
    }
}
