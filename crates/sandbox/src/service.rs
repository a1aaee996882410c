//! The way of a request: which vendor, which fault, what effect, what is counted.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};

use crate::control;
use crate::core::Core;
use crate::counts::Done;
use crate::faults::{Fault, Seen};
use crate::highlevel;
use crate::officernd;
use crate::onoffice;
use crate::system::System;
use crate::vendor::{Answer, Call, Vendor};

/// The largest request body that is read.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// Waits; real time on a server, virtual time in a simulation.
pub type Sleep = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// The connection went away and no answer came. Whether the request had an effect, its caller cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection was dropped before an answer came")]
pub struct Dropped;

/// Everything that a request can reach.
pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) highlevel: Mutex<highlevel::State>,
    pub(crate) onoffice: Mutex<onoffice::State>,
    pub(crate) officernd: Mutex<officernd::State>,
    pub(crate) sleep: Sleep,
}

impl World {
    pub(crate) fn with<T>(
        &self,
        system: System,
        work: impl FnOnce(&mut dyn Vendor, &Core) -> T,
    ) -> Option<T> {
        match system {
            System::HighLevel => {
                let mut state = self
                    .highlevel
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                Some(work(&mut *state, &self.core))
            }
            System::OnOffice => {
                let mut state = self.onoffice.lock().unwrap_or_else(PoisonError::into_inner);
                Some(work(&mut *state, &self.core))
            }
            System::OfficeRnd => {
                let mut state = self
                    .officernd
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                Some(work(&mut *state, &self.core))
            }
        }
    }
}

/// The sandbox as a tower service: all vendors and the control API.
#[derive(Clone)]
pub struct SandboxService {
    pub(crate) world: Arc<World>,
}

impl tower::Service<Request<Body>> for SandboxService {
    type Response = Response<Body>;
    type Error = Dropped;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Dropped>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Dropped>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(answer(Arc::clone(&self.world), request))
    }
}

impl SandboxService {
    /// The same as an axum router. A router cannot refuse to answer, so a dropped connection is a 502 whose body
    /// breaks off, with [`Dropped`] among its extensions.
    pub fn into_router(self) -> axum::Router {
        axum::Router::new().fallback_service(tower::service_fn(move |request: Request<Body>| {
            let world = Arc::clone(&self.world);
            async move {
                Ok::<_, Infallible>(answer(world, request).await.unwrap_or_else(|dropped| {
                    let broken = futures::stream::once(async { Err::<Bytes, _>(Dropped) });
                    let mut response = Response::new(Body::from_stream(broken));
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                    response.extensions_mut().insert(dropped);
                    response
                }))
            }
        }))
    }
}

async fn answer(world: Arc<World>, request: Request<Body>) -> Result<Response<Body>, Dropped> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return Ok(plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the sandbox reads at most 64 MiB\n",
        ));
    };
    let path = parts.uri.path();
    if let Some(rest) = under(path, "/_sandbox") {
        return Ok(respond(control::http::answer(&world, &parts, rest, &body)));
    }
    let host = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = host
        .or_else(|| parts.headers.get(HOST)?.to_str().ok())
        .unwrap_or_default();
    let prefixed = System::ALL
        .into_iter()
        .find_map(|system| Some((system, under(path, system_prefix(system))?)));
    let named = || {
        System::from_host(host.split(':').next().unwrap_or_default()).map(|system| (system, path))
    };
    let Some((system, inner_path)) = prefixed.or_else(named) else {
        return Ok(plain(
            StatusCode::NOT_FOUND,
            "This is the Tandem sandbox. The vendors live under /highlevel/, /onoffice/ and /officernd/, the controls under /_sandbox/.\n",
        ));
    };
    let base = if prefixed.is_some() {
        format!("http://{host}{}", system_prefix(system))
    } else {
        format!("https://{host}")
    };
    let call = Call {
        method: &parts.method,
        path: inner_path,
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &body,
        base: &base,
    };
    vendor(&world, system, &call).await.map(respond)
}

async fn vendor(world: &World, system: System, call: &Call<'_>) -> Result<Answer, Dropped> {
    let core = &world.core;
    let Some(operation) = world.with(system, |vendor, _| vendor.operation(call)) else {
        return Ok(Answer::new(
            501,
            "text/plain",
            format!("the sandbox has no {system} yet\n"),
        ));
    };
    let seen = Seen {
        system,
        method: call.method.as_str(),
        path: call.path,
        route: operation.route,
        actions: &operation.actions,
    };
    let faults = core.faults.strike_request(&seen, &core.random);
    let count = |status: u16, failed: bool| {
        core.counts.add(&Done {
            system,
            route: operation.route,
            method: call.method.as_str(),
            access: operation.access,
            actions: &operation.actions,
            status,
            failed,
        });
    };
    for fault in &faults {
        if let Fault::Delay { ms } = fault {
            (world.sleep)(Duration::from_millis(*ms)).await;
        }
    }
    if faults.contains(&Fault::DropBefore) {
        count(0, true);
        return Err(Dropped);
    }
    if let Some(spoiled) = faults.iter().find_map(spoil) {
        count(spoiled.status, true);
        return Ok(spoiled);
    }
    let answer = world
        .with(system, |vendor, core| vendor.handle(call, core))
        .ok_or(Dropped)?;
    for fault in &faults {
        if let Fault::DelayAnswer { ms } = fault {
            let mut waiting = Waiting {
                world,
                system,
                goes_on: true,
            };
            (world.sleep)(Duration::from_millis(*ms)).await;
            waiting.goes_on = false;
        }
    }
    if let Some(after_ms) = answer.cut_ms {
        (world.sleep)(Duration::from_millis(after_ms)).await;
        count(0, true);
        return Err(Dropped);
    }
    if faults.contains(&Fault::DropAfter) {
        count(0, true);
        return Err(Dropped);
    }
    count(answer.status, answer.failed);
    Ok(answer)
}

/// A client that waits for an answer; one that is dropped before that went away.
struct Waiting<'w> {
    world: &'w World,
    system: System,
    goes_on: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.goes_on {
            self.world.core.counts.give_up(self.system);
        }
    }
}

/// The answer that replaces the vendor's.
fn spoil(fault: &Fault) -> Option<Answer> {
    match fault {
        Fault::Status {
            status,
            body,
            headers,
        } => {
            let body = body.clone().unwrap_or_else(|| {
                serde_json::json!({"statusCode": status, "message": "made to fail by the sandbox"})
            });
            let mut answer = Answer::json(*status, &body);
            for (name, value) in headers {
                answer.extra_headers.push((name.clone(), value.clone()));
            }
            Some(answer)
        }
        Fault::NonJson => Some(Answer::new(
            200,
            "text/html; charset=utf-8",
            "<!doctype html><html><body><h1>We are down for maintenance</h1></body></html>",
        )),
        Fault::HugeBody { bytes } => {
            let mut body = Vec::with_capacity(bytes + 2);
            body.push(b'"');
            body.resize(bytes + 1, b' ');
            body.push(b'"');
            Some(Answer::new(200, "application/json; charset=utf-8", body))
        }
        _ => None,
    }
}

pub(crate) fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    for (name, value) in answer.extra_headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    respond(Answer::new(
        status.as_u16(),
        "text/plain; charset=utf-8",
        text,
    ))
}

fn system_prefix(system: System) -> &'static str {
    match system {
        System::HighLevel => "/highlevel",
        System::OnOffice => "/onoffice",
        System::OfficeRnd => "/officernd",
    }
}

/// The path below a prefix, starting with a slash.
fn under<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    match path.strip_prefix(prefix)? {
        "" => Some("/"),
        rest if rest.starts_with('/') => Some(rest),
        _ => None,
    }
}
