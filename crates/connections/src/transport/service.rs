//! A transport that stays in the process: requests go straight into a [`tower::Service`].

use std::{fmt::Display, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

use super::{ANSWER_CAP, Answer, Outgoing, Transport, TransportError};
use crate::Clock;

/// What a response's head means for the exchange: `Some` plays a failure instead of the answer.
type Inspect = dyn Fn(&http::response::Parts) -> Option<TransportError> + Send + Sync;

/// Sends requests into a service in the same process, with the same cap and time limit as the
/// network has. Time passes by the clock that is given.
pub struct ServiceTransport<S, B> {
    service: S,
    clock: Arc<dyn Clock>,
    total_timeout: Duration,
    answer_cap: usize,
    inspect: Option<Arc<Inspect>>,
    body: std::marker::PhantomData<fn() -> B>,
}

impl<S, B> ServiceTransport<S, B> {
    /// A transport into `service`, with a time limit of 60 s and a cap of [`ANSWER_CAP`].
    pub fn new(service: S, clock: Arc<dyn Clock>) -> Self {
        Self {
            service,
            clock,
            total_timeout: Duration::from_secs(60),
            answer_cap: ANSWER_CAP,
            inspect: None,
            body: std::marker::PhantomData,
        }
    }

    /// With another time limit for the whole exchange.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// With another cap on answers, in bytes.
    #[must_use]
    pub fn answer_cap(mut self, cap: usize) -> Self {
        self.answer_cap = cap;
        self
    }

    /// With a look at each response's head, for services that mark a response as "this connection
    /// breaks now".
    #[must_use]
    pub fn inspect(
        mut self,
        inspect: impl Fn(&http::response::Parts) -> Option<TransportError> + Send + Sync + 'static,
    ) -> Self {
        self.inspect = Some(Arc::new(inspect));
        self
    }

    async fn read<R>(&self, response: http::Response<R>) -> Result<Answer, TransportError>
    where
        R: http_body::Body + Send,
        R::Data: Send,
        R::Error: Display,
    {
        let (parts, body) = response.into_parts();
        if let Some(failure) = self.inspect.as_ref().and_then(|inspect| inspect(&parts)) {
            return Err(failure);
        }
        let mut whole = BytesMut::new();
        let mut body = std::pin::pin!(body);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| TransportError::Cut(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                if whole.len() + data.remaining() > self.answer_cap {
                    return Err(TransportError::TooLarge {
                        cap: self.answer_cap,
                    });
                }
                whole.put(data);
            }
        }
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: whole.freeze(),
        })
    }
}

#[async_trait]
impl<S, B, R> Transport for ServiceTransport<S, B>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Future + Send,
    S::Error: Display + Send,
    B: From<Bytes> + Send + 'static,
    R: http_body::Body + Send,
    R::Data: Send,
    R::Error: Display + Send,
{
    async fn send(&self, request: Outgoing) -> Result<Answer, TransportError> {
        let mut prepared = http::Request::new(B::from(request.body));
        *prepared.method_mut() = request.method;
        *prepared.uri_mut() = request
            .url
            .as_str()
            .parse()
            .map_err(|_| TransportError::NotSent("the address is no valid URI".to_owned()))?;
        *prepared.headers_mut() = request.headers;
        if let Some(authority) = prepared.uri().authority() {
            let host = http::HeaderValue::from_str(authority.as_str())
                .map_err(|_| TransportError::NotSent("the host is no valid header".to_owned()))?;
            prepared
                .headers_mut()
                .entry(http::header::HOST)
                .or_insert(host);
        }
        let exchange = async {
            let response = self
                .service
                .clone()
                .oneshot(prepared)
                .await
                .map_err(|error| TransportError::MaybeSent(error.to_string()))?;
            self.read(response).await
        };
        tokio::select! {
            biased;
            result = exchange => result,
            () = self.clock.sleep(self.total_timeout) => {
                Err(TransportError::MaybeSent("no answer in time".to_owned()))
            }
        }
    }
}
