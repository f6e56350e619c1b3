//! What can go wrong here that a caller can act on, and the one match that gives it code and text.

use carshare_proto::auth::v1::ErrorReason;
use sea_orm::DbErr;

use crate::domain::Weakness;

/// A refusal of this service, or a failure of what it stands on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown address or wrong password; callers cannot tell which.
    #[error("unknown address or wrong password")]
    InvalidCredentials,
    /// Another account has the address.
    #[error("the address is taken")]
    EmailTaken,
    /// The password is easy to guess.
    #[error("weak password: {0:?}")]
    WeakPassword(Weakness),
    /// The refresh token is unknown, expired, or of a session that is over.
    #[error("invalid refresh token")]
    InvalidRefreshToken,
    /// The refresh token was traded before; its session has been ended.
    #[error("refresh token reused")]
    RefreshTokenReused,
    /// The account of the token is gone.
    #[error("no such user")]
    UserNotFound,
    #[error(transparent)]
    Store(#[from] carshare_store::Error),
    /// A refusal or failure that has its facts already.
    #[error(transparent)]
    Chassis(#[from] carshare_chassis::Error),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for carshare_chassis::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCredentials => Self::new(ErrorReason::InvalidCredentials),
            Error::EmailTaken => Self::new(ErrorReason::EmailTaken),
            Error::WeakPassword(weakness) => weak(weakness),
            Error::InvalidRefreshToken => Self::new(ErrorReason::InvalidRefreshToken),
            Error::RefreshTokenReused => Self::new(ErrorReason::RefreshTokenReused),
            Error::UserNotFound => Self::new(ErrorReason::UserNotFound),
            Error::Store(error) => error.into(),
            Error::Chassis(error) => error,
        }
    }
}

fn weak(weakness: Weakness) -> carshare_chassis::Error {
    let (ko, en) = match weakness {
        Weakness::Common => ("널리 쓰이는 비밀번호입니다.", "is among the most used passwords"),
        Weakness::HoldsEmail => ("이메일 주소가 포함되어 있습니다.", "contains the e-mail address"),
        Weakness::Monotonous => (
            "서로 다른 문자를 4개 이상 사용해 주세요.",
            "needs four different characters or more",
        ),
    };
    carshare_chassis::Error::new(ErrorReason::WeakPassword).violation("password", ko, en)
}
