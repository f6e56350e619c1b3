//! Named transactions: measured, traced, and tried again when PostgreSQL asks for it.

use futures::future::BoxFuture;
use sea_orm::{DbErr, TransactionTrait as _};
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use crate::backoff::Backoff;
use crate::db::Db;
use crate::error::{Error, Retry, retry_of};
use crate::tx::Tx;

/// Tries of one transaction in all.
const TRIES: u32 = 6;

/// COMMIT of an aborted transaction is answered by a silent ROLLBACK, so a work that says `Ok` all the same is a defect.
const SWALLOWED: &str = "the work ignored the failure of a statement; nothing of it can be committed";

/// How one try ended.
enum Attempt<T, E> {
    Committed(T),
    /// Nothing happened in the database; `retry` says whether another try may end differently.
    RolledBack {
        error: E,
        retry: Option<Retry>,
    },
}

impl Db {
    /// Runs `work` in a transaction and commits if it returns `Ok`.
    ///
    /// `name` (`bookings.approve`) is that of the span `db.<name>` and the label of its metrics. `work` gets the open
    /// transaction and `input`, and runs again from the start when the transaction lost against another one or its
    /// connection broke before COMMIT; after that the last error is returned. A work that returns `Ok` although one of its
    /// statements was refused is [`Error::Internal`]: use `ON CONFLICT` where a conflict is no failure. A connection that breaks *during* COMMIT is
    /// [`Error::Unavailable`] at once: whether it took place is unknown.
    ///
    /// ```text
    /// db.transaction("bookings.approve", id, |tx, id| async move {
    ///     let booking = bookings::lock(tx, *id).await?;
    ///     tx.publish(&approved(&booking)).await?;
    ///     Ok::<_, Error>(booking)
    /// }.boxed()).await
    /// ```
    pub async fn transaction<D, T, E, F>(&self, name: &'static str, input: D, work: F) -> Result<T, E>
    where
        D: Send + Sync,
        T: Send,
        E: From<Error> + Send,
        F: for<'t> Fn(&'t Tx, &'t D) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    {
        let span = tracing::info_span!("db", otel.name = format!("db.{name}"), name);
        let begin = Instant::now();
        let result = self.tried(name, &input, &work).instrument(span).await;
        let outcome = if result.is_ok() {
            "committed"
        } else {
            "rolled_back"
        };
        metrics::histogram!("db_transaction_seconds", "name" => name, "outcome" => outcome)
            .record(begin.elapsed().as_secs_f64());
        metrics::gauge!("db_connections", "state" => "open").set(f64::from(self.pool().size()));
        metrics::gauge!("db_connections", "state" => "idle").set(self.pool().num_idle() as f64);
        result
    }

    async fn tried<D, T, E, F>(&self, name: &'static str, input: &D, work: &F) -> Result<T, E>
    where
        D: Send + Sync,
        T: Send,
        E: From<Error> + Send,
        F: for<'t> Fn(&'t Tx, &'t D) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    {
        let mut failures = 0;
        loop {
            match self.attempt(input, work).await {
                Attempt::Committed(value) => return Ok(value),
                Attempt::RolledBack {
                    retry: Some(retry), ..
                } if failures + 1 < TRIES => {
                    failures += 1;
                    metrics::counter!("db_transaction_retries_total", "name" => name, "reason" => retry.as_str())
                        .increment(1);
                    tracing::debug!(
                        name,
                        failures,
                        reason = retry.as_str(),
                        "transaction is tried again"
                    );
                    sleep(Backoff::TRANSACTION.pause(failures, &self.environment().random)).await;
                }
                Attempt::RolledBack { error, .. } => return Err(error),
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that begins transactions"
    )]
    async fn attempt<D, T, E, F>(&self, input: &D, work: &F) -> Attempt<T, E>
    where
        D: Send + Sync,
        T: Send,
        E: From<Error> + Send,
        F: for<'t> Fn(&'t Tx, &'t D) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    {
        let tx = match self.conn().begin().await {
            Ok(begun) => Tx::new(begun, self.environment()),
            Err(error) => return failed(error),
        };
        match work(&tx, input).await {
            Ok(_) if tx.is_aborted() => {
                let retry = tx.retry();
                tx.into_parts().0.rollback().await.ok();
                Attempt::RolledBack {
                    error: Error::Internal(anyhow::anyhow!(SWALLOWED)).into(),
                    retry,
                }
            }
            Ok(value) => {
                let (transaction, on_commit) = tx.into_parts();
                if let Err(error) = transaction.commit().await {
                    // Only a refusal by PostgreSQL says that nothing was committed.
                    let retry = retry_of(&error).filter(|retry| *retry == Retry::Contention);
                    return Attempt::RolledBack {
                        error: Error::from(error).into(),
                        retry,
                    };
                }
                for then in on_commit {
                    then();
                }
                Attempt::Committed(value)
            }
            Err(error) => {
                let retry = tx.retry();
                // A rollback that fails has a broken connection; PostgreSQL rolls back by itself then.
                tx.into_parts().0.rollback().await.ok();
                Attempt::RolledBack { error, retry }
            }
        }
    }
}

fn failed<T, E: From<Error>>(error: DbErr) -> Attempt<T, E> {
    Attempt::RolledBack {
        retry: retry_of(&error),
        error: Error::from(error).into(),
    }
}
