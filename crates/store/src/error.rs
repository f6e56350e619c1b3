//! Errors of the database, classified by what a caller can do about them.

mod classify;

use std::time::Duration;

use carshare_chassis as chassis;
use carshare_proto::common::v1::ErrorReason as Common;
use sea_orm::DbErr;

pub(crate) use classify::{Retry, is_disconnected, is_refusal, is_transient, is_unavailable, retry_of};

/// Retry delay that callers get while PostgreSQL is unreachable.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Error of a transaction or query.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A constraint refuses the row. Match on [`Error::constraint`] and return an error of the domain; unmatched it is a
    /// defect.
    #[error("{violation:?} constraint {constraint} refuses the row")]
    Conflict {
        /// Name of the constraint.
        constraint: String,
        /// Kind of the constraint.
        violation: Violation,
    },
    /// The row changed since it was read (the version did not match).
    #[error("the row changed since it was read")]
    Stale,
    /// The transaction failed to serialize, or deadlocked, on every attempt.
    #[error("the transaction conflicted with others on every attempt")]
    Contention,
    /// PostgreSQL is unreachable, restarting, overloaded, read-only, out of space, or a lock could not be had in time.
    #[error("the database is unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// A defect: invalid SQL, mismatched types, corrupt rows.
    #[error("unexpected database error")]
    Internal(#[source] anyhow::Error),
}

/// Kind of a violated constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Primary key, unique constraint or unique index.
    Unique,
    /// `EXCLUDE`, such as overlapping periods.
    Exclusion,
    /// `CHECK`.
    Check,
    /// `FOREIGN KEY`, from either side.
    ForeignKey,
    /// `NOT NULL`; the constraint's name is that of the column.
    NotNull,
}

impl Error {
    /// Returns the name of the violated constraint.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Conflict { constraint, .. } => Some(constraint),
            _ => None,
        }
    }

    /// Returns whether the constraint `name` was violated.
    pub fn violates(&self, name: &str) -> bool {
        self.constraint() == Some(name)
    }

    /// Returns whether the failure passes by itself, whatever the caller does: the same work may be repeated until it
    /// succeeds. A defect or a violated constraint does not pass.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Contention)
    }

    /// Checks an update that names the version it expects: exactly one row must have been affected.
    pub fn expect_one(rows_affected: u64) -> Result<(), Self> {
        if rows_affected == 1 {
            Ok(())
        } else {
            Err(Self::Stale)
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        classify::database(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        classify::driver(&error).unwrap_or_else(|| Self::Internal(error.into()))
    }
}

impl From<Error> for chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(cause) => Self::new(Common::Unavailable)
                .retry_after(RETRY_AFTER)
                .cause(cause),
            Error::Stale | Error::Contention => Self::new(Common::Conflict).cause(error),
            Error::KeyReused => Self::new(Common::IdempotencyKeyReused),
            Error::Conflict { .. } | Error::Internal(_) => Self::internal(error),
        }
    }
}
