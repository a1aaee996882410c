//! The transport for earnest: HTTP over the network.

use std::{error::Error as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;

use super::{
    ANSWER_CAP, Answer, Outgoing, Transport, TransportError,
    address::{PrivateAddress, PublicOnly, is_here, proxy_hosts, refuse_private},
};

/// How [`HttpTransport`] behaves.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// For the `User-Agent` header: `Tandem/VERSION`.
    pub version: String,
    /// Until there is a connection, TLS included.
    pub connect_timeout: Duration,
    /// Between two pieces of an answer, and until its first.
    pub read_timeout: Duration,
    /// For all of it.
    pub total_timeout: Duration,
    /// The largest answer, decompressed, in bytes.
    pub answer_cap: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(60),
            answer_cap: ANSWER_CAP,
        }
    }
}

/// How long an unused connection is kept. Short: a request on a connection that the vendor is just
/// closing ends with an unknown outcome.
const KEEP_IDLE: Duration = Duration::from_secs(20);

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("set up the HTTP client")]
pub struct HttpSetupError(#[from] reqwest::Error);

/// HTTP/1.1 and HTTP/2 over TLS with the platform's certificates, connections reused, gzip, proxies
/// as the environment says (never for this machine itself).
#[derive(Debug, Clone)]
pub struct HttpTransport {
    /// Public addresses only.
    public: reqwest::Client,
    /// Any address.
    any: reqwest::Client,
    /// Any address, without a proxy.
    direct: reqwest::Client,
    proxies: Arc<[String]>,
    answer_cap: usize,
}

/// Makes aws-lc the one TLS provider of the process. Does nothing when one is installed already.
/// Call it first thing in `main`; [`HttpTransport::new`] calls it too.
pub fn install_tls() {
    // an error only says that a provider is there already, which is what is wanted
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

impl HttpTransport {
    /// Sets the client up.
    ///
    /// # Errors
    /// When the platform's certificates cannot be loaded or a proxy variable is no address.
    pub fn new(options: &HttpOptions) -> Result<Self, HttpSetupError> {
        install_tls();
        let proxies = proxy_hosts(|name| std::env::var(name).ok());
        let client = || {
            reqwest::Client::builder()
                .user_agent(format!("Tandem/{}", options.version))
                .connect_timeout(options.connect_timeout)
                .read_timeout(options.read_timeout)
                .timeout(options.total_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .pool_idle_timeout(KEEP_IDLE)
                .tcp_nodelay(true)
        };
        let public = client()
            .dns_resolver(PublicOnly {
                proxies: Arc::clone(&proxies),
            })
            .build()?;
        Ok(Self {
            public,
            any: client().build()?,
            direct: client().no_proxy().build()?,
            proxies,
            answer_cap: options.answer_cap,
        })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, TransportError> {
        let too_large = TransportError::TooLarge {
            cap: self.answer_cap,
        };
        if response
            .content_length()
            .is_some_and(|length| length > self.answer_cap as u64)
        {
            return Err(too_large);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| TransportError::Cut(explain(&error)))?
        {
            if body.len() + chunk.len() > self.answer_cap {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Outgoing) -> Result<Answer, TransportError> {
        let client = if request.allow_private && is_here(&request.url) {
            &self.direct
        } else if request.allow_private {
            &self.any
        } else {
            refuse_private(&request.url, &self.proxies)
                .map_err(|error| TransportError::Forbidden(error.to_string()))?;
            &self.public
        };
        let sent = client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await;
        match sent {
            Ok(response) => self.read(response).await,
            Err(error) => Err(classify(&error)),
        }
    }
}

fn classify(error: &reqwest::Error) -> TransportError {
    if let Some(private) = causes(error).find_map(|cause| cause.downcast_ref::<PrivateAddress>()) {
        return TransportError::Forbidden(private.to_string());
    }
    let why = explain(error);
    // a connection that was never made carried nothing; all else may have arrived
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(why)
    } else {
        TransportError::MaybeSent(why)
    }
}

/// The inner causes in words. Never the outermost text: it repeats the address with its query.
fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return if error.is_connect() {
            "no connection in time".to_owned()
        } else {
            "no answer in time".to_owned()
        };
    }
    let mut texts: Vec<String> = Vec::new();
    for text in causes(error).map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        return "the request could not be made".to_owned();
    }
    texts.join(": ")
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
