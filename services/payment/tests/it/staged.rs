//! A provider that stops in the middle: Toss, with a gate before or after one call.

use std::sync::Mutex;

use async_trait::async_trait;
use carshare_payment::domain::finding::{Answer, Refusal};
use carshare_payment::provider::toss::TossClient;
use carshare_payment::provider::{BillingKey, Cancel, Charge, Confirm, IssueBillingKey, Lookup, Provider};
use tokio::sync::Semaphore;

use crate::bench::PATIENCE;

/// A call that can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Charge,
    Confirm,
    Cancel,
    Find,
}

/// Where it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before it leaves.
    Before,
    /// After the provider has answered.
    After,
}

/// The real client behind a gate.
pub struct Staged {
    toss: TossClient,
    gate: Mutex<Option<(Verb, Place)>>,
    reached: Semaphore,
    released: Semaphore,
}

impl Staged {
    pub fn new(toss: TossClient) -> Self {
        Self {
            toss,
            gate: Mutex::default(),
            reached: Semaphore::new(0),
            released: Semaphore::new(0),
        }
    }

    /// The next call of this kind stops here.
    pub fn stop(&self, verb: Verb, place: Place) {
        *self.gate.lock().unwrap() = Some((verb, place));
    }

    /// Waits until a call has stopped.
    pub async fn stopped(&self) {
        let reached = tokio::time::timeout(PATIENCE, self.reached.acquire()).await;
        reached
            .expect("the call that was to be stopped")
            .unwrap()
            .forget();
    }

    /// Lets it go on.
    pub fn release(&self) {
        self.released.add_permits(1);
    }

    async fn pass(&self, verb: Verb, place: Place) {
        let closed = self
            .gate
            .lock()
            .unwrap()
            .take_if(|gate| *gate == (verb, place))
            .is_some();
        if closed {
            self.reached.add_permits(1);
            self.released.acquire().await.unwrap().forget();
        }
    }
}

#[async_trait]
impl Provider for Staged {
    async fn issue_billing_key(&self, request: IssueBillingKey) -> Result<BillingKey, Refusal> {
        self.toss.issue_billing_key(request).await
    }

    async fn charge(&self, request: Charge) -> Answer {
        self.pass(Verb::Charge, Place::Before).await;
        let answer = self.toss.charge(request).await;
        self.pass(Verb::Charge, Place::After).await;
        answer
    }

    async fn confirm(&self, request: Confirm) -> Answer {
        self.pass(Verb::Confirm, Place::Before).await;
        let answer = self.toss.confirm(request).await;
        self.pass(Verb::Confirm, Place::After).await;
        answer
    }

    async fn find(&self, lookup: Lookup) -> Answer {
        self.pass(Verb::Find, Place::Before).await;
        let answer = self.toss.find(lookup).await;
        self.pass(Verb::Find, Place::After).await;
        answer
    }

    async fn cancel(&self, request: Cancel) -> Answer {
        self.pass(Verb::Cancel, Place::Before).await;
        let answer = self.toss.cancel(request).await;
        self.pass(Verb::Cancel, Place::After).await;
        answer
    }
}
