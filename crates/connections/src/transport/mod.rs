//! The way onto the network, replaceable.
//!
//! A transport sends one request once. It knows nothing of retries, limits or tokens; it only says,
//! when no answer came, whether the request can have had an effect.

mod address;
mod http;
mod service;

use std::fmt;

use ::http::{HeaderMap, Method, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

pub use self::{
    address::leads_inside,
    http::{HttpOptions, HttpSetupError, HttpTransport, install_tls},
    service::ServiceTransport,
};

/// The largest answer that is read unless said otherwise: 20 MB.
pub const ANSWER_CAP: usize = 20_000_000;

/// A request as it goes out.
#[derive(Clone)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The full address with its query.
    pub url: Url,
    /// All headers, authorisation included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the address may lie in a loopback or private range.
    pub allow_private: bool,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // headers, query and body carry secrets and record values
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

/// Why no answer came. The texts hold no address with a query, no secret and no record value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request cannot have arrived: no address, refused, no TLS.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The address may not be reached; trying again is of no use.
    #[error("not sent: {0}")]
    Forbidden(String),
    /// The request may have arrived: time ran out or the connection broke after sending began.
    #[error("sent, but no answer came: {0}")]
    MaybeSent(String),
    /// The answer is larger than the cap. The request was processed.
    #[error("the answer is larger than {cap} bytes")]
    TooLarge {
        /// The cap in bytes.
        cap: usize,
    },
    /// The answer broke off. The request was processed.
    #[error("the answer broke off: {0}")]
    Cut(String),
}

/// Sends one request once.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends it and reads the whole answer, whatever its status. Redirects are not followed.
    ///
    /// # Errors
    /// When no complete answer came.
    async fn send(&self, request: Outgoing) -> Result<Answer, TransportError>;
}
