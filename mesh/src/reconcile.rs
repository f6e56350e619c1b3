//! Reconciler: compares bookings, occupancies, payments, ledger and provider, booking by booking.
//!
//! Each schema is read by its own service's role, in pages; the comparison is made here, since no role may read two
//! schemas. Work in progress looks like a difference for a moment, so a difference is reported only if it is found again
//! after a grace period.

mod case;
mod provider;
mod source;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use carshare_chassis::Clock;
use carshare_payment::provider::toss::TossClient;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

pub use case::Kind;
pub use source::Source;

/// Databases and provider to compare, and the tolerance for work in progress.
pub struct Reconciler {
    /// Tables of booking, vehicle and payment.
    pub source: Source,
    /// Client of the payment provider; `None` skips the comparison with it.
    pub provider: Option<TossClient>,
    /// Time after which a difference is looked at again before it is reported.
    pub grace: Duration,
    /// Payments that have changed within this time are looked up at the provider.
    pub provider_window: Duration,
    /// Clock of the grace period and of expiry.
    pub clock: Clock,
}

/// Difference that outlasts the grace period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Name, which docs/OPERATING.md explains.
    pub kind: Kind,
    /// Booking that the rows belong to.
    pub booking_id: Uuid,
}

/// Registers the descriptions that `/metrics` shows.
pub fn describe_metrics() {
    metrics::describe_gauge!(
        "reconcile_differences",
        "Differences between the services' data and the provider's at the last comparison; expected to be 0."
    );
    metrics::describe_counter!("job_runs_total", "Runs of background jobs, by outcome.");
}

impl Reconciler {
    /// Returns the differences that last longer than the grace period, and sets the metric of each kind.
    pub async fn run(&self) -> Result<Vec<Difference>> {
        let mut found = BTreeSet::new();
        for table in source::TABLES {
            let mut after = Uuid::nil();
            loop {
                let ids = self.source.page(table, after).await?;
                let Some(last) = ids.last() else { break };
                after = *last;
                found.extend(self.differences(&ids).await?);
            }
        }
        if !found.is_empty() {
            self.clock.sleep(self.grace).await;
            let suspects: BTreeSet<Uuid> = found.iter().map(|difference| difference.booking_id).collect();
            let suspects: Vec<Uuid> = suspects.into_iter().collect();
            let mut again = BTreeSet::new();
            for ids in suspects.chunks(source::PAGE_SIZE) {
                again.extend(self.differences(ids).await?);
            }
            found.retain(|difference| again.contains(difference));
        }
        for kind in Kind::iter() {
            let count = found.iter().filter(|difference| difference.kind == kind).count();
            metrics::gauge!("reconcile_differences", "difference" => kind.as_str()).set(count as f64);
        }
        Ok(found.into_iter().collect())
    }

    /// Compares the rows of these bookings as they are now.
    async fn differences(&self, ids: &[Uuid]) -> Result<Vec<Difference>> {
        let mut differences = Vec::new();
        for case in self.source.cases(ids).await? {
            let mut kinds = case.compare(self.clock.now());
            let since = self.clock.now() - self.provider_window;
            let recent = case.payments().filter(|payment| payment.updated_at >= since);
            if let Some(toss) = &self.provider {
                for payment in recent {
                    kinds.extend(provider::compare(payment, toss).await?);
                }
            }
            let booking_id = case.booking_id;
            differences.extend(kinds.into_iter().map(|kind| Difference { kind, booking_id }));
        }
        Ok(differences)
    }
}
