//! The server from its options to its end.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

use crate::{
    Browsers, Code, NewToken, OpenError, Options, access, api,
    app::{App, AppState},
    beside::Beside,
    error::{ApiError, ApiResult},
    flows, hooks,
    metrics::{ConnectionSample, Page},
    sharing, signin, subscribing, web,
};

/// A request whose head and body take longer is cut off. Runs and plans answer in their own time.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long work under way may take to end when the server stops, before its calls are refused.
const GRACE: Duration = Duration::from_secs(3);

/// Why a server ended otherwise than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or cannot be used.
    #[error("listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The file that says where the server is could not be written.
    #[error("write down where the server is, beside the database: {0}")]
    Beside(#[source] io::Error),
    /// The engine stopped.
    #[error("the engine stopped: {0}")]
    Engine(#[from] sync::Error),
    /// A part broke off.
    #[error("a part of the server broke off: {0}")]
    Broke(#[from] tokio::task::JoinError),
    /// There is no config that could be served.
    #[error(transparent)]
    Config(#[from] ApiError),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Io(#[source] io::Error),
}

/// A server that is set up. It works as soon as it is asked through [`Handle::router`], and listens
/// with [`Service::run`].
pub struct Service {
    app: AppState,
}

/// What others need of a server. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    app: AppState,
}

impl Service {
    /// Sets everything up: reads the config in force, opens the accounts. Nothing works yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        Ok(Self {
            app: App::open(options).await?,
        })
    }

    /// What others need of it.
    pub fn handle(&self) -> Handle {
        Handle {
            app: self.app.clone(),
        }
    }

    /// Opens the address to listen on. Apart from [`Service::run`], so that a port that is taken is
    /// known before anything else happens.
    ///
    /// # Errors
    /// When it is taken or not ours.
    pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
        TcpListener::bind(address)
            .await
            .map_err(|source| ServeError::Listen { address, source })
    }

    /// Answers and works until `shutdown`; then ends what is under way.
    ///
    /// # Errors
    /// When a part of it fails so that going on makes no sense.
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let app = self.app;
        let address = listener.local_addr().map_err(ServeError::Io)?;
        let url = format!("http://{}", reachable(address));
        app.listening(address, url.clone());
        if let Some(database) = &app.database {
            Beside::this(url.clone(), &app.own_token)
                .write(database)
                .map_err(ServeError::Beside)?;
        }
        tracing::info!(%address, "listening");
        let outcome = serve(&app, listener, shutdown).await;
        tracing::info!("stopping");
        app.close().await;
        if let Some(database) = &app.database {
            Beside::remove(database);
        }
        outcome
    }

    /// Answers on the configured address without letting the engine work, until `stop`: for the
    /// length of a sign-in.
    ///
    /// # Errors
    /// When the address is taken or there is no config.
    pub async fn answer(
        &self,
        stop: CancellationToken,
    ) -> Result<JoinHandle<io::Result<()>>, ServeError> {
        let app = self.app.clone();
        let address = self.handle().listen_address()?;
        let listener = Self::listen(address).await?;
        let address = listener.local_addr().map_err(ServeError::Io)?;
        app.listening(address, format!("http://{}", reachable(address)));
        let http =
            axum::serve(listener, router(app)).with_graceful_shutdown(stop.cancelled_owned());
        Ok(tokio::spawn(http.into_future()))
    }

    /// Ends a server that never listened.
    pub async fn close(self) {
        self.app.close().await;
    }
}

async fn serve(
    app: &AppState,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let stopping = app.stopping.clone();
    let http = axum::serve(listener, router(app.clone()))
        .with_graceful_shutdown(stopping.clone().cancelled_owned());
    let mut http = tokio::spawn(http.into_future());
    let mut engine = app.start_engine();
    drop(app.spawn(subscribing::run(app.clone())));
    drop(app.spawn(sharing::run(app.clone())));
    app.start_flows();
    app.watch_for_flows();
    drop(app.spawn(crate::series::watch(app.clone())));
    app.keep_tidy();
    app.watch_for_alerts();
    let engine_ended = async {
        match &mut engine {
            Some(engine) => engine.await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        outcome = engine_ended => {
            engine = None;
            outcome?.map_err(ServeError::from)
        }
        outcome = &mut http => {
            stopping.cancel();
            return outcome?.map_err(ServeError::Io);
        }
    };
    // requests under way are answered; a stream of events ends by itself
    stopping.cancel();
    if tokio::time::timeout(PATIENCE, &mut http).await.is_err() {
        tracing::warn!("requests that did not end in time were cut off");
        http.abort();
    }
    if let Some(mut engine) = engine {
        // what is quick is ended; a batch that waits for a vendor's limit is given back
        let ended = match tokio::time::timeout(GRACE, &mut engine).await {
            Ok(ended) => ended,
            Err(_) => {
                app.connections.shut_down(PATIENCE).await;
                engine.await
            }
        };
        ended??;
    }
    ended
}

impl Handle {
    /// All routes, for asking in memory. Bearers of [`Handle::token`] may do everything.
    pub fn router(&self) -> Router {
        router(self.app.clone())
    }

    /// The server's own token.
    pub fn token(&self) -> &NewToken {
        &self.app.own_token
    }

    /// Where the server listens, once it does.
    pub fn url(&self) -> Option<&str> {
        self.app.local_url()
    }

    /// The address of the config in force.
    ///
    /// # Errors
    /// When there is none.
    pub fn listen_address(&self) -> Result<SocketAddr, ApiError> {
        Ok(self.app.in_force()?.document.listen)
    }

    /// A link by which the owner's password can be set once, while none is set: as it is reached on this machine, where
    /// `address` is `http://127.0.0.1:8484`, and from outside, if the config says how. None once it is set.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn first_links(&self, address: &str) -> Result<Vec<String>, ApiError> {
        let users = &self.app.users;
        if users.has_owner() || users.browsers == Browsers::AnyoneHere {
            return Ok(Vec::new());
        }
        let secret = users
            .new_first_link()
            .map_err(|error| ApiError::internal(error.to_string()))?;
        Ok(self.app.links(address, &secret))
    }

    /// The engine.
    pub fn engine(&self) -> &sync::Handle {
        &self.app.engine
    }

    /// The connected accounts.
    pub fn connections(&self) -> &connections::Connections {
        &self.app.connections
    }
}

/// Everything that is served.
fn router(app: AppState) -> Router {
    let metrics = Router::new()
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(app.clone(), access::guard));
    Router::new()
        .route("/hooks/{system}", post(hooks::receive).get(hooks::receive))
        .route("/hooks/workflows/{name}", post(flows::receive))
        // the body is limited by the config, in the handler
        .layer(DefaultBodyLimit::disable())
        .route("/connect/{name}", get(signin::begin))
        .route("/oauth/callback", get(signin::callback))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(metrics)
        .nest("/api/v1", api::routes(app.clone()))
        .route("/api/openapi.json", get(web::description))
        .fallback_service(
            Router::new()
                .fallback(web::page)
                .layer(CompressionLayer::new()),
        )
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                Code::BadRequest,
                "this address takes another method",
            )
        })
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app)
}

/// Around every request: a limit in time, errors in one form, a count, a line in the log.
async fn around(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // the route and not the path: a path may hold a ticket or an id
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let takes_its_time = route.ends_with("/run")
        || route.ends_with("/plan")
        || route.ends_with("/connect")
        || route.ends_with("/disconnect")
        || route.ends_with("/apply")
        || route.ends_with("/undo")
        || route.ends_with("/backup")
        || route.ends_with("/config");
    let began = app.clock.steady();
    let answer = next.run(request);
    let response = if takes_its_time {
        answer.await
    } else {
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(response) => response,
            Err(_) => ApiError::new(
                StatusCode::REQUEST_TIMEOUT,
                Code::BadRequest,
                "the request took too long",
            )
            .into_response(),
        }
    };
    let response = in_our_form(response).await;
    let status = response.status();
    app.counters.request(status);
    tracing::debug!(
        %method,
        route,
        status = status.as_u16(),
        ms = u64::try_from(app.clock.steady().saturating_sub(began).as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// What a library refused (a parameter, a body) gets the form that all our errors have.
async fn in_our_form(response: Response) -> Response {
    let status = response.status();
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (code, message) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => (Code::BodyTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            Code::BadRequest,
            "the body must be JSON, with `content-type: application/json`",
        ),
        status if status.is_server_error() => (Code::Internal, "something went wrong"),
        _ => (
            Code::BadRequest,
            "a parameter or the body has another form than it must have",
        ),
    };
    let named = match code {
        Code::BadRequest => what_is_not_known(response).await,
        _ => None,
    };
    let message = named.map_or_else(|| message.to_owned(), |named| format!("{message}: {named}"));
    ApiError::new(status, code, message).into_response()
}

/// The name that a library did not know, and those that it knows. Nothing else of what it says is repeated: it may hold a value.
async fn what_is_not_known(response: Response) -> Option<String> {
    const LONGEST: usize = 16 * 1024;
    let said = axum::body::to_bytes(response.into_body(), LONGEST).await;
    let said = String::from_utf8(said.ok()?.to_vec()).ok()?;
    let begins = ["unknown variant `", "unknown field `", "missing field `"];
    let at = begins.iter().find_map(|begin| said.find(begin))?;
    let named = said[at..].lines().next()?;
    let named = named.split(" at line ").next()?;
    Some(named.trim().to_owned())
}

async fn ready(State(app): State<AppState>) -> ApiResult<&'static str> {
    if app.stopping.is_cancelled() {
        return Err(ApiError::stopping());
    }
    app.in_force()?;
    app.store().applied_config(app.workspace()).await?;
    Ok("ready\n")
}

async fn metrics(State(app): State<AppState>) -> ApiResult<Response> {
    let overview = app.store().overview(app.workspace()).await?;
    let samples: Vec<ConnectionSample> = app
        .connections
        .names()
        .into_iter()
        .filter_map(|name| {
            Some(ConnectionSample {
                usable: app.connections.health(&name).ok()?.usable(),
                counts: app.connections.counts(&name).ok()?,
                budget: app.connections.budget_use(&name).ok()?,
                name: name.to_string(),
            })
        })
        .collect();
    let syncs: Vec<(String, sync::Measured)> = app
        .in_force()
        .into_iter()
        .flat_map(|in_force| in_force.document.syncs.keys().cloned().collect::<Vec<_>>())
        .map(|name| {
            let measured = sync::measured(&overview.meters, &name.as_str().into());
            (name, measured)
        })
        .collect();
    let book = app.alerts.book(&app).await?;
    let page = Page {
        overview: &overview,
        connections: &samples,
        syncs: &syncs,
        alerts: &book.told(),
        counters: &app.counters,
        started: app.started,
        now: app.clock.now(),
    };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], page.render()).into_response())
}

/// The address by which this machine reaches a listener, also one on all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
