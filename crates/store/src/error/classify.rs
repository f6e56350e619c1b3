//! Maps SQLSTATE and driver errors to [`Error`], and decides which failures are retried.
//!
//! Codes: <https://www.postgresql.org/docs/15/errcodes-appendix.html>

use sea_orm::{DbErr, RuntimeErr};

use super::{Error, Violation};

/// Why the same transaction may succeed when it is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Serialization failure or deadlock.
    Contention,
    /// The connection broke before COMMIT, so nothing happened.
    ConnectionLost,
}

impl Retry {
    /// Value of the metric label `reason`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Contention => "contention",
            Self::ConnectionLost => "connection_lost",
        }
    }
}

/// Returns why a statement's failure is worth a retry of the whole transaction; `None` if it is not.
pub(crate) fn retry_of(error: &DbErr) -> Option<Retry> {
    match source(error)? {
        sqlx::Error::Database(refusal) => match refusal.code()?.as_ref() {
            "40001" | "40P01" => Some(Retry::Contention),
            // The session is over; nothing of its transaction was committed.
            "25P03" => Some(Retry::ConnectionLost),
            code if is_disconnect(code) => Some(Retry::ConnectionLost),
            _ => None,
        },
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => Some(Retry::ConnectionLost),
        _ => None,
    }
}

/// Returns whether a statement's failure passes by itself: see [`Error::is_transient`].
pub(crate) fn is_transient(error: &DbErr) -> bool {
    match source(error) {
        Some(source) => driver(source).is_some_and(|error| error.is_transient()),
        None => matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)),
    }
}

/// Returns whether PostgreSQL itself refused the statement, which aborts its transaction.
pub(crate) fn is_refusal(error: &DbErr) -> bool {
    matches!(source(error), Some(sqlx::Error::Database(_)))
}

pub(super) fn database(error: DbErr) -> Error {
    if let Some(known) = source(&error).and_then(driver) {
        return known;
    }
    match error {
        DbErr::RecordNotUpdated => Error::Stale,
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Error::Unavailable(error.into()),
        _ => Error::Internal(error.into()),
    }
}

/// Maps a driver error; `None` for a defect.
pub(super) fn driver(error: &sqlx::Error) -> Option<Error> {
    match error {
        sqlx::Error::Database(refusal) => refused(refusal.as_ref()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(unavailable(error)),
        _ => None,
    }
}

fn refused(refusal: &dyn sqlx::error::DatabaseError) -> Option<Error> {
    let code = refusal.code()?;
    let violation = match code.as_ref() {
        "23505" => Violation::Unique,
        "23P01" => Violation::Exclusion,
        "23514" => Violation::Check,
        "23503" => Violation::ForeignKey,
        "23502" => Violation::NotNull,
        "40001" | "40P01" => return Some(Error::Contention),
        // Timeouts: of the statement, of its wait for a lock, of the idle transaction. 25006: the transaction is read-only,
        // as on a standby after a failover.
        // 28…: the password has changed, and the new one has not arrived yet.
        "57014" | "55P03" | "25P03" | "25006" | "28P01" | "28000" => return Some(unavailable(refusal)),
        // Class 53: too many connections, out of memory or disk. Class 58: errors of the operating system.
        code if is_disconnect(code) || code.starts_with("53") || code.starts_with("58") => {
            return Some(unavailable(refusal));
        }
        _ => return None,
    };
    let column = || {
        refusal
            .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
            .and_then(|error| error.column())
    };
    let constraint = refusal
        .constraint()
        .or_else(column)
        .unwrap_or_default()
        .to_owned();
    Some(Error::Conflict {
        constraint,
        violation,
    })
}

/// Returns whether an error of the driver is [`Error::Unavailable`].
pub(crate) fn is_unavailable(error: &sqlx::Error) -> bool {
    matches!(driver(error), Some(Error::Unavailable(_)))
}

/// Returns whether an error of the driver leaves the connection unusable.
pub(crate) fn is_disconnected(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(refusal) => {
            let code = refusal.code().unwrap_or_default();
            code == "25P03" || is_disconnect(&code)
        }
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) | sqlx::Error::TypeNotFound { .. } => false,
        _ => true,
    }
}

/// Returns whether the server ends connections or refuses new ones.
fn is_disconnect(code: &str) -> bool {
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03")
}

/// Keeps the text only: driver errors cannot be cloned.
fn unavailable(cause: impl std::fmt::Display) -> Error {
    Error::Unavailable(anyhow::anyhow!("{cause}"))
}

fn source(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source))
        | DbErr::Conn(RuntimeErr::SqlxError(source)) => Some(source),
        _ => None,
    }
}
