//! Sign-in: codes, tokens, rotation, and the tokens of an agency.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::State;
use super::apps::{Access, App, Code, Origin, Refresh, SCOPES, Subject, subject_name};
use super::errors;
use super::gate::{self, Admitted};
use crate::clock::iso_millis;
use crate::core::Core;
use crate::vendor::{Answer, Call};

type Answered = Result<Answer, Answer>;

/// A refresh token that is not used lives a year.
const REFRESH_LIFE_MS: i64 = 365 * 24 * 60 * 60 * 1000;
/// What a location token that an agency minted lives, in seconds; one more than a direct one.
const MINTED_LIFE_S: i64 = 86_400;

impl State {
    pub(crate) fn new_code(
        &mut self,
        client_id: &str,
        subject: Subject,
        scopes: BTreeSet<String>,
        redirect_uri: Option<String>,
        core: &Core,
    ) -> String {
        let code = core
            .random
            .bytes::<20>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        let expires_ms =
            core.clock.now_ms() + core.switches.number("highlevel.code_life_s") * 1_000;
        let client_id = client_id.to_owned();
        self.tokens.codes.insert(
            code.clone(),
            Code {
                client_id,
                subject,
                scopes,
                redirect_uri,
                expires_ms,
            },
        );
        code
    }

    /// `POST /oauth/token`, form or JSON, snake case or (v3) camel case.
    pub(crate) fn token(&mut self, call: &Call<'_>, v3: bool, core: &Core) -> Answer {
        let json = core.switches.choice("highlevel.token_request") == "any" || v3;
        let parameters = Parameters::read(call.body, v3, json);
        match self.exchange(&parameters, core) {
            Ok(mut tokens) => {
                if v3 {
                    tokens = camel(tokens);
                }
                Answer::json(gate::post_status(core, 200, 200), &tokens)
            }
            Err(refusal) => refusal,
        }
    }

    fn exchange(&mut self, parameters: &Parameters, core: &Core) -> Result<Value, Answer> {
        let now_ms = core.clock.now_ms();
        match parameters.required("grant_type")?.as_str() {
            "authorization_code" => {
                let code = parameters.required("code")?;
                let known = self
                    .tokens
                    .codes
                    .get(&code)
                    .filter(|known| now_ms < known.expires_ms);
                // Measured: the code is looked at before the client.
                let known = known.cloned().ok_or_else(errors::unknown_code)?;
                let client_id = self.client(parameters)?;
                if known.client_id != client_id {
                    return Err(errors::unknown_code());
                }
                let redirect_uri = parameters.get("redirect_uri");
                if redirect_uri.is_some()
                    && known.redirect_uri.is_some()
                    && redirect_uri != known.redirect_uri
                {
                    return Err(errors::bad_request(&parameters.invalid("redirect_uri")));
                }
                if let Some(user_type) = parameters.get("user_type")
                    && !matches!(user_type.as_str(), "Company" | "Location")
                {
                    return Err(errors::bad_request(&parameters.invalid("user_type")));
                }
                self.tokens.codes.remove(&code);
                Ok(self.new_tokens(&client_id, &known.subject, &known.scopes, core))
            }
            "refresh_token" => {
                let token = parameters.required("refresh_token")?;
                let client_id = self.client(parameters)?;
                let refused = || errors::bad_request("Invalid grant: refresh token is invalid");
                let known = self
                    .tokens
                    .refresh
                    .get(&token)
                    .filter(|known| known.client_id == client_id);
                let known = known
                    .filter(|known| now_ms < known.expires_ms)
                    .ok_or_else(refused)?;
                if let Some((used_ms, answer)) = &known.used {
                    let grace_ms = core.switches.number("highlevel.refresh_grace_ms");
                    return if now_ms - used_ms < grace_ms {
                        Ok(answer.clone())
                    } else {
                        Err(refused())
                    };
                }
                if let Subject::Location(id) = &known.subject
                    && !self
                        .locations
                        .get(&**id)
                        .is_some_and(|location| location.active)
                {
                    return Err(errors::bad_request("Location is not active"));
                }
                let (subject, scopes) = (known.subject.clone(), known.scopes.clone());
                let answer = self.new_tokens(&client_id, &subject, &scopes, core);
                if let Some(known) = self.tokens.refresh.get_mut(&token) {
                    known.used = Some((now_ms, answer.clone()));
                }
                Ok(answer)
            }
            _ => Err(errors::bad_request(&parameters.invalid("grant_type"))),
        }
    }

    /// The client id, if its secret is right.
    fn client(&self, parameters: &Parameters) -> Result<String, Answer> {
        let client_id = parameters.required("client_id")?;
        let secret = parameters.required("client_secret")?;
        match self.app(&client_id) {
            Some(app) if app.client_secret == secret => Ok(client_id),
            _ => {
                let body = json!({"error": "UnAuthorized!", "error_description": "Invalid client credentials"});
                Err(Answer::json(401, &body))
            }
        }
    }

    fn new_tokens(
        &mut self,
        client_id: &str,
        subject: &Subject,
        scopes: &BTreeSet<String>,
        core: &Core,
    ) -> Value {
        let life_s = core.switches.number("highlevel.token_life_s");
        let (access, refresh) = self.mint(client_id, subject, scopes, life_s, core);
        let installation = self
            .installations
            .iter()
            .find(|own| own.client_id == client_id && own.subject == *subject);
        let scope: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let mut tokens = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": life_s,
            "refresh_token": refresh,
            "refreshTokenId": core.random.bytes::<12>().iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "scope": scope.join(" "),
            "companyId": self.company.id,
            "userId": self.users[0].id,
            "isBulkInstallation": *subject == Subject::Company,
        });
        match subject {
            Subject::Location(id) => {
                tokens["userType"] = json!("Location");
                tokens["locationId"] = json!(id);
            }
            Subject::Company => {
                tokens["userType"] = json!("Company");
                tokens["approvedLocations"] = json!(
                    installation
                        .map(|own| own.approved.clone())
                        .unwrap_or_default()
                );
                tokens["installToFutureLocations"] = json!(false);
                tokens["approveAllLocations"] = json!(true);
            }
        }
        tokens
    }

    /// An access token and a refresh token, remembered.
    fn mint(
        &mut self,
        client_id: &str,
        subject: &Subject,
        scopes: &BTreeSet<String>,
        life_s: i64,
        core: &Core,
    ) -> (String, String) {
        let now_ms = core.clock.now_ms();
        let access_token = self.jwt(client_id, subject, scopes, life_s, core);
        let refresh_token = self.jwt(client_id, subject, scopes, REFRESH_LIFE_MS / 1_000, core);
        let limit_key: Arc<str> = format!("{client_id} {}", subject_name(subject)).into();
        self.tokens.access.insert(
            access_token.clone(),
            Arc::new(Access {
                origin: Origin::App(client_id.to_owned()),
                subject: subject.clone(),
                scopes: Arc::new(scopes.clone()),
                expires_ms: Some(now_ms + life_s * 1_000),
                limit_key,
            }),
        );
        self.tokens.refresh.insert(
            refresh_token.clone(),
            Refresh {
                client_id: client_id.to_owned(),
                subject: subject.clone(),
                scopes: scopes.clone(),
                expires_ms: now_ms + REFRESH_LIFE_MS,
                used: None,
            },
        );
        (access_token, refresh_token)
    }

    /// Looks like the vendor's RS256 tokens. Nobody outside can check their signature, so here it is chance, and the
    /// sandbox knows its tokens by heart.
    fn jwt(
        &self,
        client_id: &str,
        subject: &Subject,
        scopes: &BTreeSet<String>,
        life_s: i64,
        core: &Core,
    ) -> String {
        let now_s = core.clock.now_ms().div_euclid(1_000);
        let (class, id) = match subject {
            Subject::Company => ("Company", self.company.id.as_str()),
            Subject::Location(id) => ("Location", &**id),
        };
        let claims = json!({
            "authClass": class,
            "authClassId": id,
            "primaryAuthClassId": id,
            "source": "INTEGRATION",
            "sourceId": client_id,
            "channel": "OAUTH",
            "oauthMeta": {"client": client_id.split('-').next(), "scopes": scopes},
            "iat": now_s,
            "exp": now_s + life_s,
            "uniqueId": core.random.uuid(),
        });
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let signature: [u8; 256] = core.random.bytes();
        format!(
            "{}.{}.{}",
            encode(br#"{"alg":"RS256","typ":"JWT"}"#),
            encode(claims.to_string().as_bytes()),
            encode(&signature)
        )
    }

    /// `POST /oauth/locationToken`: an agency's token for one of its locations.
    pub(crate) fn location_token(&mut self, admitted: &Admitted<'_>) -> Answered {
        let parameters = Parameters::read(admitted.call.body, false, true);
        let Origin::App(client_id) = &admitted.access.origin else {
            return Err(errors::wrong_location());
        };
        let messages: Vec<String> = ["companyId", "locationId"]
            .into_iter()
            .filter(|name| parameters.get(name).is_none())
            .map(|name| format!("{name} must be a string"))
            .collect();
        if !messages.is_empty() {
            return Err(errors::unprocessable(&messages));
        }
        let location_id = parameters.get("locationId").unwrap_or_default();
        let installation = self
            .installations
            .iter()
            .find(|own| own.client_id == *client_id && own.subject == Subject::Company);
        let installation = installation.filter(|own| own.covers(&location_id));
        let (Some(installation), true) = (
            installation,
            parameters.get("companyId").as_ref() == Some(&self.company.id),
        ) else {
            return Err(errors::bad_request("App is not installed on this location"));
        };
        let mut scopes = installation.scopes.clone();
        let core = admitted.core;
        if core.switches.flag("highlevel.minted_scopes_grow") {
            scopes.extend(["oauth.readonly", "oauth.write"].map(str::to_owned));
        }
        let subject = Subject::Location(location_id.as_str().into());
        let (access, refresh) = self.mint(client_id, &subject, &scopes, MINTED_LIFE_S, core);
        let app = self.app(client_id);
        let scope: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let mut tokens = json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": MINTED_LIFE_S,
            "refresh_token": refresh,
            "scope": scope.join(" "),
            "userType": "Location",
            "locationId": location_id,
            "companyId": self.company.id,
            "userId": self.users[0].id,
            "appId": app.map(|app| app.id.clone()),
            "versionId": app.map(|app| app.version_id.clone()),
        });
        if admitted
            .call
            .path
            .trim_end_matches('/')
            .ends_with("location-token")
        {
            tokens = camel(tokens);
        }
        Ok(Answer::json(admitted.post_status(200, 201), &tokens))
    }

    pub(crate) fn installed_locations(&mut self, admitted: &Admitted<'_>) -> Answered {
        let v3 = admitted.call.path.contains("installed-locations");
        let Origin::App(client_id) = &admitted.access.origin else {
            return Err(errors::wrong_location());
        };
        let app = self.app(client_id).ok_or_else(errors::wrong_location)?;
        if admitted.query("companyId").as_deref() != Some(&self.company.id) {
            return Err(errors::unprocessable_one("companyId must be a string"));
        }
        if admitted.query("appId").as_deref() != Some(&app.id) {
            let error = json!({"error": {"code": "NOT_FOUND", "message": "App not found"}});
            return Err(if v3 {
                Answer::json(404, &error)
            } else {
                errors::unprocessable_one("appId must be a string")
            });
        }
        let only = admitted.query("isInstalled").map(|text| text == "true");
        let text = admitted.query("query").unwrap_or_default().to_lowercase();
        let wanted = admitted.query("locationId");
        let found: Vec<Value> = self
            .locations
            .values()
            .filter(|location| wanted.as_ref().is_none_or(|wanted| *wanted == location.id))
            .filter(|location| location.name.to_lowercase().contains(&text))
            .map(|location| {
                let own = self
                    .installations
                    .iter()
                    .find(|own| own.client_id == *client_id && own.covers(&location.id));
                let mut line = json!({
                    "_id": location.id,
                    "name": location.name,
                    "address": location.address,
                    "isInstalled": own.is_some(),
                });
                if let Some(own) = own {
                    line["versionId"] = json!(app.version_id);
                    line["installedAt"] = json!(iso_millis(own.installed_ms));
                }
                line
            })
            .filter(|line| only.is_none_or(|only| line["isInstalled"] == only))
            .collect();
        let count = found.len();
        let number = |name: &str, default: usize| {
            admitted
                .query(name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        let body = if v3 {
            let skip = number("pageToken", 0);
            let items: Vec<Value> = found
                .into_iter()
                .skip(skip)
                .take(number("pageSize", 20).clamp(1, 100))
                .collect();
            let next = skip + items.len();
            let mut pagination = json!({
                "totalRecords": count,
                "hasNextPage": next < count,
                "hasPrevPage": skip > 0,
                "currentPageSize": items.len(),
            });
            if next < count {
                pagination["nextPageToken"] = json!(next.to_string());
            }
            json!({"items": items, "pagination": pagination, "metadata": {}, "installToFutureLocations": false})
        } else {
            let page: Vec<Value> = found
                .into_iter()
                .skip(number("skip", 0))
                .take(number("limit", 20))
                .collect();
            json!({"locations": page, "count": count, "installToFutureLocations": false})
        };
        Ok(Answer::json(200, &body))
    }

    /// `POST /oauth/reconnect`: a new code for an installation whose tokens were lost.
    pub(crate) fn reconnect(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let body: Value = match serde_json::from_slice(call.body) {
            Ok(body) => body,
            Err(_) => return errors::not_json(call.body),
        };
        let client_id = body["clientKey"].as_str().unwrap_or_default();
        let secret = body["clientSecret"].as_str().unwrap_or_default();
        if self
            .app(client_id)
            .is_none_or(|app| app.client_secret != secret)
        {
            return errors::unauthorized("Invalid client credentials");
        }
        let subject = match (body["locationId"].as_str(), body["companyId"].as_str()) {
            (Some(id), None) => Subject::Location(id.into()),
            (None, Some(id)) if id == self.company.id => Subject::Company,
            _ => return errors::unprocessable_one("either locationId or companyId must be given"),
        };
        let installation = self
            .installations
            .iter()
            .find(|own| own.client_id == client_id && own.subject == subject);
        let Some(scopes) = installation.map(|own| own.scopes.clone()) else {
            return errors::bad_request("App is not installed");
        };
        let code = self.new_code(client_id, subject, scopes, None, core);
        let expires_ms = self
            .tokens
            .codes
            .get(&code)
            .map_or(0, |code| code.expires_ms);
        let status = gate::post_status(core, 200, 200);
        Answer::json(
            status,
            &json!({"authorizationCode": code, "expiresAt": iso_millis(expires_ms)}),
        )
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    /// A private integration token for the agency and one for the main location, so that a fresh sandbox can be used.
    pub(crate) fn first_private_tokens(&mut self, core: &Core) {
        let scopes: BTreeSet<String> = SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
        self.new_private_token(Subject::Company, scopes.clone(), core);
        self.new_private_token(
            Subject::Location(self.main_location.as_str().into()),
            scopes,
            core,
        );
    }

    pub(crate) fn new_private_token(
        &mut self,
        subject: Subject,
        scopes: BTreeSet<String>,
        core: &Core,
    ) -> String {
        let token = format!("pit-{}", core.random.uuid());
        let limit_key: Arc<str> = format!("private {}", subject_name(&subject)).into();
        let scopes = Arc::new(scopes);
        let access = Access {
            origin: Origin::Private,
            subject,
            scopes,
            expires_ms: None,
            limit_key,
        };
        self.tokens.access.insert(token.clone(), Arc::new(access));
        token
    }
}

/// The parameters of a token request.
struct Parameters {
    pairs: Vec<(String, String)>,
    v3: bool,
}

impl Parameters {
    /// As a form, or as JSON where that is taken.
    fn read(body: &[u8], v3: bool, json: bool) -> Self {
        let object = json.then(|| serde_json::from_slice::<serde_json::Map<String, Value>>(body));
        let pairs = match object {
            Some(Ok(object)) => object
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect(),
            _ => url::form_urlencoded::parse(body)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        };
        Self { pairs, v3 }
    }

    /// A parameter by its snake-case name.
    fn get(&self, name: &str) -> Option<String> {
        let name = self.spelled(name);
        self.pairs
            .iter()
            .find(|(own, value)| *own == name && !value.is_empty())
            .map(|(_, value)| value.clone())
    }

    fn required(&self, name: &str) -> Result<String, Answer> {
        self.get(name).ok_or_else(|| {
            errors::bad_request(&format!("Missing parameter: {}", self.spelled(name)))
        })
    }

    fn invalid(&self, name: &str) -> String {
        format!("Invalid parameter: {}", self.spelled(name))
    }

    fn spelled(&self, name: &str) -> String {
        if self.v3 {
            camel_name(name)
        } else {
            name.to_owned()
        }
    }
}

fn camel_name(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut characters = part.chars();
        camel.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(characters.as_str());
    }
    camel
}

fn camel(tokens: Value) -> Value {
    match tokens {
        Value::Object(object) => object
            .into_iter()
            .map(|(name, value)| (camel_name(&name), value))
            .collect(),
        other => other,
    }
}
