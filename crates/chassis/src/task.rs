//! Background work: tasks that keep their span and scope and report a panic, and the signal to stop.

mod shutdown;

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

pub use shutdown::Shutdown;

use crate::request_context::RequestContext;

/// Runs `future` in the background, in the span and scope of the caller.
///
/// A panic is logged and counted under `name`, then shows in the handle as usual. Dropping the handle detaches the task.
#[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let scoped = match RequestContext::current() {
        Some(scope) => scope.without_deadline().run(future).left_future(),
        None => future.right_future(),
    };
    tokio::spawn(reporting(name, scoped).instrument(tracing::Span::current()))
}

async fn reporting<F: Future>(name: &'static str, future: F) -> F::Output {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(output) => output,
        Err(panic) => {
            metrics::counter!("task_panics_total", "task" => name).increment(1);
            tracing::error!(task = name, panic = panic_text(&*panic), "task panicked");
            std::panic::resume_unwind(panic)
        }
    }
}

/// The message of a panic, when it has one.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_output_comes_back() {
        assert_eq!(spawn("answer", async { 42 }).await.unwrap(), 42);
    }

    #[tokio::test]
    async fn a_panic_shows_in_the_handle() {
        let failed = spawn("bad", async { panic!("told you") }).await.unwrap_err();
        assert_eq!(panic_text(&*failed.into_panic()), "told you");
    }

    #[tokio::test]
    async fn the_scope_travels_along_without_its_deadline() {
        let scope = RequestContext::background("corr-1", None);
        let seen = scope
            .run(async { spawn("child", async { RequestContext::current() }).await.unwrap() })
            .await
            .unwrap();
        assert_eq!(seen.correlation_id(), "corr-1");
        assert!(seen.deadline().is_none());
    }
}
