//! One RPC from its first header to its last trailer: its scope, its span, its metrics and its one log line.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic_types::StatusExt as _;
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::access_log::{Line, level};
use super::response_body::ObservedBody;
use crate::deadline;
use crate::environment::Environment;
use crate::error::{Error, code_name};
use crate::identity::Caller;
use crate::lang::Lang;
use crate::method_registry::Method;
use crate::request_context::{CORRELATION_ID, RequestContext, correlation_id};
use crate::telemetry::propagation;

/// An RPC that is running. When it is dropped before its end, the caller has gone away.
pub(super) struct Call {
    method: &'static Method,
    scope: RequestContext,
    span: Span,
    started: Instant,
    caller: Option<Caller>,
    peer: Option<Arc<str>>,
    finished: bool,
}

/// What a call needs of the server it arrives at.
pub(super) struct Inner<'a> {
    pub(super) environment: &'a Environment,
    pub(super) draining: &'a CancellationToken,
    pub(super) timeout: std::time::Duration,
}

impl Call {
    /// Begins the call from its headers.
    pub(super) fn open(method: &'static Method, headers: &HeaderMap, server: &Inner<'_>) -> Self {
        let span = span(method, headers);
        let trace = propagation::of_span(&span).unwrap_or_else(|| propagation::extract(headers));
        let lang = Lang::of_request(headers);
        let scope = RequestContext::new(
            correlation_id(headers, &server.environment.ids),
            deadline::of_request(headers, method.is_unary(), server.timeout),
            lang,
            trace,
            server.draining.clone(),
        );
        metrics::gauge!("rpc_server_in_flight", "rpc" => method.span()).increment(1.0);
        Self {
            method,
            scope,
            span,
            started: Instant::now(),
            caller: None,
            peer: None,
            finished: false,
        }
    }

    pub(super) fn method(&self) -> &'static Method {
        self.method
    }

    pub(super) fn scope(&self) -> &RequestContext {
        &self.scope
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Remembers who calls, for the log.
    pub(super) fn identify(&mut self, peer: Option<Arc<str>>, caller: Option<&Caller>) {
        self.peer = peer;
        self.caller = caller.cloned();
    }

    /// The response that refuses.
    pub(super) fn refuse(&self, error: Error) -> Response<Body> {
        self.scope.record_failure(&error);
        error.into_status(self.scope.lang()).into_http()
    }

    /// Hands the call to its response, whose body ends it.
    pub(super) fn watch(mut self, mut response: Response<Body>) -> Response<Body> {
        if let Ok(id) = HeaderValue::from_str(self.scope.correlation_id()) {
            response.headers_mut().insert(CORRELATION_ID, id);
        }
        match Status::from_header_map(response.headers()) {
            // A refusal is all headers; there is no body to watch.
            Some(status) => {
                self.finish(&status);
                response
            }
            None => response.map(|body| Body::new(ObservedBody::new(body, self))),
        }
    }

    /// Ends the call: metrics, span, the one log line. Later calls do nothing.
    pub(super) fn finish(&mut self, status: &Status) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let rpc = self.method.span();
        let code = code_name(status.code());
        let elapsed = self.started.elapsed();
        metrics::gauge!("rpc_server_in_flight", "rpc" => rpc).decrement(1.0);
        metrics::counter!("rpc_server_calls_total", "rpc" => rpc, "code" => code).increment(1);
        metrics::histogram!("rpc_server_duration_seconds", "rpc" => rpc).record(elapsed.as_secs_f64());
        self.span.record("rpc.grpc.status_code", status.code() as i32);
        if level(self.method, status.code()) <= Level::WARN {
            self.span.record("otel.status_code", "ERROR");
        }
        self.log(status, code, elapsed.as_secs_f64() * 1000.0);
    }

    fn log(&self, status: &Status, code: &'static str, duration_ms: f64) {
        let failure = self.scope.take_failure();
        let reason = match &failure {
            Some(failure) => Some(failure.reason.to_owned()),
            None => status.get_details_error_info().map(|info| info.reason),
        };
        let line = Line {
            rpc: self.method.span(),
            code,
            reason: reason.as_deref(),
            cause: failure.as_ref().and_then(|failure| failure.cause.as_deref()),
            duration_ms,
            caller: self.caller.as_ref().map(Caller::label),
            user_id: self
                .caller
                .as_ref()
                .and_then(|caller| caller.user().ok())
                .map(|user| user.id.to_string()),
            peer: self.peer.as_deref(),
        };
        let _in_span = self.span.enter();
        self.scope
            .clone()
            .enter(|| line.write(level(self.method, status.code())));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.finish(&Status::cancelled("the caller has gone away"));
    }
}

fn span(method: &'static Method, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "rpc",
        otel.name = method.span(),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system = "grpc",
        rpc.method = method.path(),
        rpc.grpc.status_code = tracing::field::Empty,
    );
    // Fails only when no OpenTelemetry layer is installed.
    let _ = span.set_parent(propagation::extract(headers));
    span
}
