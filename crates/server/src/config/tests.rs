//! What a person sees when a config is wrong.

use connector::{AuthScheme, Description, Limits, SignInField};

use super::*;

fn system() -> Description {
    let field = |name, secret| SignInField {
        name,
        label: name,
        secret,
        help: "",
    };
    Description {
        system: "example",
        title: "Example",
        base_url: "https://api.example.org",
        auth: vec![AuthScheme::Pasted {
            name: "key",
            fields: vec![field("id", false), field("secret", true)],
        }],
        entities: Vec::new(),
        limits: Limits {
            windows: Vec::new(),
            concurrency: 4,
        },
        webhooks: false,
    }
}

fn shown(text: &str) -> String {
    let system = system();
    let problems = read(text, &[&system]).unwrap_err();
    problems.render(
        "tandem.yaml",
        text,
        Style {
            colour: false,
            width: 100,
        },
    )
}

const TEMPLATE: &str = "version: 1
templates:
  branches:
    for:
      - {name: berlin, id: 12}
      - {name: hamburg, id: 13}
    connections:
      office-${name}:
        system: example
        auth: {scheme: key, id: '${id}', secret: 'env:S_${name}'}
";

#[test]
fn a_template_stands_for_many_and_is_wrong_at_its_own_line() {
    let system = system();
    let document = read(TEMPLATE, &[&system]).unwrap();
    assert_eq!(
        connection_names(TEMPLATE),
        ["office-berlin", "office-hamburg"]
    );
    let hamburg = &document.connections["office-hamburg"];
    assert_eq!(hamburg.auth.fields["id"], "13");
    assert_eq!(hamburg.auth.fields["secret"], "env:S_hamburg");
    // forty rows are one apply
    let rows: String = (0..40)
        .map(|number| format!("      - {{name: n{number}, id: {number}}}\n"))
        .collect();
    let (head, tail) = (
        TEMPLATE.split("      - ").next().unwrap(),
        TEMPLATE.find("    connections:"),
    );
    let forty = format!("{head}{rows}{}", &TEMPLATE[tail.unwrap()..]);
    assert_eq!(read(&forty, &[&system]).unwrap().connections.len(), 40);

    let wrong = shown(&TEMPLATE.replace("env:S_${name}", "env:S_${nme}"));
    assert!(
        wrong.contains("row 1 of the template has no `nme`"),
        "{wrong}"
    );
    assert!(wrong.contains("tandem.yaml:10:"), "{wrong}");
    let wrong = shown(&TEMPLATE.replace("office-${name}", "office"));
    assert!(
        wrong.contains("`connections.office` is there already"),
        "{wrong}"
    );
    let wrong = shown(&TEMPLATE.replace("system: example", "system: exmaple"));
    assert!(wrong.contains("tandem.yaml:9:"), "{wrong}");
    let wrong = shown(&TEMPLATE.replace("id: 12}", "id: 12, zone: x}"));
    assert!(
        wrong.contains("nothing in the template uses `${zone}`"),
        "{wrong}"
    );
}

#[test]
fn a_small_config_is_read_and_the_rest_has_sensible_defaults() {
    let system = system();
    let text = "version: 1\nconnections:\n  office:\n    system: example\n    auth: {scheme: key, id: 12, secret: env:S}\n";
    let document = read(text, &[&system]).unwrap();
    assert_eq!(document.connections["office"].auth.fields["id"], "12");
    assert_eq!(document.outside_url(), "http://127.0.0.1:8484");
    assert_eq!(document.retention.calls_days, 30);
}

#[test]
fn every_problem_is_shown_at_its_place_at_once_and_no_secret_is() {
    let text = "\
version: 2
publik_url: https://x.example
listen: 127.0.0.1
connections:
  Büro:
    system: exampel
    auth: {scheme: key}
  office:
    system: example
    base_url: http://10.0.0.7
    auth:
      scheme: key
      secret: hunter2hunter2
    limit: 3
retention:
  calls_days: 0
";
    let shown = shown(text);
    assert!(!shown.contains("hunter2"));
    insta::assert_snapshot!(shown);
}

#[test]
fn broken_yaml_is_shown_where_it_breaks() {
    insta::assert_snapshot!(shown("version: 1\nconnections:\n  a: [1, 2\nsyncs: {}\n"));
    insta::assert_snapshot!(shown("version: 1\nversion: 1\n"));
}

#[test]
fn what_is_no_map_or_lacks_its_version_is_refused() {
    insta::assert_snapshot!(shown("- a\n- b\n"));
    insta::assert_snapshot!(shown("connections: []\n"));
}

#[test]
fn two_syncs_may_not_own_one_field_and_references_must_lead_somewhere() {
    let connection = "{system: example, auth: {scheme: key, id: 1, secret: env:S}}";
    let text = format!(
        "\
version: 1
connections:
  a: {connection}
  hub: {connection}
  b: {connection}
syncs:
  one:
    left: a
    right: hub
    entities: {{contact: {{fields: [{{left: x, right: name}}, {{left: y, right: city, direction: to_left}}, {{left: o, right: origin, direction: to_right}}, {{left: l, right: language, policy: left_owns}}, {{left: p, right: postcode, policy: left_owns}}]}}}}
  two:
    left: hub
    right: b
    entities:
      contact:
        fields:
          - {{left: name, right: z}}
          - {{left: city, right: w}}
          - {{left: origin, right: q}}
          - {{left: language, right: k, policy: right_owns}}
          - {{left: postcode, right: r, policy: left_owns}}
          - {{left: phone, right: v, direction: to_sideways}}
          - {{left: mail, right: u, directoin: both}}
  three:
    left: hubb
    right: b
    entities: {{}}
"
    );
    insta::assert_snapshot!(shown(&text));
}
