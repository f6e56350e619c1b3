//! State shared by all handlers. Each part has a lock of its own, which is never held across an await.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carshare_chassis::Environment;

use crate::config::Config;
use crate::faults::Faults;
use crate::fcm::account::Account;
use crate::fcm::inbox::Inbox;
use crate::fcm::token::AccessTokens;
use crate::kakao::quota::Quota;
use crate::mail;
use crate::request_log::RequestLog;
use crate::toss::idempotency::Answers;
use crate::toss::ledger::Ledger;
use crate::toss::webhook::Webhooks;

/// Shared state of the handlers.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) config: Config,
    /// Without a trailing slash.
    pub(crate) public_url: String,
    pub(crate) smtp_addr: SocketAddr,
    pub(crate) environment: Environment,
    pub(crate) account: Account,
    pub(crate) webhooks: Webhooks,
    /// Number of requests to providers in progress.
    pub(crate) running: AtomicUsize,
    faults: Mutex<Faults>,
    requests: Mutex<RequestLog>,
    ledger: Mutex<Ledger>,
    answers: Mutex<Answers>,
    quota: Mutex<Quota>,
    access_tokens: Mutex<AccessTokens>,
    inbox: Mutex<Inbox>,
    mails: Mutex<mail::inbox::Inbox>,
}

impl App {
    pub(crate) fn new(
        config: Config,
        public_url: String,
        smtp_addr: SocketAddr,
        environment: Environment,
        account: Account,
        webhooks: Webhooks,
        ledger: Ledger,
    ) -> Self {
        Self(Arc::new(Shared {
            config,
            public_url,
            smtp_addr,
            environment,
            account,
            webhooks,
            running: AtomicUsize::new(0),
            faults: Mutex::default(),
            requests: Mutex::default(),
            ledger: Mutex::new(ledger),
            answers: Mutex::default(),
            quota: Mutex::default(),
            access_tokens: Mutex::default(),
            inbox: Mutex::default(),
            mails: Mutex::default(),
        }))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, RequestLog> {
        lock(&self.requests)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        lock(&self.answers)
    }

    pub(crate) fn quota(&self) -> MutexGuard<'_, Quota> {
        lock(&self.quota)
    }

    pub(crate) fn access_tokens(&self) -> MutexGuard<'_, AccessTokens> {
        lock(&self.access_tokens)
    }

    pub(crate) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }

    pub(crate) fn mails(&self) -> MutexGuard<'_, mail::inbox::Inbox> {
        lock(&self.mails)
    }
}

/// Locks a mutex. The state is used even after a panic in another holder.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
