//! Opens the trace span of a request, and writes one log line and one set of metrics when its response ends, also when
//! the client disconnects. An own layer: tower-http's `TraceLayer` keeps nothing between its callbacks but the span.

mod redact;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use carshare_chassis::trace_context;
use futures::TryFutureExt as _;
use http::{HeaderMap, Method, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::Code;
use tracing::{Instrument as _, Span};

use super::request_info::{Protocol, RequestInfo};
use super::route::MatchedRpc;
use super::{Inner, Result};
use crate::error::ErrorCode;

/// Status of a request whose client disconnected before the response, as nginx logs it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

pub fn record<S: Inner>((): &(), inner: &mut S, request: Request) -> impl Future<Output = Result> + use<S> {
    let info = RequestInfo::of(request.extensions());
    let span = span(&request, &info);
    let trace_id = trace_context::log_id(&span, &info.correlation_id);
    let mut record = Record::open(info, request.method(), span.clone(), trace_id);
    let running = span.in_scope(|| inner.call(request)).instrument(span);
    running.map_ok(move |response| {
        record.read(&response);
        response.map(|inner| Body::new(ObservedBody { inner, record }))
    })
}

/// Opens the first span of a trace. The client's trace is linked and not continued: otherwise clients could add spans to the traces
/// of others, and choose which requests are sampled.
fn span(request: &Request, info: &RequestInfo) -> Span {
    let span = tracing::info_span!(
        "edge",
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = %request.method(),
        http.response.status_code = tracing::field::Empty,
        correlation_id = info.correlation_id,
    );
    trace_context::link(&span, request.headers());
    span
}

/// The fields of the log line. It is written on drop.
struct Record {
    info: Arc<RequestInfo>,
    method: Method,
    span: Span,
    trace_id: String,
    started: Instant,
    status: Option<StatusCode>,
    grpc_status: Option<i32>,
    rpc: &'static str,
    code: Option<String>,
}

impl Record {
    fn open(info: Arc<RequestInfo>, method: &Method, span: Span, trace_id: String) -> Self {
        metrics::gauge!("edge_in_flight", "protocol" => info.protocol.as_str()).increment(1.0);
        Self {
            info,
            method: method.clone(),
            span,
            trace_id,
            started: Instant::now(),
            status: None,
            grpc_status: None,
            rpc: "none",
            code: None,
        }
    }

    /// Reads status, RPC and error code from the response head.
    fn read(&mut self, response: &Response) {
        self.status = Some(response.status());
        self.read_grpc_status(response.headers());
        if let Some(MatchedRpc(rpc)) = response.extensions().get() {
            self.rpc = rpc.method.span();
            trace_context::rename(&self.span, self.rpc.replacen("rpc.", "edge.", 1));
        }
        let code = response.extensions().get::<ErrorCode>();
        self.code = code.map(|code| code.0.clone());
    }

    fn read_grpc_status(&mut self, headers: &HeaderMap) {
        let status = headers
            .get("grpc-status")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        self.grpc_status = status.or(self.grpc_status);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let (protocol, elapsed) = (self.info.protocol, self.started.elapsed());
        let is_cut_off =
            self.grpc_status.is_none() && self.status.is_none_or(|status| status == StatusCode::OK);
        if protocol == Protocol::Grpc && is_cut_off {
            self.grpc_status = Some(Code::Cancelled as i32);
        }
        let status = self
            .status
            .map_or(CLIENT_CLOSED_REQUEST, |status| status.as_u16());
        let status_label = self
            .grpc_status
            .map_or_else(|| status.to_string(), |grpc| grpc.to_string());
        let label = protocol.as_str();
        metrics::gauge!("edge_in_flight", "protocol" => label).decrement(1.0);
        metrics::counter!("edge_requests_total", "protocol" => label, "rpc" => self.rpc, "status" => status_label)
            .increment(1);
        metrics::histogram!("edge_duration_seconds", "protocol" => label, "rpc" => self.rpc)
            .record(elapsed.as_secs_f64());
        self.span.record("http.response.status_code", status);
        if status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
        let _in_span = self.span.enter();
        tracing::info!(
            protocol = label,
            rpc = self.rpc,
            method = %self.method,
            // The path of a gRPC call is the name of its RPC.
            path = (protocol == Protocol::Rest).then(|| redact::redact(&self.info.path)),
            status,
            grpc_status = self.grpc_status,
            code = self.code,
            duration_ms = elapsed.as_secs_f64() * 1000.0,
            correlation_id = self.info.correlation_id,
            trace_id = self.trace_id,
            "request"
        );
    }
}

/// A response body that drops the record at its end and reads the gRPC status from its trailers.
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
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.record.read_grpc_status(trailers);
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

#[cfg(test)]
mod tests;
