//! Delays logins after failures and records them: the steps around the verification of a password or code.
//!
//! [`LoginAttempts::admit`] comes before the verification, then either [`LoginAttempts::fail`] or [`succeed`]. Accounts that do not exist
//! are delayed alike. The state is in PostgreSQL, so that all replicas share it and Redis is not needed.

use std::time::Duration;

use carshare_chassis::config::millis;
use carshare_store::{Db, Tx};
use serde::{Deserialize, Serialize};

use crate::audit::{self, AccountHash, Action, Audit, Entry, Origin};
use crate::domain::login_attempt::{Admission, DelayRules, Scope};
use crate::domain::{Email, UserId};
use crate::error::Error;
use crate::store::login_attempts::{self as store, UNKNOWN};
use crate::store::sign_ins;

/// `[login_delay]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Consecutive failures of one account from one address without a delay.
    pub free_failures: u32,
    /// Failures of one account within an hour, from all addresses that never had a success together, without a delay.
    pub free_unknown_failures: u32,
    /// The longest delay.
    #[serde(rename = "max_delay_ms", with = "millis")]
    pub max_delay: Duration,
}

const WINDOW: Duration = Duration::from_hours(24);
const UNKNOWN_WINDOW: Duration = Duration::from_hours(1);

/// Admits and records attempts. Cheap to clone.
#[derive(Clone)]
pub struct LoginAttempts {
    db: Db,
    audit: Audit,
    rules: DelayRules,
}

/// An admitted attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub account: AccountHash,
    pub origin: Origin,
    action: Action,
    address: String,
    /// What else failures count for, besides the address, and the address of the row.
    shared: Option<(Scope, String)>,
    /// Whether only accounts with a session from the address may be signed in to.
    known_only: bool,
}

impl Attempt {
    /// Returns the client address that an account must have a session from, if the attempt is limited to such accounts.
    pub fn known_only_at(&self) -> Option<&str> {
        self.known_only.then_some(self.address.as_str())
    }
}

impl LoginAttempts {
    pub fn new(db: Db, audit: Audit, config: &Config) -> Self {
        let rules = DelayRules {
            free_failures: config.free_failures,
            free_unknown_failures: config.free_unknown_failures,
            window: WINDOW,
            unknown_window: UNKNOWN_WINDOW,
            max_delay: config.max_delay,
        };
        Self { db, audit, rules }
    }

    /// Admits an attempt to prove the identity of an account of this e-mail address; of `user`, if the caller may be no other.
    ///
    /// While failures at unknown addresses delay all of those, an address from which an account has a session, verified or not, is
    /// admitted for such accounts only. So nobody delays the sign-ins of others, and an account of one's own gives no further guesses at
    /// the passwords of others.
    ///
    /// # Errors
    /// [`Error::LoginDelayed`] after failures.
    pub async fn admit(
        &self,
        action: Action,
        email: &Email,
        user: Option<UserId>,
        origin: Origin,
    ) -> Result<Attempt, Error> {
        let mut attempt = self.attempt(action, email, origin, (Scope::Unknown, UNKNOWN.to_owned()));
        let rows = store::list(self.db.conn(), attempt.account, &attempt.address, UNKNOWN).await?;
        let mut left = self
            .claim(&attempt, &rows, Scope::Address, &attempt.address)
            .await?;
        let is_here = |row: &store::Row| row.address == attempt.address && row.succeeded_at.is_some();
        if rows.iter().any(is_here) {
            attempt.shared = None;
        } else if left.is_none() {
            left = self.claim(&attempt, &rows, Scope::Unknown, UNKNOWN).await?;
            if left.is_some() && sign_ins::is_known_at(self.db.conn(), email, user, &attempt.address).await? {
                (attempt.known_only, attempt.shared, left) = (true, None, None);
            }
        }
        self.finish(attempt, user, left).await
    }

    /// Admits an attempt of a signed-in user to prove their identity again. The failures of strangers do not delay it, and its own count
    /// at all addresses.
    ///
    /// # Errors
    /// [`Error::LoginDelayed`] after failures.
    pub async fn admit_signed_in(
        &self,
        action: Action,
        email: &Email,
        user: UserId,
        origin: Origin,
    ) -> Result<Attempt, Error> {
        let own = format!("user {user}");
        let attempt = self.attempt(action, email, origin, (Scope::User, own.clone()));
        let rows = store::list(self.db.conn(), attempt.account, &attempt.address, &own).await?;
        let mut left = self
            .claim(&attempt, &rows, Scope::Address, &attempt.address)
            .await?;
        if left.is_none() {
            left = self.claim(&attempt, &rows, Scope::User, &own).await?;
        }
        self.finish(attempt, Some(user), left).await
    }

    fn attempt(&self, action: Action, email: &Email, origin: Origin, shared: (Scope, String)) -> Attempt {
        Attempt {
            account: self.audit.account(email),
            address: origin.address().unwrap_or_else(|| "none".to_owned()),
            origin,
            action,
            shared: Some(shared),
            known_only: false,
        }
    }

    /// Returns the attempt, or records that it has to wait.
    async fn finish(
        &self,
        attempt: Attempt,
        user: Option<UserId>,
        left: Option<Duration>,
    ) -> Result<Attempt, Error> {
        let Some(left) = left else {
            return Ok(attempt);
        };
        metrics::counter!("auth_logins_delayed_total").increment(1);
        let entry = Entry::failure(attempt.action, "delayed").account(attempt.account);
        self.audit.record(&attempt.origin, entry.user(user)).await?;
        Err(Error::LoginDelayed(left))
    }

    /// Takes an attempt of a counter. Returns the time until the next one, if there is none now.
    async fn claim(
        &self,
        attempt: &Attempt,
        rows: &[store::Row],
        scope: Scope,
        address: &str,
    ) -> Result<Option<Duration>, Error> {
        let now = self.db.environment().clock.now();
        let Some(row) = rows.iter().find(|row| row.address == address) else {
            return Ok(None);
        };
        match self.rules.admit(scope, &row.failures(), now) {
            Admission::Free => Ok(None),
            Admission::Delayed(left) => Ok(Some(left)),
            Admission::Claim { until } => {
                let due = row.failures().retry_at;
                let claimed = store::claim(self.db.conn(), attempt.account, address, due, until).await?;
                Ok((!claimed).then(|| (until - now).to_std().unwrap_or_default()))
            }
        }
    }

    /// Counts and records a failure. `user` is the account, if there is one.
    pub async fn fail(
        &self,
        attempt: &Attempt,
        user: Option<UserId>,
        reason: &'static str,
    ) -> Result<(), Error> {
        let failure = Failure {
            rules: self.rules,
            attempt: attempt.clone(),
            user,
            reason,
        };
        self.db.transaction("login_attempts.fail", failure, fail).await
    }

    /// Records an attempt that was refused for another reason than its secret, and is not counted.
    pub async fn refuse(&self, attempt: &Attempt, user: UserId, reason: &'static str) -> Result<(), Error> {
        let entry = Entry::failure(attempt.action, reason);
        let entry = entry.account(attempt.account).user(user);
        self.audit.record(&attempt.origin, entry).await
    }
}

struct Failure {
    rules: DelayRules,
    attempt: Attempt,
    user: Option<UserId>,
    reason: &'static str,
}

async fn fail(tx: &Tx, failure: &Failure) -> Result<(), Error> {
    let Failure { rules, attempt, .. } = failure;
    let shared = attempt.shared.as_ref();
    let shared = shared.map(|(scope, address)| (*scope, address.as_str()));
    for (scope, address) in [(Scope::Address, attempt.address.as_str())]
        .into_iter()
        .chain(shared)
    {
        let begin = rules.begin(scope, tx.now());
        let count = store::count_failure(tx, attempt.account, address, begin).await?;
        let retry_at = rules.delay(scope, count).map(|delay| tx.now() + delay);
        store::set_retry_at(tx, attempt.account, address, retry_at).await?;
    }
    let entry = Entry::failure(attempt.action, failure.reason);
    let entry = entry.account(attempt.account).user(failure.user);
    audit::record(tx, &attempt.origin, &entry).await
}

/// Records a success in the transaction of its effect.
pub async fn succeed(tx: &Tx, attempt: &Attempt, user: UserId) -> Result<(), Error> {
    let own = attempt.shared.as_ref().filter(|(scope, _)| *scope == Scope::User);
    let own = own.map(|(_, address)| address.as_str());
    store::succeed(tx, attempt.account, &attempt.address, own, user).await?;
    let entry = Entry::success(attempt.action);
    audit::record(tx, &attempt.origin, &entry.account(attempt.account).user(user)).await
}
