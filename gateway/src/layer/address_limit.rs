//! Refuses a request when `limits.in_flight_by_address` others of the same address wait for their response head, so that a few clients
//! cannot take all places. Open streams do not count. An own layer: tower's limit has one budget for everybody.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use axum::response::IntoResponse as _;
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::{Either, ready};

use super::request_info::RequestInfo;
use super::{Inner, Result};
use crate::error::GatewayError;
use crate::problem::DEFAULT_RETRY_AFTER;

/// Requests in flight, by address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AddressLimit {
    /// For each address; 0 = no limit.
    max: usize,
    in_flight: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of a request, which is free when it is dropped.
struct Place {
    limit: AddressLimit,
    address: IpAddr,
}

impl AddressLimit {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            in_flight: Arc::default(),
        }
    }

    fn in_flight(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, address: IpAddr) -> Option<Place> {
        let mut in_flight = self.in_flight();
        let count = in_flight.entry(address).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place {
            limit: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut in_flight = self.limit.in_flight();
        if let Some(count) = in_flight.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                in_flight.remove(&self.address);
            }
        }
    }
}

pub fn limit<S: Inner>(
    limit: &AddressLimit,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    let place = limit.take(RequestInfo::of(request.extensions()).client_ip);
    if limit.max > 0 && place.is_none() {
        metrics::counter!("edge_limited_total", "budget" => "in_flight_by_address").increment(1);
        let error = Error::new(Common::RateLimited).retry_after(DEFAULT_RETRY_AFTER);
        return Either::Right(ready(Ok(GatewayError::from(error).into_response())));
    }
    Either::Left(inner.call(request).inspect(until_answered(place)))
}

/// Keeps a place until there is a response. Not a closure in [`limit`]: its type would name the layers below once more.
fn until_answered(place: Option<Place>) -> impl FnOnce(&Result) {
    |_| drop(place)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::response::Response;
    use carshare_chassis::layer::from_fn;
    use futures::future::join_all;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    /// Returns the error code of each of concurrent requests of these addresses.
    async fn codes(limit: &AddressLimit, addresses: &[&str]) -> Vec<Option<String>> {
        let service = ServiceBuilder::new()
            .layer(from_fn(limit.clone(), super::limit))
            .service(service_fn(async |_: Request| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(Response::new(Body::empty()))
            }));
        let calls = addresses.iter().map(|address| {
            let mut request = Request::new(Body::empty());
            let info = RequestInfo {
                client_ip: address.parse().unwrap(),
                ..RequestInfo::default()
            };
            request.extensions_mut().insert(Arc::new(info));
            service.clone().oneshot(request)
        });
        let responses = join_all(calls).await.into_iter();
        let errors = responses.map(|response| GatewayError::take(&mut response.unwrap()));
        errors
            .map(|error| error.map(|error| error.problem().code().to_owned()))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn address_above_its_limit_is_refused_and_others_are_served() {
        let limit = AddressLimit::new(2);
        let refused = Some("COMMON004".to_owned());
        for _ in 0..2 {
            assert_eq!(
                codes(&limit, &["1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2"]).await,
                [None, None, refused.clone(), None]
            );
        }
        assert!(limit.in_flight().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn zero_is_no_limit() {
        let limit = AddressLimit::new(0);
        assert_eq!(codes(&limit, &["1.1.1.1"; 3]).await, [None, None, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn request_of_a_client_that_goes_away_leaves_its_place() {
        let limit = AddressLimit::new(1);
        let addresses = ["1.1.1.1"];
        let mut call = Box::pin(codes(&limit, &addresses));
        assert!(futures::poll!(call.as_mut()).is_pending());
        assert_eq!(limit.in_flight().len(), 1);
        drop(call);
        assert!(limit.in_flight().is_empty());
    }
}
