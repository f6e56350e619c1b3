//! Runs named transactions: measured, traced and retried when PostgreSQL asks for it.

mod conn;
mod pending;
mod tx;
mod uninterrupted;

use std::time::Duration;

use carshare_chassis::Backoff;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

pub use conn::Conn;
pub(crate) use pending::StoredReply;
pub(crate) use tx::EVENTS_COMMITTED;
pub use tx::Tx;
use uninterrupted::Uninterrupted;

use crate::db::Db;
use crate::error::{Error, Retry, retry_of};
use crate::pool::{acquire_error, query_error};

/// Delays between the attempts of a transaction. They are real time, because locks do not follow the injected clock.
const RETRY_BACKOFF: Backoff = Backoff {
    initial: Duration::from_millis(10),
    max: Duration::from_millis(500),
};
/// Attempts of one transaction, the first included.
const MAX_ATTEMPTS: u32 = 6;

/// COMMIT of an aborted transaction is answered by a silent ROLLBACK, so work that returns `Ok` all the same is a defect.
const IGNORED_FAILURE: &str = "a failed statement was ignored; nothing of its transaction can be committed";

/// The result of one attempt.
enum Attempt<T, E> {
    Committed(T),
    /// Nothing happened in the database; `retry` says whether another attempt may end differently.
    RolledBack {
        error: E,
        retry: Option<Retry>,
    },
}

impl Db {
    /// Runs `work` in a transaction and commits if it returns `Ok`.
    ///
    /// `name` (`bookings.approve`) is that of the span `db.<name>` and the label of its metrics. `work` receives the open
    /// transaction and `input`. It runs again from the start when the transaction lost against another one or its
    /// connection broke before COMMIT; after six attempts the last error is returned. Work that returns `Ok` although
    /// one of its statements was refused ends as [`Error::Internal`]: use `ON CONFLICT` where a conflict is no failure.
    /// A connection that breaks *during* COMMIT is [`Error::Unavailable`] at once: whether it took place is unknown.
    ///
    /// When the caller is cancelled, the transaction is rolled back, unless its COMMIT has begun.
    ///
    /// `work` is an `async fn` passed by name, so all it can use is the transaction and plain data: network calls
    /// cannot be awaited while locks are held:
    ///
    /// ```
    /// # use carshare_store::{Db, Error, Tx};
    /// pub async fn new_id(db: Db, length: usize) -> Result<String, Error> {
    ///     db.transaction("example.new_id", length, generate).await
    /// }
    ///
    /// async fn generate(tx: &Tx, length: &usize) -> Result<String, Error> {
    ///     Ok(tx.new_id().simple().to_string()[..*length].to_owned())
    /// }
    /// # fn assert_send(db: Db) -> impl Send { new_id(db, 7) }
    /// # fn main() { let _ = assert_send as fn(Db) -> _; }
    /// ```
    ///
    /// A closure that captures something does not compile:
    ///
    /// ```compile_fail,E0080
    /// # use carshare_store::{Db, Error, Tx};
    /// pub async fn new_id(db: Db, length: usize) -> Result<String, Error> {
    ///     let generate = async |tx: &Tx, (): &()| Ok(tx.new_id().simple().to_string()[..length].to_owned());
    ///     db.transaction("example.new_id", (), generate).await
    /// }
    /// # fn boxed(db: Db) -> Box<dyn Future<Output = Result<String, Error>>> { Box::new(new_id(db, 7)) }
    /// # fn main() { let _ = boxed as fn(Db) -> _; }
    /// ```
    pub async fn transaction<D, T, E, F>(&self, name: &'static str, input: D, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: AsyncFn(&Tx, &D) -> Result<T, E>,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "pass an async fn by name: work captures nothing"
            );
        };
        let span = tracing::info_span!("db", otel.name = format!("db.{name}"), name);
        let begin = Instant::now();
        let result = self.retrying(name, &input, &work).instrument(span).await;
        let outcome = if result.is_ok() {
            "committed"
        } else {
            "rolled_back"
        };
        metrics::histogram!("db_transaction_seconds", "name" => name, "outcome" => outcome)
            .record(begin.elapsed().as_secs_f64());
        result
    }

    async fn retrying<D, T, E, F>(&self, name: &'static str, input: &D, work: &F) -> Result<T, E>
    where
        E: From<Error>,
        F: AsyncFn(&Tx, &D) -> Result<T, E>,
    {
        let mut failures = 0;
        loop {
            let (error, retry) = match self.attempt(input, work).await {
                Attempt::Committed(value) => return Ok(value),
                Attempt::RolledBack { error, retry } => (error, retry),
            };
            failures += 1;
            let Some(retry) = retry.filter(|_| failures < MAX_ATTEMPTS) else {
                return Err(error);
            };
            let reason = retry.as_str();
            metrics::counter!("db_transaction_retries_total", "name" => name, "reason" => reason)
                .increment(1);
            tracing::debug!(name, failures, reason, "retrying transaction");
            sleep(RETRY_BACKOFF.delay(failures, &self.environment().random)).await;
        }
    }

    async fn attempt<D, T, E, F>(&self, input: &D, work: &F) -> Attempt<T, E>
    where
        E: From<Error>,
        F: AsyncFn(&Tx, &D) -> Result<T, E>,
    {
        let tx = match self.conn().begin().await {
            Ok(begun) => Tx::new(begun, self),
            Err(error) => {
                let error = acquire_error(error);
                let retry = retry_of(&error);
                let error = Error::from(error).into();
                return Attempt::RolledBack { error, retry };
            }
        };
        let result = match work(&tx, input).await {
            Ok(value) if !tx.is_aborted() => match tx.store_pending().await {
                Ok(()) => Ok(value),
                Err(error) => Err(error.into()),
            },
            Ok(_) => Err(Error::Internal(anyhow::anyhow!(IGNORED_FAILURE)).into()),
            Err(error) => Err(error),
        };
        let retry = tx.retry();
        let (connection, on_commit) = tx.into_parts();
        match result {
            Ok(value) => {
                let commit = async move {
                    connection.commit().await?;
                    for action in on_commit {
                        action();
                    }
                    Ok(())
                };
                match Uninterrupted::new(commit).await {
                    Ok(()) => Attempt::Committed(value),
                    Err(error) => {
                        let error = query_error(error);
                        // Only a refusal by PostgreSQL proves that nothing was committed.
                        let retry = retry_of(&error).filter(|retry| *retry == Retry::Contention);
                        let error = Error::from(error).into();
                        Attempt::RolledBack { error, retry }
                    }
                }
            }
            Err(error) => {
                // A rollback that fails has a broken connection; PostgreSQL rolls back by itself then.
                Uninterrupted::new(connection.rollback()).await.ok();
                Attempt::RolledBack { error, retry }
            }
        }
    }
}
