//! Errors of the service and their mapping to the reasons of the contract.

use std::time::Duration;

use carshare_chassis::error::Violation;
use carshare_objects::image::ImageFault;
use carshare_proto::auth::v1::ErrorReason;
use carshare_proto::common::v1::ErrorReason as Common;
use sea_orm::DbErr;

use crate::domain::Weakness;

/// Error of an RPC or job.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown e-mail address or wrong password, indistinguishable for the caller.
    #[error("unknown e-mail address or wrong password")]
    InvalidCredentials,
    /// Another account has verified the e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The password in this field is easy to guess.
    #[error("weak password: {1:?}")]
    WeakPassword(&'static str, Weakness),
    /// The current password of the account, in this field, is another one.
    #[error("wrong password")]
    WrongPassword(&'static str),
    /// The caller of a mailed token has neither a session nor the password of its account.
    #[error("a password is missing")]
    PasswordRequired,
    /// The verified password has another hash by now.
    #[error("the password was replaced")]
    PasswordReplaced,
    /// The account needs a code of its second factor.
    #[error("a code of the second factor is missing")]
    MfaRequired,
    /// The code of the second factor is wrong, too old, or was used before.
    #[error("invalid code of the second factor")]
    InvalidMfaCode,
    /// Too many codes were wrong in a row. The next one is accepted after this time.
    #[error("too many wrong codes")]
    TooManyMfaCodes(Duration),
    /// The account has no second factor, or no secret waits to be confirmed.
    #[error("no second factor")]
    MfaNotEnabled,
    /// The role of the account requires a second factor.
    #[error("the second factor is mandatory")]
    MfaMandatory,
    /// The refresh token is unknown, expired, or of an ended session.
    #[error("invalid refresh token")]
    InvalidRefreshToken,
    /// The refresh token was used before; its session is ended.
    #[error("refresh token reused")]
    RefreshTokenReused,
    /// The token of a mail is unknown, used or expired, or its account has changed since.
    #[error("invalid token of a mail")]
    InvalidMailToken,
    /// The account of the access token was deleted.
    #[error("no such user")]
    UserNotFound,
    /// Too many attempts failed; the next one is possible after this time.
    #[error("login delayed by {} s", .0.as_secs())]
    LoginDelayed(Duration),
    /// An admin has disabled the account.
    #[error("the account is disabled")]
    AccountDisabled,
    /// The session is unknown, has ended, or is of another user.
    #[error("no such session")]
    SessionNotFound,
    /// An admin cannot disable their own account.
    #[error("the account is the caller's own")]
    OwnAccount,
    /// The user has so many open bookings, as guest or as host.
    #[error("{0} bookings are open")]
    BookingsOpen(i64),
    /// Charges or refunds of the user are in progress, or the platform owes them as a host.
    #[error("{payments} payments are in progress, {payable_krw} won are payable")]
    PaymentsUnsettled { payments: i64, payable_krw: i64 },
    /// The profile image was not uploaded.
    #[error("the image was not uploaded")]
    ImageNotUploaded,
    /// The uploaded file is not an image of its type.
    #[error("the image is not valid: {}", .0.as_str())]
    ImageInvalid(ImageFault),
    /// An error of the database.
    #[error(transparent)]
    Store(#[from] carshare_store::Error),
    /// An error of the chassis, such as a missing permission.
    #[error(transparent)]
    Chassis(#[from] carshare_chassis::Error),
    /// A defect of the service; its cause is only logged.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<carshare_objects::Error> for Error {
    fn from(error: carshare_objects::Error) -> Self {
        Self::Chassis(error.into())
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for carshare_chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCredentials | Error::PasswordReplaced => Self::new(ErrorReason::InvalidCredentials),
            Error::EmailTaken => Self::new(ErrorReason::EmailTaken),
            Error::WeakPassword(field, weakness) => weak_password(field, weakness),
            Error::WrongPassword(field) => Self::new(ErrorReason::WrongPassword).violation(
                field,
                "현재 비밀번호가 올바르지 않습니다.",
                "is not the current password",
            ),
            Error::PasswordRequired => Self::new(ErrorReason::PasswordRequired),
            Error::MfaRequired => Self::new(ErrorReason::MfaRequired),
            Error::InvalidMfaCode => Self::new(ErrorReason::InvalidMfaCode),
            Error::TooManyMfaCodes(left) => {
                Self::new(ErrorReason::TooManyMfaCodes).retry_after(whole_seconds(left))
            }
            Error::MfaNotEnabled => Self::new(ErrorReason::MfaNotEnabled),
            Error::MfaMandatory => Self::new(ErrorReason::MfaMandatory),
            Error::InvalidRefreshToken => Self::new(ErrorReason::InvalidRefreshToken),
            Error::RefreshTokenReused => Self::new(ErrorReason::RefreshTokenReused),
            Error::InvalidMailToken => Self::new(ErrorReason::InvalidMailToken),
            Error::UserNotFound => Self::new(ErrorReason::UserNotFound),
            Error::LoginDelayed(left) => {
                Self::new(ErrorReason::LoginDelayed).retry_after(whole_seconds(left))
            }
            Error::AccountDisabled => Self::new(ErrorReason::AccountDisabled),
            Error::SessionNotFound => Self::new(ErrorReason::SessionNotFound),
            Error::OwnAccount => Self::new(ErrorReason::OwnAccount),
            Error::BookingsOpen(count) => {
                Self::new(ErrorReason::BookingsOpen).with("count", count.to_string())
            }
            Error::PaymentsUnsettled {
                payments,
                payable_krw,
            } => Self::new(ErrorReason::PaymentsUnsettled)
                .with("payments", payments.to_string())
                .with("payable_amount", payable_krw.to_string()),
            Error::ImageNotUploaded => Self::new(ErrorReason::ImageNotUploaded),
            Error::ImageInvalid(fault) => Self::new(ErrorReason::ImageInvalid).with("fault", fault.as_str()),
            Error::Chassis(error) => error,
            Error::Store(error) => error.into(),
            Error::Internal(error) => Self::internal(error),
        }
    }
}

/// Rounds up, so that a client that waits is not early.
fn whole_seconds(left: Duration) -> Duration {
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

fn weak_password(field: &str, weakness: Weakness) -> carshare_chassis::Error {
    let (rule, ko, en) = match weakness {
        Weakness::TooShort => (
            "STRING_MIN_LEN",
            "8자 이상이어야 합니다.",
            "must have at least 8 characters",
        ),
        Weakness::TooLong => (
            "STRING_MAX_LEN",
            "64자 이하여야 합니다.",
            "must have at most 64 characters",
        ),
        Weakness::Common => (
            "PASSWORD_COMMON",
            "널리 쓰이는 비밀번호이거나 흔한 단어입니다.",
            "is among the most used passwords or a common word",
        ),
        Weakness::ContainsEmail => (
            "PASSWORD_CONTAINS_EMAIL",
            "이메일 주소가 포함되어 있습니다.",
            "contains the e-mail address",
        ),
        Weakness::TooFewCharacters => (
            "PASSWORD_TOO_FEW_CHARACTERS",
            "서로 다른 문자를 4개 이상 사용해 주세요.",
            "needs four different characters or more",
        ),
        Weakness::Predictable => (
            "PASSWORD_PREDICTABLE",
            "연속되거나 반복되는 문자로 이루어져 있습니다.",
            "consists of sequences, repetitions or neighbouring keys",
        ),
    };
    let error = match weakness {
        // The bounds of the contract are wider: they count before normalization.
        Weakness::TooShort | Weakness::TooLong => carshare_chassis::Error::new(Common::InvalidArgument),
        _ => carshare_chassis::Error::new(ErrorReason::WeakPassword),
    };
    error.violations_of([Violation {
        field: field.to_owned(),
        rule: rule.to_owned(),
        ko: ko.to_owned(),
        en: en.to_owned(),
    }])
}
