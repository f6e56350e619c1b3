//! The outermost layer: gives the request its id, its span and its place in the trace, and writes one log line and one set
//! of metrics when the answer is over, also when that is because the client went away.

mod path;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use carshare_chassis::telemetry::propagation;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::error::Refused;
use crate::request_context::{CORRELATION_ID, Exchange, Front, RequestContextConfig};
use crate::state::MatchedRpc;

/// Opens the exchange and ends it.
pub async fn surround(
    State(opening): State<RequestContextConfig>,
    mut request: Request,
    next: Next,
) -> Response {
    let exchange = Exchange::open(&request, &opening);
    let span = span(&request, &exchange);
    let mut record = Record::open(&exchange, request.method(), span.clone());
    request.extensions_mut().insert(exchange.clone());
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&exchange.correlation_id) {
        response.headers_mut().insert(CORRELATION_ID, id);
    }
    if let Some(standing) = exchange.standing.get() {
        standing.write(response.headers_mut());
    }
    record.answered(&response);
    response.map(|inner| Body::new(ObservedBody { inner, record }))
}

fn span(request: &Request, exchange: &Exchange) -> Span {
    let span = tracing::info_span!(
        "edge",
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = %request.method(),
        http.response.status_code = tracing::field::Empty,
        correlation_id = exchange.correlation_id,
    );
    // Fails only when no OpenTelemetry layer is installed.
    let _ = span.set_parent(propagation::extract(request.headers()));
    span
}

/// What the log line says. It is written when the record is dropped.
struct Record {
    exchange: Exchange,
    method: Method,
    span: Span,
    started: Instant,
    status: Option<StatusCode>,
    grpc_status: Option<i32>,
    rpc: &'static str,
    code: Option<String>,
}

impl Record {
    fn open(exchange: &Exchange, method: &Method, span: Span) -> Self {
        metrics::gauge!("edge_in_flight", "front" => exchange.front.label()).increment(1.0);
        Self {
            exchange: exchange.clone(),
            method: method.clone(),
            span,
            started: Instant::now(),
            status: None,
            grpc_status: None,
            rpc: "none",
            code: None,
        }
    }

    /// Records status and code from the response head.
    fn answered(&mut self, response: &Response) {
        self.status = Some(response.status());
        self.note_grpc_status(response.headers());
        if let Some(MatchedRpc(rpc)) = response.extensions().get() {
            self.rpc = rpc.method.span();
            propagation::rename(&self.span, self.rpc.replacen("rpc.", "edge.", 1));
        }
        self.code = response
            .extensions()
            .get::<Refused>()
            .map(|refused| refused.code.clone());
    }

    fn note_grpc_status(&mut self, headers: &HeaderMap) {
        let status = headers
            .get("grpc-status")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        self.grpc_status = status.or(self.grpc_status);
    }

    /// The path of gRPC says no more than the name of the RPC.
    fn path(&self) -> Option<String> {
        (self.exchange.front == Front::Rest).then(|| path::told(&self.exchange.path))
    }

    /// 499: the client closed the connection before the response.
    fn http_status(&self) -> u16 {
        self.status.map_or(499, |status| status.as_u16())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let (front, status, elapsed) = (
            self.exchange.front.label(),
            self.http_status(),
            self.started.elapsed(),
        );
        let outcome = self
            .grpc_status
            .map_or_else(|| status.to_string(), |grpc| grpc.to_string());
        metrics::gauge!("edge_in_flight", "front" => front).decrement(1.0);
        metrics::counter!("edge_requests_total", "front" => front, "rpc" => self.rpc, "status" => outcome)
            .increment(1);
        metrics::histogram!("edge_duration_seconds", "front" => front, "rpc" => self.rpc)
            .record(elapsed.as_secs_f64());
        self.span.record("http.response.status_code", status);
        if status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
        let _in_span = self.span.enter();
        tracing::info!(
            front,
            rpc = self.rpc,
            method = %self.method,
            path = self.path(),
            status,
            grpc_status = self.grpc_status,
            code = self.code,
            duration_ms = elapsed.as_secs_f64() * 1000.0,
            correlation_id = self.exchange.correlation_id,
            trace_id = propagation::of_span(&self.span).and_then(|trace| propagation::trace_id(&trace)),
            "request"
        );
    }
}

/// The body of the answer; its end is the end of the record.
struct ObservedBody {
    inner: Body,
    record: Record,
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.record.note_grpc_status(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
