//! Refuses a request when `server.max_in_flight` others wait for their response head. Open streams do not count. Load shedding
//! and the limit are tower's layers; this handles their error.

use carshare_chassis::Error;
use tower::BoxError;

use crate::error::GatewayError;
use crate::problem::DEFAULT_RETRY_AFTER;

pub async fn respond(_: BoxError) -> GatewayError {
    metrics::counter!("edge_shed_total").increment(1);
    Error::unavailable("the gateway is overloaded", DEFAULT_RETRY_AFTER).into()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::body::Body;
    use axum::error_handling::HandleErrorLayer;
    use axum::extract::Request;
    use axum::response::Response;
    use futures::future::join_all;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn request_above_the_limit_is_refused_and_a_later_one_is_served() {
        let service = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(respond))
            .load_shed()
            .concurrency_limit(2)
            .service(service_fn(async |_: Request| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let call = || service.clone().oneshot(Request::new(Body::empty()));
        let responses = join_all([call(), call(), call()]).await;
        let codes = responses.into_iter().map(|response| {
            let error = GatewayError::take(&mut response.unwrap());
            error.map(|error| error.problem().code().to_owned())
        });
        assert_eq!(
            codes.collect::<Vec<_>>(),
            [None, None, Some("COMMON005".to_owned())]
        );
        assert!(GatewayError::take(&mut call().await.unwrap()).is_none());
    }
}
