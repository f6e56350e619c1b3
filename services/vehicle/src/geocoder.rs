//! The edge to the map: from an address to a point. Kakao behind it, over HTTP.

mod kakao;

use std::time::Duration;

use futures::future::BoxFuture;

pub use kakao::{KakaoConfig, KakaoGeocoder};

use crate::domain::Location;

pub trait Geocoder: Send + Sync {
    /// The building or lot of this address; `None` if there is none such. A mere district or street is none.
    fn locate<'a>(&'a self, address: &'a str) -> BoxFuture<'a, Result<Option<Location>, MapUnavailable>>;
}

/// The map service cannot answer now: unreachable, slow, out of quota, or our key is rejected.
#[derive(Debug, thiserror::Error)]
#[error("the map service is unavailable")]
pub struct MapUnavailable {
    /// When to come back.
    pub retry_after: Duration,
    #[source]
    pub cause: anyhow::Error,
}
