//! Interface to the map service, which finds the location of an address.

mod kakao;

use std::time::Duration;

use futures::future::BoxFuture;

pub use kakao::{KakaoConfig, KakaoGeocoder};

use crate::domain::Location;

pub trait Geocoder: Send + Sync {
    /// Finds the building or lot of an address. `None` if there is none; a district or street is too vague.
    fn locate<'a>(&'a self, address: &'a str) -> BoxFuture<'a, Result<Option<Location>, MapUnavailable>>;
}

/// The map service is unreachable or slow, its quota is exhausted, or our key is rejected.
#[derive(Debug, thiserror::Error)]
#[error("the map service is unavailable")]
pub struct MapUnavailable {
    pub retry_after: Duration,
    #[source]
    pub cause: anyhow::Error,
}
