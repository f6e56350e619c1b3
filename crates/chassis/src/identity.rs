//! Caller identity: a user by an access token, a service by its client certificate, or anonymous.

mod jwks;
mod jwks_cache;
mod revocation;
mod verified_tokens;
mod verifier;

use std::borrow::Cow;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1 as options;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use jwks::{Jwk, JwksSource, StaticJwks};
pub use revocation::Revocations;
pub use verifier::Verifier;

use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No credentials; public RPCs only.
    Anonymous,
    User(UserCaller),
    /// A service of the mesh, by the name in its certificate: `booking`.
    Service(String),
}

/// A signed-in user, from the claims of the access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCaller {
    pub id: Uuid,
    pub role: Role,
    /// Whether the e-mail address was verified when the token was issued.
    pub email_verified: bool,
    /// Id of the token (`jti`), which a logout revokes.
    pub token_id: Uuid,
    /// Session the token belongs to (`sid`).
    pub session_id: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// The role of an account.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    Guest,
    Host,
    Admin,
    /// An admin who has not enrolled a second factor yet. Of tokens only; admitted by RPCs whose access option says so.
    Unenrolled,
}

impl Role {
    /// Returns the value in tokens, logs and columns.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl From<Role> for options::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Guest => Self::Guest,
            Role::Host => Self::Host,
            Role::Admin => Self::Admin,
            Role::Unenrolled => Self::Unspecified,
        }
    }
}

impl TryFrom<options::Role> for Role {
    type Error = Error;

    fn try_from(role: options::Role) -> Result<Self, Error> {
        match role {
            options::Role::Guest => Ok(Self::Guest),
            options::Role::Host => Ok(Self::Host),
            options::Role::Admin => Ok(Self::Admin),
            options::Role::Unspecified => Err(Error::invalid("role", "역할을 선택해 주세요.", "must be set")),
        }
    }
}

impl Caller {
    /// Returns the user, or `UNAUTHENTICATED`.
    pub fn user(&self) -> Result<&UserCaller, Error> {
        match self {
            Self::User(user) => Ok(user),
            Self::Anonymous | Self::Service(_) => Err(Error::new(Common::Unauthenticated)),
        }
    }

    /// Returns the name of the service, or `PERMISSION_DENIED`.
    pub fn service(&self) -> Result<&str, Error> {
        match self {
            Self::Service(name) => Ok(name),
            Self::Anonymous | Self::User(_) => Err(Error::new(Common::PermissionDenied)),
        }
    }

    /// Returns the value for logs: the kind of caller, or the name of a service.
    pub fn label(&self) -> Cow<'static, str> {
        match self {
            Self::Anonymous => "anonymous".into(),
            Self::User(user) => user.role.as_str().into(),
            Self::Service(name) => name.clone().into(),
        }
    }
}

/// Claims of an access token, which auth signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: Uuid,
    /// Role of the user when the token was issued.
    pub role: Role,
    /// Whether the user's e-mail address was verified when the token was issued. Tokens of earlier releases do not have it.
    #[serde(default)]
    pub email_verified: bool,
    pub jti: Uuid,
    /// Id of the session (refresh-token family).
    pub sid: Uuid,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Time of expiry, in seconds since 1970.
    pub exp: i64,
}

impl From<Claims> for UserCaller {
    fn from(claims: Claims) -> Self {
        Self {
            id: claims.sub,
            role: claims.role,
            email_verified: claims.email_verified,
            token_id: claims.jti,
            session_id: claims.sid,
            expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or_default(),
        }
    }
}
