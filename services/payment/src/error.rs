//! Errors of the service and their mapping to the reasons of the contract.

use std::time::Duration;

use carshare_chassis as chassis;
use carshare_proto::payment::v1::ErrorReason;
use carshare_store as store;
use sea_orm::DbErr;

use crate::domain::payment::WrongState;

/// Retry delay that callers get while the outcome of a payment is unknown.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// Error of an RPC, event handler or job.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such payment, or not visible to the caller.
    #[error("no such payment")]
    PaymentNotFound,
    /// No such card of the caller.
    #[error("no such payment method")]
    PaymentMethodNotFound,
    /// No such settlement, or not visible to the caller.
    #[error("no such settlement")]
    SettlementNotFound,
    /// The settlement was paid by another bank transfer.
    #[error("the settlement is paid")]
    PayoutRecorded,
    /// Declined by the card company.
    #[error("declined: {code}")]
    Declined { code: String },
    /// Amount or order differ from what is owed.
    #[error("amount or order do not match")]
    AmountMismatch,
    /// Already settled, failed or overdue.
    #[error("the payment is closed")]
    Closed,
    /// The provider rejected the card registration.
    #[error("card not registered: {code}")]
    CardRegistrationFailed { code: String },
    /// The provider is unavailable, or the outcome is unknown so far.
    #[error("the provider is unavailable: {code}")]
    ProviderUnavailable {
        /// Why, for logs.
        code: String,
    },
    /// An error of the chassis, such as a missing permission.
    #[error(transparent)]
    Chassis(#[from] chassis::Error),
    /// An error of the database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A transition that the state does not allow; a defect, as callers check the state first.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// A defect of the service; its cause is only logged.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        store::Error::from(error).into()
    }
}

impl From<Error> for chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::PaymentNotFound => Self::new(ErrorReason::PaymentNotFound),
            Error::PaymentMethodNotFound => Self::new(ErrorReason::PaymentMethodNotFound),
            Error::SettlementNotFound => Self::new(ErrorReason::SettlementNotFound),
            Error::PayoutRecorded => Self::new(ErrorReason::PayoutRecorded),
            Error::Declined { code } => Self::new(ErrorReason::PaymentDeclined).with("provider_code", code),
            Error::AmountMismatch => Self::new(ErrorReason::AmountMismatch),
            Error::Closed => Self::new(ErrorReason::PaymentClosed),
            Error::CardRegistrationFailed { code } => {
                Self::new(ErrorReason::CardRegistrationFailed).with("provider_code", code)
            }
            Error::ProviderUnavailable { code } => Self::new(ErrorReason::ProviderUnavailable)
                .retry_after(RETRY_AFTER)
                .cause(anyhow::anyhow!("provider: {code}")),
            Error::Chassis(error) => error,
            Error::Store(error) => error.into(),
            Error::WrongState(error) => Self::internal(error),
            Error::Internal(error) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_codes_of_the_contract() {
        let code = || "REJECT_CARD_PAYMENT".to_owned();
        let table = [
            (Error::PaymentNotFound, "PAYMENT001"),
            (Error::Declined { code: code() }, "PAYMENT002"),
            (Error::AmountMismatch, "PAYMENT003"),
            (Error::Closed, "PAYMENT004"),
            (Error::CardRegistrationFailed { code: code() }, "PAYMENT005"),
            (Error::ProviderUnavailable { code: code() }, "PAYMENT006"),
            (Error::PaymentMethodNotFound, "PAYMENT007"),
            (Error::SettlementNotFound, "PAYMENT008"),
            (Error::PayoutRecorded, "PAYMENT009"),
        ];
        for (error, expected) in table {
            assert_eq!(chassis::Error::from(error).spec().code, expected);
        }
    }

    #[test]
    fn metadata_contains_provider_code_and_retry_delay() {
        let declined = chassis::Error::from(Error::Declined {
            code: "FDS_ERROR".to_owned(),
        });
        assert_eq!(declined.metadata()["provider_code"], "FDS_ERROR");
        let unavailable = chassis::Error::from(Error::ProviderUnavailable {
            code: "TIMEOUT".to_owned(),
        });
        assert_eq!(
            (unavailable.retry_delay(), unavailable.metadata().len()),
            (Some(RETRY_AFTER), 0)
        );
    }
}
