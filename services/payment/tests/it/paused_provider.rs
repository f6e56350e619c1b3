//! A provider that delepauses to Toss and can be paused before or after a call.

use std::sync::Mutex;

use async_trait::async_trait;
use carshare_chassis::config::Secret;
use carshare_payment::domain::provider_report::{ProviderError, ProviderResult};
use carshare_payment::provider::toss::TossClient;
use carshare_payment::provider::{BillingKey, Cancel, Charge, Confirm, IssueBillingKey, Lookup, Provider};
use tokio::sync::Semaphore;

use crate::harness::WAIT_TIMEOUT;

/// A call that can be paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Issue,
    Charge,
    Confirm,
    Cancel,
    Find,
}

/// When it pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the request is sent.
    Before,
    /// After the response arrived.
    After,
}

/// The real client, with at most one pause set.
pub struct PausedProvider {
    toss: TossClient,
    pause: Mutex<Option<(Verb, When)>>,
    reached: Semaphore,
    released: Semaphore,
}

impl PausedProvider {
    pub fn new(toss: TossClient) -> Self {
        Self {
            toss,
            pause: Mutex::default(),
            reached: Semaphore::new(0),
            released: Semaphore::new(0),
        }
    }

    /// Pauses the next call of this kind.
    pub fn pause_at(&self, verb: Verb, when: When) {
        *self.pause.lock().unwrap() = Some((verb, when));
    }

    /// Waits until a call is paused.
    pub async fn paused(&self) {
        let reached = tokio::time::timeout(WAIT_TIMEOUT, self.reached.acquire()).await;
        reached.expect("no call was paused").unwrap().forget();
    }

    /// Resumes the paused call.
    pub fn resume(&self) {
        self.released.add_permits(1);
    }

    async fn wait_if_paused(&self, verb: Verb, when: When) {
        let pauses = self
            .pause
            .lock()
            .unwrap()
            .take_if(|pause| *pause == (verb, when))
            .is_some();
        if pauses {
            self.reached.add_permits(1);
            self.released.acquire().await.unwrap().forget();
        }
    }
}

#[async_trait]
impl Provider for PausedProvider {
    async fn issue_billing_key(&self, request: IssueBillingKey) -> Result<BillingKey, ProviderError> {
        self.wait_if_paused(Verb::Issue, When::Before).await;
        let answer = self.toss.issue_billing_key(request).await;
        self.wait_if_paused(Verb::Issue, When::After).await;
        answer
    }

    async fn delete_billing_key(&self, key: &Secret) -> Result<(), ProviderError> {
        self.toss.delete_billing_key(key).await
    }

    async fn charge(&self, request: Charge) -> ProviderResult {
        self.wait_if_paused(Verb::Charge, When::Before).await;
        let answer = self.toss.charge(request).await;
        self.wait_if_paused(Verb::Charge, When::After).await;
        answer
    }

    async fn confirm(&self, request: Confirm) -> ProviderResult {
        self.wait_if_paused(Verb::Confirm, When::Before).await;
        let answer = self.toss.confirm(request).await;
        self.wait_if_paused(Verb::Confirm, When::After).await;
        answer
    }

    async fn find(&self, lookup: Lookup) -> ProviderResult {
        self.wait_if_paused(Verb::Find, When::Before).await;
        let answer = self.toss.find(lookup).await;
        self.wait_if_paused(Verb::Find, When::After).await;
        answer
    }

    async fn cancel(&self, request: Cancel) -> ProviderResult {
        self.wait_if_paused(Verb::Cancel, When::Before).await;
        let answer = self.toss.cancel(request).await;
        self.wait_if_paused(Verb::Cancel, When::After).await;
        answer
    }
}
