//! People with roles, tokens with scopes, and what each of them did: on the real binary.

use std::collections::BTreeMap;

use reqwest::{Client, Method, Response};
use serde_json::{Value as Json, json};

use crate::world::{Ran, Server, World};

const DESCRIPTION: &str = include_str!("../../../server/openapi.json");
const PASSWORD: &str = "four words make it long";

/// Somebody who asks.
#[derive(Clone)]
struct Someone {
    url: String,
    /// A token, or the cookie and proof of a session.
    token: Option<String>,
    session: Option<(String, String)>,
}

impl Someone {
    fn nobody(server: &Server) -> Self {
        Self {
            url: server.url.clone(),
            token: None,
            session: None,
        }
    }

    fn with(server: &Server, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..Self::nobody(server)
        }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Json>) -> Response {
        let method: Method = method.to_uppercase().parse().unwrap();
        let mut request = Client::new().request(method, format!("{}/api/v1{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some((cookie, proof)) = &self.session {
            request = request
                .header("cookie", cookie)
                .header("x-tandem-csrf", proof);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    async fn ask(&self, method: &str, path: &str, body: Json) -> (u16, Json) {
        let body = (!body.is_null()).then_some(body);
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    /// The same, refused with this status and code, in these words.
    async fn refused(
        &self,
        method: &str,
        path: &str,
        body: Json,
        status: u16,
        code: &str,
        words: &str,
    ) {
        let (got, answer) = self.ask(method, path, body).await;
        assert_eq!(
            (got, answer["code"].as_str()),
            (status, Some(code)),
            "{method} {path}: {answer}"
        );
        let said = answer.to_string();
        assert!(said.contains(words), "{method} {path}: {said}");
    }

    async fn good(&self, method: &str, path: &str, body: Json) -> Json {
        let (status, answer) = self.ask(method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }
}

fn secret_of(link: &str) -> String {
    let (_, secret) = link.trim().split_once("/welcome#").unwrap();
    secret.to_owned()
}

/// The session that an answer begins.
async fn begun(server: &Server, response: Response) -> Someone {
    assert_eq!(response.status(), 200);
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let answer: Json = response.json().await.unwrap();
    let proof = answer["csrf"].as_str().unwrap().to_owned();
    Someone {
        session: Some((cookie, proof)),
        ..Someone::nobody(server)
    }
}

async fn welcome(server: &Server, secret: &str) -> Someone {
    let body = json!({"token": secret, "password": PASSWORD});
    let response = Someone::nobody(server)
        .send("post", "/password", Some(body))
        .await;
    begun(server, response).await
}

async fn sign_in(server: &Server, user: &str) -> Someone {
    let body = json!({"user": user, "password": PASSWORD});
    let response = Someone::nobody(server)
        .send("post", "/session", Some(body))
        .await;
    begun(server, response).await
}

/// Adds a user at the command line, who sets a password through the link.
async fn add(world: &World, server: &Server, name: &str, role: &str) -> Someone {
    let added = world.run(&["users", "add", name, "--role", role]).await;
    assert_eq!(added.code, 0, "{added:#?}");
    welcome(server, &secret_of(&added.out)).await
}

fn good(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:#?}");
    ran.out.trim().to_owned()
}

async fn token(world: &World, server: &Server, name: &str, scopes: &[&str]) -> Someone {
    let mut words = vec!["tokens", "add", name];
    words.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    Someone::with(server, &good(&world.run(&words).await))
}

/// The link of the first start.
fn first_link(world: &World) -> String {
    let log = std::fs::read_to_string(world.folder.path().join("server.log")).unwrap();
    let link = log
        .split_whitespace()
        .find(|word| word.contains("/welcome#"));
    secret_of(link.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_who_may_and_nobody_else() {
    let world = World::start().await;
    let server = world.serve().await;
    let description: Json = serde_json::from_str(DESCRIPTION).unwrap();
    let all: &[&str] = &["read", "work", "config", "admin"];
    let editor: &[&str] = &["read", "work", "config"];
    let roles: [(&str, &[&str]); 3] = [("viewer", &["read"]), ("editor", editor), ("owner", all)];
    let mut askers: Vec<(String, Someone, Vec<&str>)> = Vec::new();
    for (role, scopes) in roles {
        let someone = add(&world, &server, &format!("a-{role}"), role).await;
        let may = [scopes, &["person", "nothing"]].concat();
        askers.push((role.to_owned(), someone, may));
    }
    for scope in all {
        let someone = token(&world, &server, &format!("only-{scope}"), &[scope]).await;
        let mut may = vec![*scope, "nothing"];
        if *scope == "admin" {
            may.push("person");
        }
        askers.push((format!("token {scope}"), someone, may));
    }
    let command_line = Someone::with(&server, &server.token);
    let may = [all, &["person", "nothing"]].concat();
    askers.push(("command line".to_owned(), command_line, may));
    askers.push((
        "nobody".to_owned(),
        Someone::nobody(&server),
        vec!["nothing"],
    ));

    let mut wrong = Vec::new();
    let mut routes = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            // it would end the session of who asks; it is last below
            if (method.as_str(), path.as_str()) == ("delete", "/session") {
                continue;
            }
            routes += 1;
            let needs = described["x-needs"].as_str().unwrap_or("undecided");
            let address: String = path
                .split('/')
                .map(|part| if part.starts_with('{') { "0" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            // nothing that could be done: a body of another form, names of nothing
            let body = (method != "get").then(|| json!([]));
            for (who, someone, may) in &askers {
                let response = someone.send(method, &address, body.clone()).await;
                let status = response.status().as_u16();
                let streams = path == "/events" && status == 200;
                let answer: Json = if streams || path == "/backup" && status == 200 {
                    Json::Null
                } else {
                    response.json().await.unwrap_or_default()
                };
                let let_in = answer["code"] != "TDM-S002";
                let expected = may.contains(&needs);
                let told = let_in || !answer["hint"].is_null();
                if let_in != expected || !told || status == 500 {
                    wrong.push(format!(
                        "{method} {path} needs {needs}, and {who} gets {status} {answer}"
                    ));
                }
            }
        }
    }
    assert!(routes > 90, "{routes}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (who, someone, may) in &askers {
        let (status, answer) = someone.ask("delete", "/session", Json::Null).await;
        let expected = match may.contains(&"person") {
            true if someone.session.is_some() => 200,
            true => 403,
            false if who == "nobody" => 401,
            false => 403,
        };
        assert_eq!(status, expected, "{who}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_invited_change_roles_and_go_and_it_holds_at_once() {
    let world = World::start().await;
    let server = world.serve().await;
    let owner = welcome(&server, &first_link(&world)).await;
    let session = owner.good("get", "/session", Json::Null).await;
    assert_eq!(session["user"]["name"], "owner");
    assert_eq!(session["user"]["role"], "owner");

    // the link of an invitation works once, and a newer one ends it
    let body = json!({"name": "ada", "role": "viewer"});
    let invited = owner.good("post", "/users", body.clone()).await;
    let first = secret_of(invited["link"].as_str().unwrap());
    owner
        .refused("post", "/users", body, 409, "TDM-S010", "already")
        .await;
    let again = owner.good("post", "/users/ada/link", Json::Null).await;
    let second = secret_of(again["link"].as_str().unwrap());
    let nobody = Someone::nobody(&server);
    let with = |secret: &str| json!({"token": secret, "password": PASSWORD});
    nobody
        .refused("post", "/password", with(&first), 403, "TDM-S009", "link")
        .await;
    let ada = welcome(&server, &second).await;
    nobody
        .refused("post", "/password", with(&second), 403, "TDM-S009", "link")
        .await;

    // what a viewer may not, an editor may at once, in the same session
    let pause = "/syncs/people/pause";
    ada.refused(
        "post",
        pause,
        Json::Null,
        403,
        "TDM-S002",
        "editor or owner",
    )
    .await;
    owner
        .good("put", "/users/ada", json!({"role": "editor"}))
        .await;
    ada.good("post", pause, Json::Null).await;
    ada.refused("get", "/users", Json::Null, 403, "TDM-S002", "role owner")
        .await;

    // an editor changes the rules of syncs in the config, and nothing that leads to credentials
    let config = ada.good("get", "/config", Json::Null).await["document"].clone();
    let config = config.as_str().unwrap();
    let put = async |text: String| {
        let (cookie, proof) = ada.session.clone().unwrap();
        let response = Client::new()
            .put(format!("{}/api/v1/config", server.url))
            .header("cookie", cookie)
            .header("x-tandem-csrf", proof)
            .body(text)
            .send();
        let response = response.await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Json>().await.unwrap())
    };
    let hash = "0".repeat(64);
    let tokens =
        format!("{config}\napi: {{tokens: {{mine: {{sha256: {hash}, access: admin}}}}}}\n");
    let (status, answer) = put(tokens).await;
    assert_eq!((status, &answer["code"]), (403, &json!("TDM-S002")));
    assert!(
        answer["message"].as_str().unwrap().contains("`api`"),
        "{answer}"
    );
    let elsewhere = config.replace(&world.sandbox.url(), "http://127.0.0.1:9");
    let (status, answer) = put(elsewhere).await;
    assert_eq!(status, 403, "{answer}");
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("`connections`"),
        "{answer}"
    );
    let (status, answer) = put(format!("{config}\n# a remark\n")).await;
    assert_eq!(status, 200, "{answer}");

    // a workflow that sends a secret of the server is for the owner to publish
    let sends = "version: 1\nname: leak\ntrigger: {manual: {}}\nsteps:\n  - id: send\n    http: {method: POST, url: \"https://example.org\", headers: {authorization: \"env:HOME\"}}\n";
    let publish = json!({"text": sends, "publish": true});
    ada.refused(
        "post",
        "/workflows",
        publish.clone(),
        403,
        "TDM-S002",
        "`send`",
    )
    .await;
    ada.good("post", "/workflows", json!({"text": sends})).await;
    ada.refused(
        "post",
        "/workflows/leak/publish",
        Json::Null,
        403,
        "TDM-S002",
        "`send`",
    )
    .await;
    owner
        .good("post", "/workflows/leak/publish", Json::Null)
        .await;

    // one's own password; the last owner stays
    let replace = json!({"password": PASSWORD, "new_password": "another long password"});
    let response = ada.send("put", "/password", Some(replace)).await;
    let anew = begun(&server, response).await;
    ada.refused("get", "/status", Json::Null, 401, "TDM-S002", "")
        .await;
    for (method, body) in [("delete", Json::Null), ("put", json!({"role": "editor"}))] {
        owner
            .refused(method, "/users/owner", body, 409, "TDM-S010", "last owner")
            .await;
    }
    // who was only invited does not count
    let body = json!({"name": "bob", "role": "owner"});
    owner.good("post", "/users", body).await;
    owner
        .refused(
            "delete",
            "/users/owner",
            Json::Null,
            409,
            "TDM-S010",
            "last owner",
        )
        .await;

    // sessions and open streams end when their user goes
    let mut stream = anew.send("get", "/events", None).await;
    assert!(stream.chunk().await.unwrap().is_some());
    owner.good("delete", "/users/ada", Json::Null).await;
    anew.refused("get", "/status", Json::Null, 401, "TDM-S002", "")
        .await;
    let ended = async { while stream.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), ended)
        .await
        .expect("the stream goes on");

    // everywhere
    let other = sign_in(&server, "owner").await;
    owner
        .good("delete", "/session?everywhere=true", Json::Null)
        .await;
    other
        .refused("get", "/status", Json::Null, 401, "TDM-S002", "")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_do_what_their_scopes_say_and_no_more_than_who_made_them() {
    let world = World::start().await;
    let server = world.serve().await;
    let editor = add(&world, &server, "ada", "editor").await;
    let other = add(&world, &server, "bob", "editor").await;
    let make = |name: &str, scopes: &[&str]| json!({"name": name, "scopes": scopes});
    editor
        .refused(
            "post",
            "/tokens",
            make("mine", &["admin"]),
            403,
            "TDM-S002",
            "role owner",
        )
        .await;
    editor
        .refused(
            "post",
            "/tokens",
            make("Mine", &["read"]),
            400,
            "TDM-S010",
            "`Mine`",
        )
        .await;
    editor
        .refused(
            "post",
            "/tokens",
            make("mine", &[]),
            400,
            "TDM-S010",
            "scope",
        )
        .await;
    let made = editor
        .good("post", "/tokens", make("mine", &["read", "work"]))
        .await;
    let text = made["token"].as_str().unwrap().to_owned();
    let mine = Someone::with(&server, &text);
    mine.good("post", "/syncs/people/pause", Json::Null).await;
    mine.refused(
        "post",
        "/workflows",
        json!({"text": ""}),
        403,
        "TDM-S002",
        "`config`",
    )
    .await;
    // a token makes no tokens
    mine.refused(
        "post",
        "/tokens",
        make("more", &["read"]),
        403,
        "TDM-S002",
        "browser",
    )
    .await;
    let names = async |someone: &Someone| -> Vec<String> {
        let rows = someone.good("get", "/tokens", Json::Null).await;
        let rows = rows.as_array().unwrap();
        rows.iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&editor).await, ["mine"]);
    assert!(names(&other).await.is_empty());
    other
        .refused(
            "delete",
            "/tokens/mine",
            Json::Null,
            403,
            "TDM-S002",
            "somebody else",
        )
        .await;
    let rows = world.run(&["tokens", "--json"]).await.json();
    assert_eq!(rows[0]["user"], "ada");
    assert!(rows[0]["used"].is_string(), "{rows:#}");

    // whose token it is has another role: the token, too
    good(&world.run(&["users", "role", "ada", "viewer"]).await);
    mine.good("get", "/status", Json::Null).await;
    mine.refused(
        "post",
        "/syncs/people/pause",
        Json::Null,
        403,
        "TDM-S002",
        "`work`",
    )
    .await;
    good(&world.run(&["users", "remove", "ada"]).await);
    mine.refused("get", "/status", Json::Null, 401, "TDM-S002", "")
        .await;

    let made = world
        .run(&[
            "tokens", "add", "short", "--scope", "read", "--days", "1", "--json",
        ])
        .await
        .json();
    assert!(made["ends"].is_string(), "{made:#}");
    let short = Someone::with(&server, made["token"].as_str().unwrap());
    short.good("get", "/status", Json::Null).await;
    good(&world.run(&["tokens", "remove", "short"]).await);
    short
        .refused("get", "/status", Json::Null, 401, "TDM-S002", "")
        .await;
    world
        .run(&["tokens", "remove", "short"])
        .await
        .refused(1, &["TDM-S010"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_kept_with_who_and_without_a_secret() {
    let world = World::start().await;
    let server = world.serve().await;
    let owner = welcome(&server, &first_link(&world)).await;
    let ada = add(&world, &server, "ada", "viewer").await;
    let robot = token(&world, &server, "robot", &["read", "work"]).await;
    ada.ask("post", "/syncs/people/pause", Json::Null).await;
    // what means nothing there does not hide it
    robot
        .good("post", "/syncs/people/pause?dry_run=true", Json::Null)
        .await;
    robot.ask("post", "/syncs/nothing/run", Json::Null).await;
    let wrong = json!({"user": "ada", "password": "not the password"});
    Someone::nobody(&server)
        .ask("post", "/session", wrong)
        .await;
    let typed = json!({"user": PASSWORD, "password": "x"});
    Someone::nobody(&server)
        .ask("post", "/session", typed)
        .await;
    owner.good("get", "/status", Json::Null).await;

    let rows = world.run(&["acts", "--json"]).await.json();
    let rows = rows.as_array().unwrap();
    let told: Vec<String> = rows
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or("–").to_owned();
            format!(
                "{} {} {} {} {} {}",
                text("actor"),
                text("who"),
                text("what"),
                text("thing"),
                text("outcome"),
                text("code")
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "nobody  session.begin  refused TDM-S009",
            "nobody  session.begin ada refused TDM-S009",
            "token robot sync.run nothing failed TDM-Y001",
            "token robot sync.pause people done –",
            "user ada sync.pause people refused TDM-S002",
            "command_line  token.add robot done –",
            "user ada password.set  done –",
            "command_line  user.add ada viewer done –",
            "user owner password.set  done –",
            "command_line  config.apply 1 done –",
        ]
    );
    let of_ada = world.run(&["acts", "--who", "ada", "--json"]).await.json();
    assert_eq!(of_ada.as_array().unwrap().len(), 2);
    let page = world.run(&["acts", "--limit", "2", "--json"]).await.json();
    assert_eq!(page.as_array().unwrap().len(), 2);
    let shown = good(&world.run(&["acts", "--outcome", "refused"]).await);
    assert!(shown.contains("sync.pause"), "{shown}");
    ada.refused("get", "/acts", Json::Null, 403, "TDM-S002", "role owner")
        .await;

    // it outlives the server, and no secret is in the database
    let robot = robot.token.unwrap();
    assert_eq!(server.stop(), 0);
    let later = world.run(&["acts", "--json"]).await.json();
    assert_eq!(later.as_array().unwrap().len(), rows.len());
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in [PASSWORD, robot.as_str(), "not the password"] {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_sessions_and_tokens_of_the_schema_before_go_on() {
    let world = World::start().await;
    let made = world.run_bare(&["token", "deploy", "--admin"]).await;
    let part = &made.err[made.err.find("api:").unwrap()..];
    let config = world.write("tandem.yaml", &format!("{}\n{part}", world.config_text()));
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let owner = welcome(&server, &first_link(&world)).await;
    assert_eq!(server.stop(), 0);

    // as the version before left it: the owner and their sessions in settings, and no tables
    let file = rusqlite::Connection::open(world.database()).unwrap();
    let text = |sql: &str| -> BTreeMap<String, String> {
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    };
    let people = text("SELECT name, password FROM person");
    let sessions = text("SELECT hash, person FROM session");
    let hash = &people["owner"];
    assert_eq!(sessions.len(), 1);
    let since = "2027-01-15T08:00:00Z";
    let owners = json!({"v": 1, "d": {"hash": hash, "since": since}});
    let session = json!({"since": since, "ends": "2099-01-01T00:00:00Z"});
    let all: BTreeMap<_, _> = sessions.keys().map(|hash| (hash, &session)).collect();
    let sessions = json!({"v": 1, "d": all});
    file.execute(
        "INSERT OR REPLACE INTO setting (ws, name, body) VALUES (1, 'owner', ?1), (1, 'sessions', ?2)",
        [owners.to_string(), sessions.to_string()],
    )
    .unwrap();
    let later: Vec<String> = {
        let mut tables = file
            .prepare("SELECT name FROM migration WHERE step >= 10")
            .unwrap();
        let rows = tables.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        later,
        ["acts", "skipped", "lists", "counts"],
        "what came after it has to be taken away, too"
    );
    file.execute_batch(
        "DROP TABLE person; DROP TABLE session; DROP TABLE token; DROP TABLE act;
         DROP TABLE skipped; DROP INDEX dirty_failed; DROP INDEX blocked_since; DROP INDEX review_order;
         DROP INDEX call_operation; DROP INDEX call_connection; DROP INDEX call_outcome;
         DROP INDEX call_status; CREATE INDEX blocked_sync ON blocked (ws, sync);
         DROP TABLE blocked_field; DROP INDEX blocked_rows; ALTER TABLE blocked DROP COLUMN field;
         DROP INDEX review_state; DROP INDEX review_decided;
         CREATE INDEX review_state ON review (ws, state, sync, kind);
         DELETE FROM tally WHERE kind > 3;
         DELETE FROM migration WHERE step >= 10;",
    )
    .unwrap();
    drop(file);

    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let owner = Someone {
        url: server.url.clone(),
        ..owner
    };
    let session = owner.good("get", "/session", Json::Null).await;
    assert_eq!(session["user"]["role"], "owner", "{session:#}");
    owner.good("post", "/syncs/people/pause", Json::Null).await;
    sign_in(&server, "owner").await;
    let deploy = Someone::with(&server, made.out.trim());
    deploy
        .good("post", "/syncs/people/resume", Json::Null)
        .await;
    let rows = world.run(&["tokens", "--json"]).await.json();
    assert_eq!(rows[0]["in_config"], true, "{rows:#}");
    let log = std::fs::read_to_string(world.folder.path().join("server.log")).unwrap();
    assert!(!log.contains("/welcome#"), "there is an owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_saved_again_and_again_is_one_act_of_each_who_saves_it() {
    let world = World::start().await;
    let server = world.serve().await;
    let owner = welcome(&server, &first_link(&world)).await;
    let ada = add(&world, &server, "ada", "editor").await;
    let draft = |name: &str| json!({"text": format!("version: 1\nname: {name}\ntrigger: {{manual: {{}}}}\nsteps:\n  - id: rest\n    delay: {{for: 1m}}\n")});
    for (who, name) in [
        (&ada, "calls"),
        (&ada, "calls"),
        (&ada, "letters"),
        (&ada, "calls"),
        (&owner, "calls"),
        (&owner, "calls"),
        (&ada, "calls"),
    ] {
        who.good("post", "/workflows", draft(name)).await;
    }
    let acts = ["acts", "--what", "workflow.save", "--json"];
    let acts = world.run(&acts).await.json();
    let acts = acts.as_array().unwrap().iter();
    let told: Vec<String> = acts
        .map(|act| format!("{} {}", act["who"], act["thing"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        ["ada calls", "owner calls", "ada letters", "ada calls"]
    );
}
