//! The configuration of this service. `config.default.toml` documents it.

use std::collections::BTreeMap;
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, millis};
use carshare_store::config::Database;
use serde::{Deserialize, Serialize};

use crate::domain::claim::ClaimRules;
use crate::domain::handover::Angle;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: Database,
    pub redis: Redis,
    /// Services whose events are consumed, by name: their event logs are read.
    pub publishers: BTreeMap<String, Peer>,
    pub vehicle: Peer,
    pub payment: Peer,
    pub notification: Peer,
    pub booking: Rules,
    pub reviews: Reviews,
    pub claims: Claims,
    /// Object storage of the photos of handovers.
    pub objects: carshare_objects::Config,
    pub handover: Handover,
}

/// `[booking]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Time for the host to answer a request, and for either side to answer a change.
    #[serde(rename = "respond_within_ms", with = "millis")]
    pub respond_within: Duration,
    /// Time for the guest to pay after the approval, or after the acceptance of a change.
    #[serde(rename = "pay_within_ms", with = "millis")]
    pub pay_within: Duration,
    /// Requests of a guest that may wait for an answer or a payment at the same time.
    pub max_open_requests: u32,
    /// The same for a guest with neither a verified e-mail address nor a payment method.
    pub max_open_requests_unverified: u32,
    /// Live bookings of a guest that may overlap in time.
    pub max_overlapping_bookings: u32,
    /// Interval of the search for overdue bookings.
    #[serde(rename = "timer_period_ms", with = "millis")]
    pub timer_period: Duration,
}

/// `[reviews]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviews {
    /// Time to review a booking after its completion.
    #[serde(rename = "write_within_ms", with = "millis")]
    pub write_within: Duration,
    /// Time after which a review becomes visible although the other side has not written one.
    #[serde(rename = "blind_for_ms", with = "millis")]
    pub blind_for: Duration,
    /// Interval of the search for reviews that have become visible.
    #[serde(rename = "post_every_ms", with = "millis")]
    pub post_every: Duration,
}

/// `[claims]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Time for the host to file a claim after the completion.
    #[serde(rename = "file_within_ms", with = "millis")]
    pub file_within: Duration,
    /// Time for the guest to object.
    #[serde(rename = "object_within_ms", with = "millis")]
    pub object_within: Duration,
    /// Time for the guest to pay after the approval.
    #[serde(rename = "pay_within_ms", with = "millis")]
    pub pay_within: Duration,
    /// Won of one claim.
    pub max_krw: i64,
    /// Claims of one booking.
    pub max_claims: usize,
    /// Time after the end of a rental for which nothing is charged.
    #[serde(rename = "late_grace_ms", with = "millis")]
    pub late_grace: Duration,
    /// What late time costs, in percent of the hourly rate.
    pub late_rate_percent: i64,
}

impl Claims {
    /// Returns the rules of the domain.
    pub fn rules(&self) -> ClaimRules {
        ClaimRules {
            file_within: self.file_within,
            object_within: self.object_within,
            pay_within: self.pay_within,
            max_krw: self.max_krw,
            max_claims: self.max_claims,
            late_grace: self.late_grace,
            late_rate_percent: self.late_rate_percent,
        }
    }
}

/// `[handover]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// Views of which there has to be a photo before odometer and fuel are reported.
    pub required_angles: Vec<Angle>,
    /// Time for a pickup after the rental has begun.
    #[serde(rename = "pickup_grace_ms", with = "millis")]
    pub pickup_grace: Duration,
    /// Time for a return after the rental has ended.
    #[serde(rename = "return_grace_ms", with = "millis")]
    pub return_grace: Duration,
    /// Photos of a pickup or return, announced ones included.
    pub max_photos: u64,
    /// Reports and notes of a pickup or return.
    pub max_notes: usize,
    /// Lifetime of an upload URL.
    #[serde(rename = "upload_ttl_ms", with = "millis")]
    pub upload_ttl: Duration,
    /// Time to complete an announced photo.
    #[serde(rename = "complete_ttl_ms", with = "millis")]
    pub complete_ttl: Duration,
    /// Lifetime of the URL of a photo in a reply.
    #[serde(rename = "read_ttl_ms", with = "millis")]
    pub read_ttl: Duration,
    /// Time for which files of photos are kept.
    #[serde(rename = "keep_photos_ms", with = "millis")]
    pub keep_photos: Duration,
    /// Interval of the deletion of abandoned photos.
    #[serde(rename = "sweep_every_ms", with = "millis")]
    pub sweep_every: Duration,
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{ServiceConfig, Sources, load, redacted};

    use super::*;

    fn loaded(env: &[(&str, &str)]) -> anyhow::Result<ServiceConfig<Config>> {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Sources {
            service: "booking",
            defaults: crate::DEFAULTS,
            file: None,
            env,
        })
    }

    #[test]
    fn defaults_need_only_addresses() {
        let config = loaded(&[
            ("BOOKING__DATABASE__URL", "postgres://booking:geheim@db/carshare"),
            ("BOOKING__REDIS__URL", "redis://cache"),
            ("BOOKING__OBJECTS__ENDPOINT", "http://s3:9000"),
            ("BOOKING__OBJECTS__BUCKET", "carshare"),
            ("BOOKING__OBJECTS__ACCESS_KEY", "storage-id"),
            ("BOOKING__OBJECTS__SECRET_KEY", "storage-key"),
        ])
        .unwrap();
        let rules = &config.service.booking;
        assert_eq!(rules.respond_within, Duration::from_hours(24));
        assert_eq!(rules.pay_within, Duration::from_hours(2));
        assert_eq!(rules.max_open_requests, 5);
        assert_eq!(rules.max_open_requests_unverified, 1);
        assert_eq!(rules.max_overlapping_bookings, 5);
        assert_eq!(rules.timer_period, Duration::from_secs(15));
        let reviews = &config.service.reviews;
        assert_eq!(reviews.write_within, Duration::from_hours(14 * 24));
        assert_eq!(reviews.blind_for, Duration::from_hours(7 * 24));
        assert_eq!(reviews.post_every, Duration::from_secs(15));
        let claims = config.service.claims.rules();
        let days = |days: u64| Duration::from_hours(24 * days);
        assert_eq!(
            (claims.file_within, claims.object_within, claims.pay_within),
            (days(3), days(3), days(7))
        );
        assert_eq!((claims.max_krw, claims.max_claims), (10_000_000, 10));
        assert_eq!(
            (claims.late_grace, claims.late_rate_percent),
            (Duration::from_mins(30), 150)
        );
        let handover = &config.service.handover;
        assert_eq!(handover.required_angles.len(), 6);
        assert_eq!(
            (handover.pickup_grace, handover.return_grace),
            (Duration::from_hours(1), Duration::from_hours(24))
        );
        assert_eq!((handover.max_photos, handover.max_notes), (40, 20));
        let printed = redacted(&config).to_string();
        for secret in ["geheim", "storage-key"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn missing_key_is_named_in_the_error() {
        let refused = format!("{:#}", loaded(&[]).unwrap_err());
        assert!(refused.contains("url"), "{refused}");
    }
}
