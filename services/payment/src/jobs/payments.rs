//! Payments that are due to be charged or whose outcome is not known.

use carshare_chassis::request_context::RequestContext;
use carshare_store::Notify;
use chrono::{DateTime, Utc};

use super::queue::Queue;
use crate::App;
use crate::collect;
use crate::domain::ids::PaymentId;
use crate::error::Error;
use crate::store::payments;

/// The queue of payments.
#[derive(Clone)]
pub(super) struct Payments(pub(super) App);

impl Queue for Payments {
    const NAME: &'static str = "collect_payment";
    type Id = PaymentId;

    async fn claim(&self, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<PaymentId>, Error> {
        payments::claim(self.0.db.conn(), now, until).await
    }

    async fn next_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        payments::next_look_at(self.0.db.conn()).await
    }

    async fn scope(&self, id: PaymentId) -> Result<Scope, Error> {
        payments::scope(self.0.db.conn(), id).await
    }

    async fn work(&self, id: PaymentId) -> Result<(), Error> {
        collect::look(&self.0, id).await
    }

    fn wake(&self) -> &Notify {
        &self.0.wakes.payments
    }
}
