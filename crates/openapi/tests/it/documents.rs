//! Documents as a whole: what becomes of each kind of parameter, body and sign-in, and documents of the world.

use std::collections::BTreeMap;

use connector::{
    Body, CallError, Calls, Connector as _, Credentials, Error, Request, Response, SecretText,
};
use jiff::Timestamp;
use openapi::{OpenApi, Unreadable, read};
use serde_json::{Map, Value as Json, json};

fn system(text: &Json) -> OpenApi {
    OpenApi::new("crm", read(&text.to_string()).unwrap()).unwrap()
}

/// The request of an input that is checked first.
fn request(system: &OpenApi, id: &str, input: &Json) -> Request {
    let operation = system.catalog().operation(id).unwrap();
    let input: Map<String, Json> = input.as_object().unwrap().clone();
    catalog::prepare(system, operation, &input, &json!({})).unwrap()
}

fn credentials(scheme: &str, given: &[(&str, &str)]) -> Credentials {
    let given = given
        .iter()
        .map(|(name, text)| ((*name).to_owned(), SecretText::new(*text)));
    Credentials {
        scheme: scheme.to_owned(),
        given: given.collect::<BTreeMap<_, _>>(),
        tokens: None,
    }
}

#[test]
fn each_parameter_goes_to_its_place_under_its_own_name() {
    let system = system(&json!({
        "openapi": "3.1.0",
        "paths": {"/things/{id}": {"put": {
            "operationId": "put thing",
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                {"name": "tags", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
                {"name": "ids", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
                {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "note": {"type": ["string", "null"]}}}}}},
            "responses": {}}},
            "/bulk": {"post": {"tags": ["things"], "operationId": "bulk", "requestBody": {"content": {"application/json": {"schema": {
                "type": "array", "items": {"type": "string"}}}}}, "responses": {}}},
            "/form": {"post": {"tags": ["things"], "operationId": "form", "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {
                "type": "object", "properties": {"a": {"type": "integer"}}}}}}, "responses": {}}}},
    }));
    let input = json!({"id": "a/b", "body_id": 7, "note": null, "X-Trace": "t", "tags": ["x", "y"], "ids": [1, 2],
        "filter": {"city": "Aachen"}});
    let sent = request(&system, "things.put_thing", &input);
    assert_eq!(sent.path, "/things/a%2Fb");
    assert_eq!(sent.headers["x-trace"], "t");
    let query: Vec<String> = sent
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut sorted = query.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        ["filter[city]=Aachen", "ids=1", "ids=2", "tags=x,y"]
    );
    let Body::Json(body) = sent.body else {
        panic!()
    };
    assert_eq!(body, json!({"id": 7, "note": null}));
    let Body::Json(body) = request(&system, "things.bulk", &json!({"body": ["a"]})).body else {
        panic!()
    };
    assert_eq!(body, json!(["a"]));
    let Body::Form(fields) = request(&system, "things.form", &json!({"a": 1})).body else {
        panic!()
    };
    assert_eq!(fields, [("a".to_owned(), "1".to_owned())]);
}

/// A call with this body, and what is sent of an input.
fn with_body(schema: &Json, input: &Json) -> Result<Body, catalog::RunError> {
    let system = system(
        &json!({"openapi": "3.1.0", "paths": {"/things": {"post": {"operationId": "make", "tags": ["things"],
        "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}}, "responses": {}}}}}),
    );
    let operation = system.catalog().operation("things.make").unwrap();
    let request = catalog::prepare(&system, operation, input.as_object().unwrap(), &json!({}))?;
    Ok(request.body)
}

#[test]
fn a_body_takes_what_its_schema_does_not_name_unless_it_says_not() {
    let input = json!({"name": "a", "colour": {"red": 1}});
    let name = json!({"name": {"type": "string"}});
    let open = [
        json!({"type": "object", "properties": {}}),
        json!({"type": "object", "properties": name}),
        json!({"type": "object", "properties": name, "additionalProperties": true}),
        json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}),
        json!({"allOf": [{"type": "object", "properties": name}, {"type": "object", "properties": {}}]}),
    ];
    for schema in open {
        let sent = with_body(&schema, &input).unwrap_or_else(|error| panic!("{schema}: {error}"));
        let Body::Json(sent) = sent else {
            panic!("{schema}")
        };
        assert_eq!(sent, input, "{schema}");
    }
    let closed = json!({"type": "object", "properties": name, "additionalProperties": false});
    let refused = with_body(&closed, &input).unwrap_err().to_string();
    assert!(refused.contains("`colour` is not known here"), "{refused}");
    let wrong = json!({"type": "object", "properties": {"name": {"type": "integer"}}});
    let refused = with_body(&wrong, &input).unwrap_err().to_string();
    assert!(refused.contains("`name` is text"), "{refused}");
}

#[test]
fn a_parameter_of_which_there_is_one_value_is_filled_in() {
    let header = |name: &str, schema: Json| json!({"name": name, "in": "header", "required": true, "schema": schema});
    let system = system(
        &json!({"openapi": "3.1.0", "paths": {"/things": {"get": {"operationId": "list", "tags": ["things"], "parameters": [
            header("Version", json!({"type": "string", "enum": ["2021-07-28"]})),
            header("X-Kind", json!({"const": "crm"})),
            header("X-Zone", json!({"type": "string", "enum": ["eu", "us"], "default": "eu"})),
            {"name": "api-version", "in": "query", "required": true, "schema": {"enum": ["7"]}},
            {"name": "X-Odd", "in": "header", "schema": {"enum": ["odd"]}},
        ], "responses": {}}}, "/two": {"get": {"operationId": "two", "tags": ["things"], "parameters": [
            header("X-Zone", json!({"type": "string", "enum": ["eu", "us"]}))], "responses": {}}}}}),
    );
    let sent = request(&system, "things.list", &json!({}));
    assert_eq!(sent.headers["version"], "2021-07-28");
    assert_eq!(sent.headers["x-kind"], "crm");
    assert_eq!(sent.headers["x-zone"], "eu");
    assert_eq!(sent.query, [("api-version".to_owned(), "7".to_owned())]);
    // nobody asked for it
    assert!(!sent.headers.contains_key("x-odd"));
    // another choice is a choice, another word is none
    let sent = request(&system, "things.list", &json!({"X-Zone": "us"}));
    assert_eq!(sent.headers["x-zone"], "us");
    let operation = system.catalog().operation("things.list").unwrap();
    assert_eq!(operation.input["required"], json!([]));
    let wrong = Map::from_iter([("Version".to_owned(), json!("v1"))]);
    assert!(catalog::prepare(&system, operation, &wrong, &json!({})).is_err());
    // with two and no word about which, a person says
    let two = system.catalog().operation("things.two").unwrap();
    assert!(catalog::prepare(&system, two, &Map::new(), &json!({})).is_err());
}

#[test]
fn each_way_to_sign_in_shows_itself_as_documented() {
    for (scheme, given, shown) in [
        (
            json!({"type": "http", "scheme": "bearer"}),
            &[("token", "t")][..],
            "authorization: Bearer t",
        ),
        (
            json!({"type": "http", "scheme": "Basic"}),
            &[("username", "u"), ("password", "p")][..],
            "authorization: Basic dTpw",
        ),
        (
            json!({"type": "apiKey", "in": "header", "name": "X-Key"}),
            &[("key", "k")][..],
            "x-key: k",
        ),
        (
            json!({"type": "apiKey", "in": "query", "name": "key"}),
            &[("key", "k")][..],
            "?key=k",
        ),
        (
            json!({"type": "oauth2", "flows": {"authorizationCode": {}}}),
            &[("token", "t")][..],
            "authorization: Bearer t",
        ),
    ] {
        let system = system(
            &json!({"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {}}}},
            "components": {"securitySchemes": {"one": scheme}}}),
        );
        let name = system.describe().auth[0].name();
        let mut sent = request(&system, "a.get_a", &json!({}));
        let credentials = credentials(name, given);
        system
            .authorise(&mut sent, &credentials, &json!({}), Timestamp::UNIX_EPOCH)
            .unwrap();
        let headers = sent
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let query = sent
            .query
            .iter()
            .map(|(name, value)| format!("?{name}={value}"));
        assert_eq!(headers.chain(query).collect::<Vec<_>>(), [shown]);
        let nothing = self::credentials(name, &[]);
        assert!(
            system
                .authorise(&mut sent, &nothing, &json!({}), Timestamp::UNIX_EPOCH)
                .is_err()
        );
    }
    let client = system(
        &json!({"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {}}}},
        "components": {"securitySchemes": {"one": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://x/y"}}}}}}),
    );
    assert_eq!(client.describe().auth[0].name(), "client_credentials");
}

/// The vendor's OpenAPI files: what `OPENAPI_DOCUMENTS` says, or the folder `shared/apis/highlevel-openapi` beside any folder above this one.
fn of_the_world() -> Option<std::path::PathBuf> {
    if let Some(folder) = std::env::var_os("OPENAPI_DOCUMENTS") {
        return Some(folder.into());
    }
    let above = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above
        .map(|folder| folder.join("shared/apis/highlevel-openapi"))
        .find(|folder| folder.is_dir())
}

/// Says what was not looked at for want of something: here, and at the end of `cargo xtask test`.
fn not_held(what: &str) {
    use std::io::Write as _;
    eprintln!("NOT HELD: {what}");
    if let Some(notes) = std::env::var_os("TANDEM_TEST_NOTES") {
        let mut notes = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(notes)
            .unwrap();
        notes.write_all(format!("{what}\n").as_bytes()).unwrap();
    }
}

/// Every document of a folder, each operation with its own example. Set `OPENAPI_DOCUMENTS` to try it on the documents of a vendor.
#[test]
fn documents_of_the_world_are_read_and_every_example_fits() {
    let Some(folder) = of_the_world() else {
        not_held(
            "the import was not tried on a vendor's OpenAPI documents: set OPENAPI_DOCUMENTS to a folder with some",
        );
        return;
    };
    let (mut read_at_all, mut operations) = (0, 0);
    let (mut left_out, mut wrong) = (Vec::new(), Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| {
            let ending = file.extension().and_then(|ending| ending.to_str());
            ending.is_some_and(|ending| matches!(ending, "json" | "yaml" | "yml"))
        })
        .collect();
    files.sort();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let imported = match read(&text) {
            Ok(imported) => imported,
            // facts beside the documents, and those that only hold schemas for others
            Err(Unreadable::Version(_) | Unreadable::Empty) => continue,
            Err(error) => panic!("{}: {error}", file.display()),
        };
        read_at_all += 1;
        left_out.extend(
            imported
                .left_out
                .iter()
                .map(|call| format!("{}: {} ({})", file.display(), call.call, call.why)),
        );
        let system = OpenApi::new("world", imported).unwrap();
        for operation in &system.catalog().operations {
            operations += 1;
            let input = operation.example.as_object().unwrap();
            match catalog::prepare(&system, operation, input, &json!({})) {
                Ok(sent) if !sent.path.contains('{') => {}
                Ok(sent) => wrong.push(sent.path),
                Err(error) => wrong.push(format!("{}: {error} {input:?}", operation.id)),
            }
        }
    }
    eprintln!("{read_at_all} documents, {operations} operations, left out: {left_out:#?}");
    assert!(operations > 0 && wrong.is_empty(), "{wrong:#?}");
}

/// A server that gives tokens to one client.
struct TokenServer {
    settings: Json,
    asked: std::sync::Mutex<Vec<Request>>,
}

#[async_trait::async_trait]
impl Calls for TokenServer {
    async fn send(&self, request: Request) -> Result<Response, CallError> {
        let Body::Form(form) = &request.body else {
            panic!("{request:?}")
        };
        let known = form.contains(&("client_secret".to_owned(), "s".to_owned()));
        let (status, body) = match known {
            true => (200, r#"{"access_token": "t1", "expires_in": 60}"#),
            false => (401, "{}"),
        };
        self.asked.lock().unwrap().push(request);
        Ok(Response {
            status: http::StatusCode::from_u16(status).unwrap(),
            headers: http::HeaderMap::new(),
            body: body.into(),
            sent: self.now(),
        })
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn settings(&self) -> &Json {
        &self.settings
    }
}

#[tokio::test]
async fn a_client_buys_its_tokens_where_the_document_or_the_setting_says() {
    let system = system(&json!({"openapi": "3.0.0", "security": [{"one": ["read"]}],
        "paths": {"/a": {"get": {"responses": {}}}},
        "components": {"securitySchemes": {"one": {"type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "https://id.example.com/oauth/token"}}}}}}));
    let given = |secret| {
        credentials(
            "client_credentials",
            &[("client_id", "c"), ("client_secret", secret)],
        )
    };
    let server = |settings| TokenServer {
        settings,
        asked: std::sync::Mutex::default(),
    };
    let documented = server(json!({}));
    let scopes = system.scopes(&[], true);
    let grant = system
        .refresh(&documented, &given("s"), &scopes)
        .await
        .unwrap();
    assert_eq!(grant.tokens.expires.unwrap().as_second(), 60);
    {
        let asked = documented.asked.lock().unwrap();
        let place = (asked[0].base_url.as_deref(), asked[0].path.as_str());
        assert_eq!(place, (Some("https://id.example.com"), "/oauth/token"));
        let Body::Form(form) = &asked[0].body else {
            panic!()
        };
        assert!(
            form.contains(&("scope".to_owned(), "read".to_owned())),
            "{form:?}"
        );
    }
    let mut sent = request(&system, "a.get_a", &json!({}));
    let signed = Credentials {
        tokens: Some(grant.tokens),
        ..given("s")
    };
    system
        .authorise(&mut sent, &signed, &json!({}), Timestamp::UNIX_EPOCH)
        .unwrap();
    assert_eq!(sent.headers["authorization"], "Bearer t1");

    let elsewhere = server(json!({"token_url": "http://localhost:1/t"}));
    let refused = system.refresh(&elsewhere, &given("wrong"), &[]).await;
    assert!(
        matches!(refused, Err(Error::Call(CallError::Credentials { .. }))),
        "{refused:?}"
    );
    let asked = elsewhere.asked.lock().unwrap();
    assert_eq!(asked[0].base_url.as_deref(), Some("http://localhost:1"));
}
