//! Turns a panic into an `INTERNAL` error; its text is logged and not sent. An own layer: tower-http's boxes every response body.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

use super::{Inner, Result, ServerCall};
use crate::error::Error;
use crate::task::panic_text;

pub fn catch<S: Inner>((): &(), inner: &mut S, call: ServerCall) -> impl Future<Output = Result> + use<S> {
    let running = AssertUnwindSafe(inner.call(call)).catch_unwind();
    running.map(|caught| caught.unwrap_or_else(|panic| Err(panicked(&*panic))))
}

pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    metrics::counter!("task_panics_total", "task" => "rpc").increment(1);
    Error::internal(anyhow::anyhow!("panicked: {}", panic_text(panic)))
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;

    use super::super::tests::{LOGIN, call, never, ok, run};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn panic_is_an_internal_error() {
        run((), catch, call(LOGIN), ok).await.unwrap();
        let error = run((), catch, call(LOGIN), never).await.unwrap_err();
        assert!(error.is(Common::Internal));
        assert_eq!(
            error.cause_text().as_deref(),
            Some("panicked: the handler was called")
        );
    }
}
