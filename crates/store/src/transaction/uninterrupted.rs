//! COMMIT and ROLLBACK that are read to their end, even if the caller stops waiting.
//!
//! A call is cancelled by dropping its future, at any await. What follows a commit happens all the same.

use std::pin::Pin;
use std::task::{Context, Poll};

use carshare_chassis::task::spawn;
use futures::ready;

/// A future that goes on in a task when it is dropped before its end. Its output is dropped then, which rolls an open
/// transaction back.
pub(super) struct Uninterrupted<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> Uninterrupted<T> {
    pub(super) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<T: Send + 'static> Future for Uninterrupted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(running) = self.0.as_mut() else {
            return Poll::Pending;
        };
        let output = ready!(running.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for Uninterrupted<T> {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            spawn("cancelled_transaction", async move { drop(running.await) });
        }
    }
}
