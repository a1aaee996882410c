//! E-mail over SMTP.
//!
//! The server is the operator's, from the config; the password is a reference that is read just before a message is
//! sent. Whether the server can be reached is seen before the message is handed over, so that a failure before that
//! is known to have had no effect.

use std::time::Duration;

use connections::secret;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{Error as SmtpError, authentication::Credentials},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::act::{Failure, FailureKind, Outcome};

/// How long the server has for each answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server that e-mail goes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    /// Its name.
    #[schemars(example = &"smtp.example.org")]
    pub host: String,
    /// Its port. Left out: 465 with `tls`, 587 with `starttls`, 25 with `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 587)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: MailSecurity,
    /// The name to sign in with. Left out: none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"tandem@example.org")]
    pub username: Option<String>,
    /// The password, as `env:NAME` or `file:PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"env:SMTP_PASSWORD")]
    pub password: Option<String>,
    /// Who it is from.
    #[schemars(example = &"Tandem <tandem@example.org>")]
    pub from: String,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// TLS after a word in the clear; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the start.
    Tls,
    /// Not at all: for a server on the same machine.
    None,
}

/// Sends one message to all that are named.
pub(crate) async fn send(server: &MailServer, to: &str, subject: &str, text: &str) -> Outcome {
    let input = |what: String| Outcome::Failed(Failure::new(FailureKind::Input, what));
    let message = match message(server, to, subject, text) {
        Ok(message) => message,
        Err(what) => return input(what),
    };
    let transport = match transport(server) {
        Ok(transport) => transport,
        Err(what) => return input(what),
    };
    match transport.test_connection().await {
        Ok(true) => {}
        Ok(false) => return failed(FailureKind::Unreachable, "the mail server does not answer"),
        Err(error) if error.is_permanent() => {
            return failed(FailureKind::Connection, &error.to_string());
        }
        Err(error) => return failed(FailureKind::Unreachable, &error.to_string()),
    }
    match transport.send(message).await {
        Ok(answer) => Outcome::Done(json!({"accepted": answer.code().to_string()})),
        Err(error) => outcome(&error),
    }
}

fn failed(kind: FailureKind, why: &str) -> Outcome {
    Outcome::Failed(Failure::new(
        kind,
        format!("the e-mail was not sent: {why}"),
    ))
}

/// A server that says no has not taken the message; all else may have happened after it had.
fn outcome(error: &SmtpError) -> Outcome {
    if error.is_permanent() {
        failed(FailureKind::Refused, &error.to_string())
    } else if error.is_transient() {
        failed(FailureKind::Unreachable, &error.to_string())
    } else {
        Outcome::Unknown(error.to_string())
    }
}

fn message(server: &MailServer, to: &str, subject: &str, text: &str) -> Result<Message, String> {
    let from: Mailbox = server
        .from
        .parse()
        .map_err(|_| "`from` in the config is no e-mail address".to_owned())?;
    let mut builder = Message::builder().from(from).subject(subject);
    let mut receivers = 0;
    for one in to
        .split([',', ';'])
        .map(str::trim)
        .filter(|one| !one.is_empty())
    {
        let one: Mailbox = one
            .parse()
            .map_err(|_| "a receiver is no e-mail address".to_owned())?;
        builder = builder.to(one);
        receivers += 1;
    }
    if receivers == 0 {
        return Err("the e-mail has no receiver".to_owned());
    }
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(text.to_owned())
        .map_err(|error| format!("the e-mail cannot be written: {error}"))
}

fn transport(server: &MailServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let wrong = |error: SmtpError| format!("the mail server cannot be used: {error}");
    let mut builder = match server.security {
        MailSecurity::Starttls => {
            AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&server.host).map_err(wrong)?
        }
        MailSecurity::Tls => {
            AsyncSmtpTransport::<Tokio1Executor>::relay(&server.host).map_err(wrong)?
        }
        MailSecurity::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host),
    };
    if let Some(port) = server.port {
        builder = builder.port(port);
    }
    if let (Some(username), Some(password)) = (&server.username, &server.password) {
        let password = secret(password)?;
        builder = builder.credentials(Credentials::new(
            username.clone(),
            password.expose().to_owned(),
        ));
    }
    Ok(builder.timeout(Some(PATIENCE)).build())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Write as _},
        net::TcpListener,
        thread::JoinHandle,
    };

    use super::*;

    /// A mail server that takes so many connections; says `answer` to the end of a message and hands out what it read.
    fn server(connections: usize, answer: &'static str) -> (MailServer, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = std::thread::spawn(move || {
            let mut heard = String::new();
            for _ in 0..connections {
                let (stream, _) = listener.accept().unwrap();
                let mut out = stream.try_clone().unwrap();
                let mut lines = BufReader::new(stream).lines();
                out.write_all(b"220 here\r\n").unwrap();
                let mut in_message = false;
                while let Some(Ok(line)) = lines.next() {
                    heard.push_str(&line);
                    heard.push('\n');
                    let said = match line.as_str() {
                        "." if in_message => {
                            in_message = false;
                            answer
                        }
                        _ if in_message => continue,
                        "DATA" => {
                            in_message = true;
                            "354 go on"
                        }
                        "QUIT" => "221 bye",
                        _ => "250 ok",
                    };
                    if said.is_empty() {
                        break;
                    }
                    if out.write_all(format!("{said}\r\n").as_bytes()).is_err() {
                        break;
                    }
                }
            }
            heard
        });
        let server = MailServer {
            host: "127.0.0.1".to_owned(),
            port: Some(port),
            security: MailSecurity::None,
            username: None,
            password: None,
            from: "Tandem <tandem@example.org>".to_owned(),
        };
        (server, heard)
    }

    #[tokio::test]
    async fn what_the_server_says_decides_what_is_known() {
        let (good, heard) = server(2, "250 taken");
        let outcome = send(
            &good,
            "anna@example.org, karl@example.org",
            "Hällo",
            "Line one",
        )
        .await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        drop(good);
        let heard = heard.join().unwrap();
        for word in ["<anna@example.org>", "<karl@example.org>", "Line one"] {
            assert!(heard.contains(word), "{heard}");
        }
        for (answer, kind) in [
            ("554 no", Some(FailureKind::Refused)),
            ("451 later", Some(FailureKind::Unreachable)),
            // the message was handed over, and then nothing
            ("", None),
        ] {
            let (server, _) = server(2, answer);
            match (send(&server, "anna@example.org", "s", "t").await, kind) {
                (Outcome::Failed(failure), Some(kind)) => {
                    assert_eq!(failure.kind, kind, "{answer}")
                }
                (Outcome::Unknown(_), None) => {}
                (outcome, _) => panic!("{answer}: {outcome:?}"),
            }
        }
        let (mut nobody, _) = server(0, "");
        nobody.port = Some(1);
        let outcome = send(&nobody, "anna@example.org", "s", "t").await;
        let Outcome::Failed(failure) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(failure.kind, FailureKind::Unreachable);
    }
}
