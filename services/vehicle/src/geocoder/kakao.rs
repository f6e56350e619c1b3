//! Kakao Local's address search: `GET /v2/local/search/address.json`.
//!
//! `carshare-outbound` supplies retries, timeouts and the circuit breaker; this module interprets the replies.

mod response;
#[cfg(test)]
mod tests;

use std::time::Duration;

use carshare_chassis::Environment;
use carshare_chassis::config::{Secret, millis};
use carshare_outbound::{HttpClient, OutboundError, Reply, StatusCode};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use self::response::{AddressSearch, KakaoError};
use super::{Geocoder, MapUnavailable};
use crate::domain::{Location, searchable};

/// Retry delay when Kakao is unreachable and gave none.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// `[kakao]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KakaoConfig {
    /// REST key of the application; not the JavaScript key.
    pub rest_key: Secret,
    /// Retry delay for clients while Kakao rejects us: the daily quota is used up, or the key is invalid.
    #[serde(rename = "refused_retry_after_ms", with = "millis")]
    pub refused_retry_after: Duration,
    /// Base URL, timeouts, retries and circuit breaker.
    pub http: carshare_outbound::Config,
}

pub struct KakaoGeocoder {
    http: HttpClient,
    authorization: Secret,
    refused_retry_after: Duration,
}

impl KakaoGeocoder {
    /// Fails on an invalid base URL.
    pub fn new(config: &KakaoConfig, environment: Environment) -> anyhow::Result<Self> {
        Ok(Self {
            http: HttpClient::new("kakao", config.http.clone(), environment)?,
            authorization: format!("KakaoAK {}", config.rest_key.expose()).into(),
            refused_retry_after: config.refused_retry_after,
        })
    }

    async fn search(&self, address: &str) -> Result<Option<Location>, MapUnavailable> {
        let query = searchable(address);
        if query.is_empty() {
            return Ok(None);
        }
        let request = self
            .http
            .get("/v2/local/search/address.json")
            .operation("search_address")
            .query(&[("query", query.as_str()), ("size", "1")])
            .secret_header("authorization", self.authorization.expose());
        let reply = request.send().await.map_err(|error| self.unreachable(error))?;
        match reply.status {
            StatusCode::OK => Ok(reply
                .json::<AddressSearch>()
                .map_err(|error| self.unreachable(error.into()))?
                .location()),
            // The text is not an address.
            StatusCode::BAD_REQUEST => {
                tracing::warn!(error = %KakaoError::of(&reply), "Kakao refused an address");
                Ok(None)
            }
            _ => Err(self.rejected(&reply)),
        }
    }

    /// Converts a missing reply, or one with status 429 or 5xx.
    fn unreachable(&self, error: OutboundError) -> MapUnavailable {
        match error.reply() {
            Some(reply) if reply.status == StatusCode::TOO_MANY_REQUESTS => self.rejected(reply),
            _ => MapUnavailable {
                retry_after: error.retry_after().unwrap_or(RETRY_AFTER),
                cause: error.into(),
            },
        }
    }

    /// Kakao answers but does not serve us: an operator has to check the key or the quota.
    fn rejected(&self, reply: &Reply) -> MapUnavailable {
        let error = KakaoError::of(reply);
        tracing::error!(status = reply.status.as_u16(), %error, "Kakao rejects our requests");
        MapUnavailable {
            retry_after: reply.retry_after.unwrap_or(self.refused_retry_after),
            cause: anyhow::anyhow!("Kakao answered {}: {error}", reply.status),
        }
    }
}

impl Geocoder for KakaoGeocoder {
    fn locate<'a>(&'a self, address: &'a str) -> BoxFuture<'a, Result<Option<Location>, MapUnavailable>> {
        self.search(address).boxed()
    }
}
