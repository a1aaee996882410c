//! The vendor's specification, as far as requests go: which exist, and what may be in them.

use std::sync::LazyLock;

use connector::{Body, Request};
use serde_json::Value as Json;

static SPEC: LazyLock<Json> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../spec/requests.json")).expect("the facts are valid JSON")
});

/// Panics if the vendor's specification has no such request.
pub(crate) fn check(request: &Request) {
    let operation = &SPEC["operations"][request.operation];
    if request.operation == "oauth.reconnect" {
        // Only described on a help page.
        assert_eq!(request.path, "/oauth/reconnect");
        return;
    }
    assert!(operation.is_object(), "{} is unknown", request.operation);
    assert_eq!(operation["method"], request.method.as_str());
    check_path(operation["path"].as_str().unwrap(), &request.path);
    check_query(operation, request);
    if operation["version"] == true {
        assert!(
            request.headers.contains_key("version"),
            "{}: no Version",
            request.operation
        );
    }
    match &request.body {
        Body::Empty => assert!(operation["body"].is_null() && operation["form"].is_null()),
        Body::Json(json) => check_body(operation["body"].as_str().expect("takes no JSON"), json),
        Body::Form(form) => {
            let json = form
                .iter()
                .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
                .collect();
            check_body(
                operation["form"].as_str().expect("takes no form"),
                &Json::Object(json),
            );
        }
    }
}

fn check_path(template: &str, path: &str) {
    let template: Vec<&str> = template.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    assert_eq!(template.len(), path.len(), "{path:?}");
    for (expected, found) in template.into_iter().zip(path) {
        assert!(
            expected == found || (expected.starts_with('{') && !found.is_empty()),
            "{expected} is not {found}"
        );
    }
}

fn check_query(operation: &Json, request: &Request) {
    let query = &operation["query"];
    for (name, value) in &request.query {
        assert!(
            !query["properties"][name].is_null(),
            "{}: query {name}",
            request.operation
        );
        assert!(!value.is_empty(), "{}: empty {name}", request.operation);
    }
    for name in query["required"].as_array().unwrap() {
        assert!(
            request.query.iter().any(|(found, _)| name == found),
            "{}: query {name} is missing",
            request.operation
        );
    }
}

fn check_body(name: &str, body: &Json) {
    let schema = &SPEC["bodies"][name];
    assert!(schema.is_object(), "{name}");
    check_object(name, schema, body);
    for item in body["customFields"].as_array().into_iter().flatten() {
        let value = &item["field_value"];
        let field = if value.is_array() {
            "CheckboxField"
        } else if value.is_number() {
            "NumericField"
        } else {
            "TextField"
        };
        let mut field = SPEC["nested"][field].clone();
        // The documents call any number "object".
        if value.is_number() {
            field["properties"]["field_value"]["types"] = serde_json::json!(["number"]);
        }
        check_object("customFields", &field, item);
    }
    if let Some(settings) = body.get("dndSettings") {
        check_object(
            "dndSettings",
            &SPEC["nested"]["DndSettingsSchema"],
            settings,
        );
        for setting in settings.as_object().unwrap().values() {
            check_object("channel", &SPEC["nested"]["DndSettingSchema"], setting);
            let status = setting["status"].as_str().unwrap();
            assert!(["active", "inactive", "permanent"].contains(&status));
        }
    }
}

fn check_object(what: &str, schema: &Json, body: &Json) {
    for (name, value) in body.as_object().expect("an object") {
        let property = &schema["properties"][name];
        assert!(
            !property.is_null(),
            "{what}: property {name} should not exist"
        );
        let found = match value {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        };
        let types = property["types"].as_array().unwrap();
        assert!(
            types.iter().any(|expected| expected == found),
            "{what}: {name} must not be {found}"
        );
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            body.get(name.as_str().unwrap()).is_some(),
            "{what}: {name} is missing"
        );
    }
}

/// The properties that an answer is documented to have.
pub(crate) fn answer_properties(schema: &str) -> Vec<String> {
    serde_json::from_value(SPEC["answers"][schema].clone()).unwrap()
}
