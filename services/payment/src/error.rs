//! What can go wrong for a caller of this service, and the one place where it becomes a reason of the contract.

use std::time::Duration;

use carshare_chassis as chassis;
use carshare_proto::payment::v1::ErrorReason;
use carshare_store as store;
use sea_orm::DbErr;

use crate::domain::payment::WrongState;

/// When to ask again about a payment whose outcome is not known.
const COME_BACK: Duration = Duration::from_secs(3);

/// Facts a caller can act on, and defects.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such payment, or not one of the caller's.
    #[error("no such payment")]
    PaymentNotFound,
    /// The card company said no.
    #[error("declined: {code}")]
    Declined {
        /// The provider's code.
        code: String,
    },
    /// The amount or the order is not the one that is owed.
    #[error("amount or order do not match")]
    AmountMismatch,
    /// Nothing can be paid any more.
    #[error("the payment is closed")]
    Closed,
    /// The provider refused the card.
    #[error("card not registered: {code}")]
    CardRegistrationFailed {
        /// The provider's code.
        code: String,
    },
    /// The provider is away, or its answer is not known yet.
    #[error("the provider is unavailable: {code}")]
    ProviderUnavailable {
        /// What happened, for the log.
        code: String,
    },
    /// A refusal of the stack.
    #[error(transparent)]
    Stack(#[from] chassis::Error),
    /// The database said no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A transition the state does not allow, which the code should have asked for before.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// A defect.
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
            Error::Declined { code } => {
                Self::new(ErrorReason::PaymentDeclined).with("provider_code", code)
            }
            Error::AmountMismatch => Self::new(ErrorReason::AmountMismatch),
            Error::Closed => Self::new(ErrorReason::PaymentClosed),
            Error::CardRegistrationFailed { code } => {
                Self::new(ErrorReason::CardRegistrationFailed).with("provider_code", code)
            }
            Error::ProviderUnavailable { code } => Self::new(ErrorReason::ProviderUnavailable)
                .retry_after(COME_BACK)
                .cause(anyhow::anyhow!("provider: {code}")),
            Error::Stack(error) => error,
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
    fn every_refusal_has_its_code() {
        let code = || "REJECT_CARD_PAYMENT".to_owned();
        let table = [
            (Error::PaymentNotFound, "PAYMENT001"),
            (Error::Declined { code: code() }, "PAYMENT002"),
            (Error::AmountMismatch, "PAYMENT003"),
            (Error::Closed, "PAYMENT004"),
            (Error::CardRegistrationFailed { code: code() }, "PAYMENT005"),
            (Error::ProviderUnavailable { code: code() }, "PAYMENT006"),
        ];
        for (error, expected) in table {
            assert_eq!(chassis::Error::from(error).fact().code, expected);
        }
    }

    #[test]
    fn a_refusal_names_the_providers_code_and_an_outage_says_when_to_come_back() {
        let declined = chassis::Error::from(Error::Declined {
            code: "FDS_ERROR".to_owned(),
        });
        assert_eq!(declined.metadata()["provider_code"], "FDS_ERROR");
        let away = chassis::Error::from(Error::ProviderUnavailable {
            code: "TIMEOUT".to_owned(),
        });
        assert_eq!((away.retry_delay(), away.metadata().len()), (Some(COME_BACK), 0));
    }
}
