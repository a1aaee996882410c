//! The page on which a person chooses where to install an app, and the way back to the app with a code.

use std::collections::BTreeSet;

use super::State;
use super::apps::{App, Installation, Subject};
use super::errors;
use super::gate;
use crate::core::Core;
use crate::vendor::{Answer, Call};

/// In the query of the authorize link: approves at once, for a location's id, `first` or `company`.
const APPROVE: &str = "sandbox_approve";

/// A request for an installation, checked.
struct Wish {
    client_id: String,
    redirect_uri: String,
    scopes: BTreeSet<String>,
    state: Option<String>,
}

impl State {
    /// The authorize link: a page to choose on, or an approval at once.
    pub(crate) fn choose_location(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let parameter = |name: &str| gate::query(call.query, name);
        let wish = match self.wish(&parameter, core) {
            Ok(wish) => wish,
            Err(message) => return page(400, &format!("<h1>{}</h1>", escape(&message))),
        };
        match parameter(APPROVE) {
            Some(choice) => self.install(&wish, &choice, core),
            None => page(200, &self.chooser(call, &wish)),
        }
    }

    /// The button on that page.
    pub(crate) fn approve_install(&mut self, call: &Call<'_>, core: &Core) -> Answer {
        let Ok(form) = std::str::from_utf8(call.body) else {
            return errors::not_json(call.body);
        };
        let parameter = |name: &str| gate::query(form, name);
        match self.wish(&parameter, core) {
            Ok(wish) => self.install(&wish, &parameter(APPROVE).unwrap_or_default(), core),
            Err(message) => page(400, &format!("<h1>{}</h1>", escape(&message))),
        }
    }

    fn wish(
        &self,
        parameter: &dyn Fn(&str) -> Option<String>,
        core: &Core,
    ) -> Result<Wish, String> {
        if parameter("response_type").as_deref() != Some("code") {
            return Err("error.invalidresponsetype".to_owned());
        }
        let client_id = parameter("client_id").unwrap_or_default();
        let app = self.app(&client_id).ok_or("error.invalidclientid")?;
        if core.switches.flag("highlevel.draft_app")
            && parameter("version_id").as_ref() != Some(&app.version_id)
        {
            return Err("error.noversionid".to_owned());
        }
        let redirect_uri = parameter("redirect_uri").unwrap_or_default();
        if !redirect_allowed(app, &redirect_uri, core) {
            return Err("error.invalidredirecturi".to_owned());
        }
        let scopes: BTreeSet<String> = parameter("scope")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if scopes.is_empty() || !scopes.is_subset(&app.scopes) {
            return Err("error.invalidscope".to_owned());
        }
        Ok(Wish {
            client_id,
            redirect_uri,
            scopes,
            state: parameter("state"),
        })
    }

    fn chooser(&self, call: &Call<'_>, wish: &Wish) -> String {
        let name = self
            .app(&wish.client_id)
            .map_or("", |app| app.name.as_str());
        let scopes: Vec<&str> = wish.scopes.iter().map(String::as_str).collect();
        let mut hidden = String::new();
        let version = gate::query(call.query, "version_id");
        for (name, value) in [
            ("response_type", Some("code")),
            ("client_id", Some(wish.client_id.as_str())),
            ("redirect_uri", Some(wish.redirect_uri.as_str())),
            ("scope", Some(scopes.join(" ").as_str())),
            ("state", wish.state.as_deref()),
            ("version_id", version.as_deref()),
        ] {
            if let Some(value) = value {
                hidden.push_str(&format!(
                    "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
                    escape(value)
                ));
            }
        }
        let mut buttons = String::new();
        let choices = self
            .locations
            .values()
            .map(|location| (location.id.as_str(), location.name.as_str()));
        for (value, label) in
            choices.chain(std::iter::once(("company", self.company.name.as_str())))
        {
            let kind = if value == "company" {
                " (agency, all locations)"
            } else {
                ""
            };
            buttons.push_str(&format!(
                "<p><button name=\"{APPROVE}\" value=\"{}\">{}{kind}</button></p>",
                escape(value),
                escape(label)
            ));
        }
        format!(
            "<h1>Connect {}</h1><p>It asks for: {}</p><p>Choose where to install it:</p>\
             <form method=\"post\" action=\"{}/oauth/chooselocation\">{hidden}{buttons}</form>",
            escape(name),
            escape(&scopes.join(", ")),
            escape(call.base),
        )
    }

    /// Installs the app and sends the browser back with a code.
    fn install(&mut self, wish: &Wish, choice: &str, core: &Core) -> Answer {
        let (subject, approved) = match choice {
            "company" => (Subject::Company, self.locations.keys().cloned().collect()),
            "first" => (
                Subject::Location(self.main_location.as_str().into()),
                vec![self.main_location.clone()],
            ),
            id if self.locations.contains_key(id) => {
                (Subject::Location(id.into()), vec![id.to_owned()])
            }
            _ => return page(400, "<h1>error.invalidlocation</h1>"),
        };
        let installation = Installation {
            client_id: wish.client_id.clone(),
            subject: subject.clone(),
            approved,
            scopes: wish.scopes.clone(),
            user_id: self.users[0].id.clone(),
            installed_ms: core.clock.now_ms(),
        };
        self.installations
            .retain(|own| own.client_id != wish.client_id || own.subject != subject);
        if let Some(app) = self.app(&wish.client_id) {
            self.emit_install(app, &installation, "INSTALL", core);
        }
        self.installations.push(installation);
        let code = self.new_code(
            &wish.client_id,
            subject,
            wish.scopes.clone(),
            Some(wish.redirect_uri.clone()),
            core,
        );
        let Ok(mut target) = url::Url::parse(&wish.redirect_uri) else {
            return page(400, "<h1>error.invalidredirecturi</h1>");
        };
        target.query_pairs_mut().append_pair("code", &code);
        if let Some(state) = &wish.state {
            target.query_pairs_mut().append_pair("state", state);
        }
        let mut answer = Answer::new(302, "text/html; charset=utf-8", "");
        answer.headers.push(("location", target.into()));
        answer
    }
}

/// Whether the browser may be sent there: exactly a registered address, https or loopback. An app that registered
/// none takes any such address.
fn redirect_allowed(app: &App, redirect_uri: &str, core: &Core) -> bool {
    let Ok(parsed) = url::Url::parse(redirect_uri) else {
        return false;
    };
    let loopback = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let safe = match parsed.scheme() {
        "https" => true,
        "http" => loopback && core.switches.flag("highlevel.loopback_redirects"),
        _ => false,
    };
    safe && (app.redirect_uris.is_empty()
        || app.redirect_uris.iter().any(|own| own == redirect_uri))
}

fn page(status: u16, body: &str) -> Answer {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>HighLevel sandbox</title></head>\
         <body>{body}</body></html>"
    );
    Answer::new(status, "text/html; charset=utf-8", html)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
