//! What the database said, as facts a caller can act on.

mod classify;

use std::time::Duration;

use carshare_chassis as chassis;
use carshare_proto::common::v1::ErrorReason as Common;
use sea_orm::DbErr;

pub(crate) use classify::{Retry, is_refusal, retry_of};

/// When to come back while PostgreSQL is away.
const COME_BACK: Duration = Duration::from_secs(1);

/// Why a transaction or query did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A constraint refuses the row. Match on [`Error::constraint`] and answer with a refusal of your own; unanswered it
    /// is a defect.
    #[error("{violation:?} constraint {constraint} refuses the row")]
    Conflict {
        /// Its name.
        constraint: String,
        /// Its kind.
        violation: Violation,
    },
    /// The row was changed by somebody else since it was read (the version did not match).
    #[error("the row was changed in the meantime")]
    Stale,
    /// Other transactions won every time, as often as it was tried.
    #[error("the transaction lost against others each time")]
    Contention,
    /// PostgreSQL is away, restarting or overloaded.
    #[error("the database is unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// The idempotency key came before with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// A defect: wrong SQL, wrong types, broken rows.
    #[error("the database refused in an unexpected way")]
    Internal(#[source] anyhow::Error),
}

/// What kind of constraint was violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Primary key, unique constraint or unique index.
    Unique,
    /// `EXCLUDE`: for example periods that overlap.
    Exclusion,
    /// `CHECK`.
    Check,
    /// A reference to a row that is not there, or from one that still is.
    ForeignKey,
    /// `NOT NULL`; the constraint's name is the column's.
    NotNull,
}

impl Error {
    /// The name of the violated constraint.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Conflict { constraint, .. } => Some(constraint),
            _ => None,
        }
    }

    /// Whether this very constraint was violated.
    pub fn violates(&self, name: &str) -> bool {
        self.constraint() == Some(name)
    }

    /// For an update that names the version it expects: exactly one row must have been affected.
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
            Error::Unavailable(cause) => Self::new(Common::Unavailable).retry_after(COME_BACK).cause(cause),
            Error::Stale | Error::Contention => Self::new(Common::Conflict).cause(error),
            Error::KeyReused => Self::new(Common::IdempotencyKeyReused),
            Error::Conflict { .. } | Error::Internal(_) => Self::internal(error),
        }
    }
}
