//! Refuses a unary call when `server.max_in_flight` others wait for their response head. An own layer: tower's limit counts every
//! call, but health checks have to be answered under load and open streams would use the limit up.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{Either, ready};
use tokio::sync::Semaphore;

use super::{Inner, RETRY_AFTER, Result, ServerCall};
use crate::error::Error;

pub fn limit<S: Inner>(
    in_flight: &Arc<Semaphore>,
    inner: &mut S,
    call: ServerCall,
) -> impl Future<Output = Result> + use<S> {
    let is_counted = call.method.is_unary() && !call.method.is_infrastructure();
    let permit = is_counted.then(|| Arc::clone(in_flight).try_acquire_owned());
    let Ok(permit) = permit.transpose() else {
        let refused = Error::unavailable("the server is overloaded", RETRY_AFTER);
        return Either::Left(ready(Err(refused)));
    };
    Either::Right(inner.call(call).inspect(|_| drop(permit)))
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;
    use futures::future::join_all;

    use super::super::tests::{HEALTH, LOGIN, SUBSCRIBE, call, ok, run};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn unary_call_above_the_limit_is_refused_and_a_later_one_is_served() {
        let in_flight = Arc::new(Semaphore::new(2));
        let slow = async |call| {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            ok(call).await
        };
        let calls = (0..3).map(|_| run(Arc::clone(&in_flight), limit, call(LOGIN), slow));
        let refused = join_all(calls).await.into_iter().map(Result::err);
        let refused: Vec<_> = refused.map(|error| error.map(|error| error.reason())).collect();
        assert_eq!(refused, [None, None, Some("UNAVAILABLE")]);
        run(in_flight, limit, call(LOGIN), ok).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn health_checks_and_streams_are_not_counted() {
        let none = Arc::new(Semaphore::new(0));
        for path in [HEALTH, SUBSCRIBE] {
            run(Arc::clone(&none), limit, call(path), ok).await.unwrap();
        }
        let error = run(none, limit, call(LOGIN), ok).await.unwrap_err();
        assert!(error.is(Common::Unavailable));
    }
}
