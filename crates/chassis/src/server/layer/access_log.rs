//! Counts and times a call, and writes one log line when its response ends or the caller cancels it. The line has nothing that
//! came from outside. An own layer: tower-http's `TraceLayer` keeps nothing but the span between its callbacks.

mod response_body;

use futures::FutureExt as _;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tracing::{Level, Span};

use super::{Inner, Result, ServerCall};
use crate::error::{Error, code_name};
use crate::method_registry::Method;
use crate::request_context::{LogFields, RequestContext};
use response_body::ObservedBody;

pub fn record<S: Inner>((): &(), inner: &mut S, call: ServerCall) -> impl Future<Output = Result> + use<S> {
    let record = Record::open(&call);
    inner.call(call).map(|result| match result {
        Ok(response) => record.observe(response),
        Err(error) => {
            record.fail(&error);
            Err(error)
        }
    })
}

/// The metrics and the log line of a call that runs. Dropped before its end, it records `CANCELLED`.
pub struct Record {
    pub method: &'static Method,
    pub context: RequestContext,
    pub span: Span,
    started: Instant,
    finished: bool,
}

impl Record {
    fn open(call: &ServerCall) -> Self {
        call.method.server_metrics().in_flight.increment(1.0);
        Self {
            method: call.method,
            context: call.context.clone(),
            span: call.span.clone(),
            started: Instant::now(),
            finished: false,
        }
    }

    fn fail(mut self, error: &Error) {
        self.context.record_error(error);
        self.finish(&Status::new(error.code(), ""));
    }

    /// Passes the record to the response body, whose trailers have the status. An error has it in its headers.
    fn observe(mut self, response: http::Response<Body>) -> Result {
        let Some(status) = Status::from_header_map(response.headers()) else {
            return Ok(response.map(|body| Body::new(ObservedBody::new(body, self))));
        };
        // A request that broke off is unreadable too.
        let is_cancelled = self.context.log_fields().is_cancelled;
        if let Some(error) = Error::of_unreadable_request(&status).filter(|_| !is_cancelled) {
            self.fail(&error);
            return Err(error);
        }
        self.finish(&status);
        Ok(response)
    }

    /// Writes metrics, span and log line. Later calls do nothing.
    pub fn finish(&mut self, status: &Status) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let fields: LogFields = std::mem::take(&mut *self.context.log_fields());
        // The response to a request that broke off reaches nobody.
        let code = if fields.is_cancelled {
            Code::Cancelled
        } else {
            status.code()
        };
        let elapsed = self.started.elapsed();
        let metrics = self.method.server_metrics();
        metrics.in_flight.decrement(1.0);
        metrics.calls(code).increment(1);
        metrics.duration.record(elapsed.as_secs_f64());
        self.span.record("rpc.grpc.status_code", code as i32);
        let level = level(self.method, code);
        if level <= Level::WARN {
            self.span.record("otel.status_code", "ERROR");
        }
        let duration_ms = elapsed.as_secs_f64() * 1000.0;
        let _in_span = self.span.enter();
        self.context
            .clone()
            .enter(|| self.write(level, status, code, fields, duration_ms));
    }

    fn write(&self, level: Level, status: &Status, code: Code, fields: LogFields, duration_ms: f64) {
        let code = code_name(code);
        let of_status = || Some(status.get_details_error_info()?.reason);
        let reason = fields.reason.map(str::to_owned).or_else(of_status);
        // The level of an event is a constant of its call site.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    rpc = self.method.span(),
                    code,
                    reason,
                    cause = fields.cause,
                    duration_ms,
                    caller = fields.caller.as_deref(),
                    user_id = fields.user_id.map(tracing::field::display),
                    peer = fields.peer.as_deref(),
                    "rpc"
                )
            };
        }
        match level {
            Level::ERROR => line!(error),
            Level::WARN => line!(warn),
            Level::INFO => line!(info),
            _ => line!(debug),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.finish(&Status::cancelled("cancelled by the caller"));
    }
}

/// Returns the level of the log line: errors for defects, warnings for unavailable dependencies and missed deadlines.
fn level(method: &Method, code: Code) -> Level {
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss => Level::ERROR,
        Code::Unavailable | Code::DeadlineExceeded => Level::WARN,
        _ if method.is_infrastructure() => Level::DEBUG,
        _ => Level::INFO,
    }
}
