//! Makes refunds that are owed and reconciles those whose outcome is unknown.

use std::fmt::Display;

use carshare_chassis::request_context::RequestContext;
use carshare_store::{ClaimedRow, JobQueue};
use chrono::{DateTime, Utc};

use crate::domain::ids::RefundId;
use crate::error::Error;
use crate::store::refunds;
use crate::{App, refund};

/// Name of the job, for [`carshare_store::Tx::notify_job`].
pub const NAME: &str = "refund_payment";

/// Table `refunds` as a job queue.
pub(super) struct RefundQueue(pub(super) App);

impl JobQueue for RefundQueue {
    const NAME: &'static str = NAME;
    type Row = ClaimedRow;
    type Error = Error;

    async fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<ClaimedRow>, Error> {
        refunds::claim(self.0.db.conn(), now, until, limit).await
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        refunds::next_check_at(self.0.db.conn()).await
    }

    fn id(row: &ClaimedRow) -> impl Display + Send {
        row.id
    }

    fn request_context(row: &ClaimedRow) -> RequestContext {
        row.request_context()
    }

    async fn work(&self, row: ClaimedRow) -> Result<(), Error> {
        refund::reconcile(&self.0, RefundId(row.id)).await
    }
}
