//! Webhooks on their way in: raw bytes up to a limit, verified, durable, and only then acknowledged.
//!
//! Answers: 200 durable (or seen before, or for an account that nobody connected: sending it again
//! would change nothing) · 400 signed but not understood · 401 not signed as it must be; nothing is
//! stored · 404 no such address · 413 too large · 429 the backlog is full, or it could not be stored:
//! the one status after which every vendor that sends again at all is known to do so.

use async_trait::async_trait;
use axum::{
    body::{Body, Bytes},
    extract::{Path, RawQuery, State},
};
use connections::{IntakeError, IntakeSink, IntakeSinkError, Receipt};
use connector::{Delivery, Incoming, WebhookError};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use store::{Accepted, ConnectionName};

use crate::{Code, app::AppState, error::ApiError, metrics::Fate};

/// Takes one webhook of a system in.
pub(crate) async fn receive(
    State(app): State<AppState>,
    Path(system): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<&'static str, ApiError> {
    let (fate, answer) = take(
        &app,
        &system,
        query.as_deref().unwrap_or(""),
        &headers,
        body,
    )
    .await;
    app.counters.webhook(fate);
    answer
}

type Taken = (Fate, Result<&'static str, ApiError>);

async fn take(app: &AppState, system: &str, query: &str, headers: &HeaderMap, body: Body) -> Taken {
    let Ok(in_force) = app.in_force() else {
        return unknown_address(system);
    };
    let largest = in_force.document.webhooks.largest_body;
    let body = match read(headers, body, largest).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let incoming = Incoming {
        headers,
        query,
        body: &body,
        received: app.clock.now(),
    };
    let sink = EngineSink(app);
    match app.connections.receive(system, &incoming, &sink).await {
        Ok(Receipt::Accepted { .. }) => (Fate::Accepted, Ok("ok\n")),
        Ok(Receipt::Duplicate) => (Fate::Duplicate, Ok("seen before\n")),
        Ok(Receipt::NoConnection { account, .. }) => {
            tracing::info!(
                system,
                account,
                "a webhook for an account that is not connected"
            );
            (Fate::UnknownAccount, Ok("not connected\n"))
        }
        Ok(Receipt::Full) => (
            Fate::Full,
            Err(ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::WebhookFull,
                "too much waits to be worked on; send it again later",
            )),
        ),
        Err(IntakeError::UnknownSystem(_)) => unknown_address(system),
        Err(IntakeError::Webhook(error @ WebhookError::Signature(_))) => (
            Fate::BadSignature,
            Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                Code::WebhookSignature,
                error.to_string(),
            )),
        ),
        Err(IntakeError::Webhook(WebhookError::None(_))) => unknown_address(system),
        Err(IntakeError::Webhook(error @ WebhookError::Body(_))) => {
            tracing::warn!(system, "a signed webhook could not be read");
            (
                Fate::Unreadable,
                Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    Code::WebhookBody,
                    error.to_string(),
                )),
            )
        }
        Err(IntakeError::Sink(error)) => {
            tracing::error!(system, %error, "a webhook could not be stored; it was not acknowledged");
            (
                Fate::Failed,
                Err(ApiError::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    Code::DatabaseUnwritable,
                    "it could not be stored; send it again later",
                )),
            )
        }
    }
}

fn unknown_address(system: &str) -> Taken {
    (
        Fate::UnknownAddress,
        Err(ApiError::not_found(
            Code::WebhookUnknown,
            format!("no connection to a system `{system}` is configured"),
        )),
    )
}

/// The body, byte for byte; a larger one is not read to its end.
async fn read(headers: &HeaderMap, body: Body, largest: usize) -> Result<Bytes, Taken> {
    let too_large = || -> Taken {
        (
            Fate::TooLarge,
            Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::BodyTooLarge,
                format!("a webhook may have {largest} bytes at most"),
            )),
        )
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > largest) {
        return Err(too_large());
    }
    match Limited::new(body, largest).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err((
            Fate::Unreadable,
            Err(ApiError::bad_request("the body broke off")),
        )),
    }
}

struct EngineSink<'a>(&'a AppState);

#[async_trait]
impl IntakeSink for EngineSink<'_> {
    async fn accept(
        &self,
        connection: &ConnectionName,
        delivery: &Delivery,
    ) -> Result<Accepted, IntakeSinkError> {
        // first what it begins: if the rest fails, the vendor sends it again, and what was taken in begins nothing
        self.0
            .flows
            .told(
                connection.as_str(),
                delivery.id.as_deref(),
                &delivery.happened,
            )
            .await
            .map_err(|error| IntakeSinkError(error.to_string()))?;
        let accepted = self.0.engine.accept(connection, delivery.clone()).await;
        let accepted = accepted.map_err(|error| IntakeSinkError(error.to_string()))?;
        self.0.hearing.heard(connection, self.0.clock.now());
        if accepted == Accepted::New {
            let now = self.0.clock.steady();
            self.0.ears.hear(connection, &delivery.happened, now);
        }
        Ok(accepted)
    }
}
