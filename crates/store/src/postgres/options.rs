//! Where a PostgreSQL server is, and how it is spoken to.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::{Error, Result};

/// After so long without an answer to what was sent, a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(30);

/// How a store on a PostgreSQL server is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    config: tokio_postgres::Config,
    shown: String,
    /// PEM file with the certificates of whoever may vouch for the server; `None`: those of the system.
    pub(super) roots: Option<PathBuf>,
    /// Webhooks are answered "full" when so many records of a workspace are dirty. Default: 1,000,000.
    pub max_backlog: u64,
    /// Connections that read beside the one that writes. Default: 2.
    pub readers: usize,
    /// How long a delivery id is remembered, in hours, by the times of later deliveries. Default: 96.
    pub remember_deliveries_hours: u32,
    /// How long to wait at the opening for another server that has the database. Default: 5 s, which is
    /// enough for one that was killed.
    pub wait: Duration,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresOptions").field(&self.shown).finish()
    }
}

impl PostgresOptions {
    /// Whether a text is the URL of a PostgreSQL database.
    pub fn is_url(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    /// Reads `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?OPTION=VALUE`, as other programs do.
    ///
    /// With several hosts, the first one that takes writes is used. The connection is encrypted, and the
    /// server's certificate is verified, wherever the way leaves this machine; `sslmode=disable` turns that
    /// off, `sslmode=require` turns it on for this machine too, and `sslrootcert=FILE` names who may vouch
    /// for the server.
    ///
    /// # Errors
    /// [`Error::Foreign`] if it cannot be understood. The text itself is not repeated: it may hold a password.
    pub fn parse(url: &str) -> Result<Self> {
        let shown = without_password(url);
        let refuse = |why: String| Error::Foreign {
            path: shown.clone(),
            why,
        };
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut roots = None;
        let mut encrypted = None;
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("sslrootcert", file) => roots = Some(PathBuf::from(decoded(file))),
                ("sslmode", "disable") => encrypted = Some(false),
                ("sslmode", "require" | "verify-ca" | "verify-full") => encrypted = Some(true),
                ("sslmode", other) => {
                    return Err(refuse(format!(
                        "sslmode={other} leaves open whether the connection is encrypted; \
                         use sslmode=require or sslmode=disable"
                    )));
                }
                _ => kept.push(pair),
            }
        }
        let mut bare = place.to_owned();
        if !kept.is_empty() {
            bare = format!("{bare}?{}", kept.join("&"));
        }
        let mut config = tokio_postgres::Config::from_str(&bare).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            refuse(format!(
                "its URL cannot be understood: {}",
                cause.unwrap_or_else(|| error.to_string())
            ))
        })?;
        if config.get_hosts().is_empty() {
            return Err(refuse("its URL names no host".to_owned()));
        }
        if !config.get_hosts().iter().all(is_here) && encrypted.is_none() {
            encrypted = Some(true);
        }
        config.ssl_mode(if encrypted.unwrap_or(roots.is_some()) {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        if config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config
            .keepalives_idle(SILENCE)
            .keepalives_interval(SILENCE / 3)
            .keepalives_retries(3)
            .application_name(format!("tandem {}", std::process::id()));
        Ok(Self {
            config,
            shown,
            roots,
            max_backlog: 1_000_000,
            readers: 2,
            remember_deliveries_hours: 96,
            wait: Duration::from_secs(5),
        })
    }

    /// The URL without the password: what people may see.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The name of the database, or of its user where none is given.
    pub fn database(&self) -> &str {
        let name = self.config.get_dbname().or(self.config.get_user());
        name.unwrap_or("postgres")
    }

    pub(super) fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }
}

/// Whether the way to a host stays on this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// A URL without its password, and without its options: a password may stand there too.
fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::new();
    };
    match rest.rsplit_once('@') {
        None => format!("{scheme}://{rest}"),
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
    }
}

/// A percent-encoded text.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        PostgresOptions::parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted() {
        assert_eq!(mode("postgres://u:p@db.example.com/t"), SslMode::Require);
        assert_eq!(mode("postgres://u@127.0.0.1,db.lan/t"), SslMode::Require);
        assert_eq!(mode("postgres://u@127.0.0.1:5433/t"), SslMode::Disable);
        assert_eq!(
            mode("postgres://u@db.lan/t?sslmode=disable"),
            SslMode::Disable
        );
        assert_eq!(
            mode("postgres://u@localhost/t?sslmode=require"),
            SslMode::Require
        );
        let error = PostgresOptions::parse("postgres://u:secret@h/t?sslmode=prefer").unwrap_err();
        assert!(error.to_string().contains("sslmode=require"), "{error}");
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://u:secret@h1,h2:5433/t?password=secret",
            "postgres://u:sec%40ret@h1/t?nonsense=secret",
            "postgres://u:secret@/t",
        ] {
            match PostgresOptions::parse(url) {
                Ok(options) => assert!(!format!("{options:?}").contains("ret"), "{options:?}"),
                Err(error) => assert!(!error.to_string().contains("ret"), "{error}"),
            }
        }
        let options = PostgresOptions::parse("postgres://u:s@h1,h2:5433/t").unwrap();
        assert_eq!(options.shown(), "postgres://u@h1,h2:5433/t");
        assert_eq!(
            options.config.get_target_session_attrs(),
            TargetSessionAttrs::ReadWrite
        );
    }
}
