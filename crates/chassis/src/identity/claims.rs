//! What an access token says.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Role, UserCaller};

/// The claims of an access token. Auth signs them, everybody verifies them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: Uuid,
    /// Its role when the token was given.
    pub role: Role,
    /// Id of this token.
    pub jti: Uuid,
    /// The session (refresh-token family) it belongs to.
    pub sid: Uuid,
    /// When it was given, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

impl Claims {
    /// When the token ends.
    pub fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl From<Claims> for UserCaller {
    fn from(claims: Claims) -> Self {
        Self {
            id: claims.sub,
            role: claims.role,
            token_id: claims.jti,
            session_id: claims.sid,
            expires_at: claims.expires_at(),
        }
    }
}
