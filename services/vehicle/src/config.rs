//! The configuration of this service. `config.default.toml` documents it.

use std::collections::BTreeMap;
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, millis};
use carshare_store::config::Database;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{Period, PlateClass};
use crate::error::Error;
use crate::geocoder::KakaoConfig;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: Database,
    pub redis: Redis,
    /// Services whose events are consumed, by name: their event logs are read.
    pub publishers: BTreeMap<String, Peer>,
    /// Object storage of the photos.
    pub objects: carshare_objects::Config,
    pub kakao: KakaoConfig,
    pub plates: Plates,
    pub calendar: Calendar,
    pub holds: Holds,
    pub images: Images,
    pub availability: Availability,
    pub search: Search,
}

/// `[plates]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plates {
    /// Classes of number plates that may be offered.
    pub accepted: Vec<PlateClass>,
}

/// `[calendar]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// How far from now the end of a rental may be.
    #[serde(rename = "horizon_ms", with = "millis")]
    pub horizon: Duration,
}

impl Calendar {
    /// Refuses a period that ends later than cars can be booked: [`Error::TooFarAhead`].
    pub fn check(&self, period: Period, now: DateTime<Utc>) -> Result<(), Error> {
        if period.ends_within(self.horizon, now) {
            return Ok(());
        }
        let days = self.horizon.as_secs() / (24 * 60 * 60);
        Err(Error::TooFarAhead { days })
    }
}

/// `[holds]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// Lifetime of a hold.
    #[serde(rename = "ttl_ms", with = "millis")]
    pub ttl: Duration,
    /// Interval of the deletion of expired holds.
    #[serde(rename = "sweep_every_ms", with = "millis")]
    pub sweep_every: Duration,
    /// How long past occupancies are kept.
    #[serde(rename = "retention_ms", with = "millis")]
    pub retention: Duration,
}

/// `[images]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// Photos of a car, announced ones included.
    pub max_per_vehicle: u64,
    /// Lifetime of an upload URL.
    #[serde(rename = "upload_ttl_ms", with = "millis")]
    pub upload_ttl: Duration,
    /// Time to complete an announced photo.
    #[serde(rename = "complete_ttl_ms", with = "millis")]
    pub complete_ttl: Duration,
    /// Interval of the deletion of abandoned photos.
    #[serde(rename = "sweep_every_ms", with = "millis")]
    pub sweep_every: Duration,
}

/// `[availability]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    /// Rules of a car.
    pub max_rules_per_vehicle: u64,
}

/// `[search]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub default_radius_km: f64,
    /// Upper bound of the cars that one call examines.
    pub max_candidates: usize,
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{ServiceConfig, Sources, load, redacted};

    use super::*;

    const NEEDED: [(&str, &str); 8] = [
        ("VEHICLE__DATABASE__URL", "postgres://vehicle:geheim@db/carshare"),
        ("VEHICLE__REDIS__URL", "redis://cache"),
        ("VEHICLE__KAKAO__REST_KEY", "map-key"),
        ("VEHICLE__OBJECTS__ENDPOINT", "http://s3:9000"),
        ("VEHICLE__OBJECTS__PUBLIC_ENDPOINT", "https://img.carshare.kr"),
        ("VEHICLE__OBJECTS__BUCKET", "carshare"),
        ("VEHICLE__OBJECTS__ACCESS_KEY", "storage-id"),
        ("VEHICLE__OBJECTS__SECRET_KEY", "storage-key"),
    ];

    fn loaded(env: &[(&str, &str)]) -> anyhow::Result<ServiceConfig<Config>> {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Sources {
            service: "vehicle",
            defaults: crate::DEFAULTS,
            file: None,
            env,
        })
    }

    #[test]
    fn defaults_need_only_addresses_and_keys() {
        let loaded = loaded(&NEEDED).unwrap();
        let config = &loaded.service;
        assert_eq!(config.plates.accepted, [PlateClass::Private, PlateClass::Rental]);
        assert_eq!(config.calendar.horizon, Duration::from_hours(180 * 24));
        assert_eq!(config.holds.ttl, Duration::from_mins(2));
        assert_eq!(config.holds.retention, Duration::from_hours(90 * 24));
        assert_eq!(
            (config.images.max_per_vehicle, config.images.upload_ttl),
            (20, Duration::from_mins(15))
        );
        assert_eq!(config.kakao.http.timeout, Duration::from_secs(10));
        let printed = redacted(&loaded).to_string();
        for secret in ["geheim", "map-key", "storage-key"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn missing_key_is_named_in_the_error() {
        for (left_out, _) in &NEEDED[..3] {
            let rest: Vec<_> = NEEDED.into_iter().filter(|(name, _)| name != left_out).collect();
            let refused = format!("{:#}", loaded(&rest).unwrap_err());
            let key = left_out.rsplit("__").next().unwrap().to_lowercase();
            assert!(refused.contains(&key), "{left_out}: {refused}");
        }
    }
}
