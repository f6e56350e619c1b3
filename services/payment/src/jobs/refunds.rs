//! Refunds that are owed or whose outcome is not known.

use carshare_chassis::request_context::RequestContext;
use carshare_store::Notify;
use chrono::{DateTime, Utc};

use super::queue::Queue;
use crate::App;
use crate::domain::ids::RefundId;
use crate::error::Error;
use crate::give_back;
use crate::store::refunds;

/// The queue of refunds.
#[derive(Clone)]
pub(super) struct Refunds(pub(super) App);

impl Queue for Refunds {
    const NAME: &'static str = "give_back";
    type Id = RefundId;

    async fn claim(&self, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<RefundId>, Error> {
        refunds::claim(self.0.db.conn(), now, until).await
    }

    async fn next_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        refunds::next_look_at(self.0.db.conn()).await
    }

    async fn scope(&self, id: RefundId) -> Result<Scope, Error> {
        refunds::scope(self.0.db.conn(), id).await
    }

    async fn work(&self, id: RefundId) -> Result<(), Error> {
        give_back::look(&self.0, id).await
    }

    fn wake(&self) -> &Notify {
        &self.0.wakes.refunds
    }
}
