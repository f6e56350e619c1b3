//! Waiting without sleeping for a guess: ask again and again until the answer comes or the deadline passes.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

const PAUSE: Duration = Duration::from_millis(15);

/// Calls `probe` until it gives `Some`, and returns that. Panics, naming the caller's line, when `deadline` has passed.
#[track_caller]
pub fn eventually<T, F, R>(deadline: Duration, probe: F) -> impl Future<Output = T>
where
    F: FnMut() -> R,
    R: Future<Output = Option<T>>,
{
    let caller = Location::caller();
    poll(deadline, probe, caller)
}

/// Like [`eventually`] for a condition.
#[track_caller]
pub fn eventually_true<F, R>(deadline: Duration, mut probe: F) -> impl Future<Output = ()>
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    let caller = Location::caller();
    poll(
        deadline,
        move || {
            let answer = probe();
            async move { answer.await.then_some(()) }
        },
        caller,
    )
}

async fn poll<T, F, R>(deadline: Duration, mut probe: F, caller: &'static Location<'static>) -> T
where
    F: FnMut() -> R,
    R: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        match timeout_at(end, probe()).await {
            Ok(Some(value)) => return value,
            Ok(None) if Instant::now() < end => sleep(PAUSE).await,
            _ => panic!("still not so after {deadline:?} at {caller}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_some_is_returned() {
        let mut asked = 0;
        let answer = eventually(Duration::from_secs(5), || {
            asked += 1;
            let answer = (asked == 3).then_some(asked);
            async move { answer }
        })
        .await;
        assert_eq!(answer, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "eventually.rs")]
    async fn the_deadline_panics_with_the_callers_line() {
        eventually_true(Duration::from_millis(1), || async { false }).await;
    }

    #[tokio::test]
    #[should_panic(expected = "still not so")]
    async fn a_probe_that_hangs_does_not_outlast_the_deadline() {
        eventually_true(Duration::from_millis(20), std::future::pending).await;
    }
}
