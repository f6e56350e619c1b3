//! Background tasks, which keep span and request context and report panics, and the shutdown signal.

mod shutdown;

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

pub use shutdown::Shutdown;

use crate::request_context::RequestContext;

/// Runs `future` in the background, in the span and request context of the caller.
///
/// A panic is logged and counted under `name`, then resumed into the handle. Dropping the handle detaches the task.
#[expect(clippy::disallowed_methods, reason = "the only place that spawns")]
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let future = match RequestContext::current() {
        Some(context) => context.without_deadline().run(future).left_future(),
        None => future.right_future(),
    };
    tokio::spawn(report_panic(name, future).instrument(tracing::Span::current()))
}

async fn report_panic<F: Future>(name: &'static str, future: F) -> F::Output {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(output) => output,
        Err(panic) => {
            metrics::counter!("task_panics_total", "task" => name).increment(1);
            tracing::error!(task = name, panic = panic_text(&*panic), "task panicked");
            std::panic::resume_unwind(panic)
        }
    }
}

/// Returns the message of a panic.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn handle_has_the_output() {
        assert_eq!(spawn("answer", async { 42 }).await.unwrap(), 42);
    }

    #[tokio::test]
    async fn handle_has_the_panic() {
        let failed = spawn("bad", async { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(panic_text(&*failed.into_panic()), "on purpose");
    }

    #[tokio::test]
    async fn task_has_the_request_context_without_its_deadline() {
        let context = RequestContext::background("corr-1", None);
        let seen = context
            .run(async { spawn("child", async { RequestContext::current() }).await.unwrap() })
            .await
            .unwrap();
        assert_eq!(seen.correlation_id(), "corr-1");
        assert!(seen.deadline().is_none());
    }
}
