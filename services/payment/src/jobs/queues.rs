//! Job queues of the tables `payments`, `refunds` and `payment_methods`.

use std::fmt::Display;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::request_context::RequestContext;
use carshare_store::{ClaimedRow, JobQueue};
use chrono::{DateTime, Utc};

use super::{CHARGES, KEY_REMOVALS, REFUNDS};
use crate::domain::ids::{PaymentId, PaymentMethodId, RefundId};
use crate::domain::payment::Claim;
use crate::domain::refund::RefundClaim;
use crate::error::Error;
use crate::store::queue::Queue;
use crate::store::{payment_methods, payments, refunds};
use crate::{App, billing_key_removal, charge, refund};

/// What is done with the claimed rows of a table.
pub(super) trait Work: Send + Sync + 'static {
    const NAME: &'static str;
    const QUEUE: Queue;

    /// Makes one step of progress with a row.
    fn step(app: &App, row: ClaimedRow) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Charges payments that are due and reconciles those whose outcome is unknown.
pub(super) struct Charges;

impl Work for Charges {
    const NAME: &'static str = CHARGES;
    const QUEUE: Queue = payments::CHECKS;

    async fn step(app: &App, row: ClaimedRow) -> Result<(), Error> {
        let claim = Claim {
            id: PaymentId(row.id),
            version: row.version,
        };
        charge::reconcile(app, claim).await
    }
}

/// Makes refunds that are due and reconciles those whose outcome is unknown.
pub(super) struct Refunds;

impl Work for Refunds {
    const NAME: &'static str = REFUNDS;
    const QUEUE: Queue = refunds::CHECKS;

    async fn step(app: &App, row: ClaimedRow) -> Result<(), Error> {
        let claim = RefundClaim {
            id: RefundId(row.id),
            version: row.version,
        };
        refund::reconcile(app, claim).await
    }
}

/// Deletes the billing keys of disabled payment methods.
pub(super) struct KeyRemovals;

impl Work for KeyRemovals {
    const NAME: &'static str = KEY_REMOVALS;
    const QUEUE: Queue = payment_methods::KEY_REMOVALS;

    async fn step(app: &App, row: ClaimedRow) -> Result<(), Error> {
        billing_key_removal::step(app, PaymentMethodId(row.id), row.version).await
    }
}

/// A table as a job queue.
pub(super) struct TableQueue<W> {
    app: App,
    pace: Option<Pace>,
    work: PhantomData<W>,
}

/// Bounds the rate of claims in this process.
struct Pace {
    interval: Duration,
    /// Time of the next claim.
    next: Mutex<DateTime<Utc>>,
}

impl<W> TableQueue<W> {
    pub(super) fn new(app: &App) -> Self {
        Self {
            app: app.clone(),
            pace: None,
            work: PhantomData,
        }
    }

    /// Claims one row per `interval`.
    pub(super) fn paced(self, interval: Duration) -> Self {
        let next = Mutex::new(self.app.now());
        Self {
            pace: Some(Pace { interval, next }),
            ..self
        }
    }
}

impl Pace {
    fn next(&self) -> DateTime<Utc> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claimed(&self, now: DateTime<Utc>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = now + self.interval;
    }
}

impl<W: Work> JobQueue for TableQueue<W> {
    const NAME: &'static str = W::NAME;
    type Row = ClaimedRow;
    type Error = Error;

    async fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<ClaimedRow>, Error> {
        let Some(pace) = &self.pace else {
            return W::QUEUE.claim(self.app.db.conn(), now, until, limit).await;
        };
        if now < pace.next() {
            return Ok(Vec::new());
        }
        let rows = W::QUEUE.claim(self.app.db.conn(), now, until, 1).await?;
        if !rows.is_empty() {
            pace.claimed(now);
        }
        Ok(rows)
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let due_at = W::QUEUE.next_due_at(self.app.db.conn()).await?;
        Ok(due_at.map(|due_at| self.pace.as_ref().map_or(due_at, |pace| due_at.max(pace.next()))))
    }

    fn id(row: &ClaimedRow) -> impl Display + Send {
        row.id
    }

    fn request_context(row: &ClaimedRow) -> RequestContext {
        row.request_context()
    }

    async fn work(&self, row: ClaimedRow) -> Result<(), Error> {
        W::step(&self.app, row).await
    }
}
