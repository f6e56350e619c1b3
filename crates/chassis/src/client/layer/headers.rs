//! Writes the headers of one attempt: the time left, the trace, the correlation id and the own name. A function for tower's
//! `map_request`: tower-http's layers write the same value for all calls.

use http::HeaderValue;

use super::ClientCall;
use crate::deadline::{self, GRPC_TIMEOUT};
use crate::request_context::{CORRELATION_ID, RequestContext};
use crate::tls::INSECURE_PEER;
use crate::trace_context;

/// Own name: this service, when no certificate says so.
pub fn write(mut call: ClientCall, own_name: Option<&HeaderValue>) -> ClientCall {
    let headers = &mut call.head.headers;
    let context = call.context.as_ref();
    if let Some(deadline) = call.deadline {
        let left = deadline::format_timeout(deadline.remaining());
        if let Ok(left) = HeaderValue::from_str(&left) {
            headers.insert(GRPC_TIMEOUT, left);
        }
    }
    let trace = trace_context::of_span(&call.span).or_else(|| context.map(RequestContext::trace));
    if let Some(trace) = trace {
        trace_context::inject(&trace, headers);
    }
    if let Some(id) = context.and_then(|context| HeaderValue::from_str(context.correlation_id()).ok()) {
        headers.insert(CORRELATION_ID, id);
    }
    if let Some(name) = own_name {
        headers.insert(INSECURE_PEER, name.clone());
    }
    call
}

#[cfg(test)]
mod tests {
    use super::super::tests::{call, context};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn headers_say_what_the_call_knows() {
        let without = write(call(), None).head.headers;
        assert_eq!(without[GRPC_TIMEOUT], "60000000u");
        assert_eq!(without.len(), 1);
        let call = ClientCall {
            context: Some(context(1_000)),
            ..call()
        };
        let headers = write(call, Some(&HeaderValue::from_static("booking")))
            .head
            .headers;
        assert_eq!(headers[CORRELATION_ID], "c-1");
        assert_eq!(headers[INSECURE_PEER], "booking");
    }
}
