//! Runs the inner layers in the request context and the span of the call. An own layer: both are of this crate.

use tracing::Instrument as _;

use super::{Inner, Result, ServerCall};

pub fn enter<S: Inner>((): &(), inner: &mut S, call: ServerCall) -> impl Future<Output = Result> + use<S> {
    let (context, span) = (call.context.clone(), call.span.clone());
    context.run(inner.call(call).instrument(span))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LOGIN, call, ok, run};
    use super::*;
    use crate::request_context::RequestContext;

    #[tokio::test(start_paused = true)]
    async fn handler_sees_the_request_context() {
        let handler = async |call| {
            let context = RequestContext::current().expect("no request context");
            assert_eq!(context.correlation_id(), "c-1");
            ok(call).await
        };
        run((), enter, call(LOGIN), handler).await.unwrap();
        assert!(RequestContext::current().is_none());
    }
}
