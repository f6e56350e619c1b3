//! Rotation of refresh tokens. A session is a family of them: each is exchanged once for the next. A second use of one means
//! that two parties have it, so the whole session is ended.

use chrono::{DateTime, Utc};

/// Why a session was ended before it expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum EndReason {
    Logout,
    /// A refresh token was used twice.
    Reuse,
    /// The user has changed the password in another session.
    PasswordChange,
    /// The user has enabled or removed the second factor in another session.
    MfaChange,
    /// The password was reset by mail.
    PasswordReset,
    /// The user has ended it in another session.
    User,
    /// An admin has disabled the account.
    AccountDisabled,
    AccountDeleted,
}

impl EndReason {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The stored state of a refresh token and its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenState {
    pub used_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    pub session_ended_at: Option<DateTime<Utc>>,
}

/// What the use of a refresh token leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// The token is exchanged for the next pair.
    Rotate,
    /// The session is ended and the call fails.
    Reused,
    Invalid,
}

impl TokenState {
    /// Returns the state in a session whose absolute lifetime ends at `session_expires_at`: no token outlives it.
    pub fn within(self, session_expires_at: DateTime<Utc>) -> Self {
        Self {
            expires_at: self.expires_at.min(session_expires_at),
            ..self
        }
    }

    /// Decides what the use of the token leads to. A used token is a reuse even if it has expired since; in an ended session
    /// every token is invalid.
    pub fn next_use(&self, now: DateTime<Utc>) -> TokenUse {
        if self.session_ended_at.is_some() {
            TokenUse::Invalid
        } else if self.used_at.is_some() {
            TokenUse::Reused
        } else if self.expires_at <= now {
            TokenUse::Invalid
        } else {
            TokenUse::Rotate
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn every_state_of_a_token_has_one_use() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let before = now - TimeDelta::seconds(1);
        let after = now + TimeDelta::seconds(1);
        let table = [
            // used, expires, session ended, expected
            (None, after, None, TokenUse::Rotate),
            (None, now, None, TokenUse::Invalid),
            (None, before, None, TokenUse::Invalid),
            (Some(before), after, None, TokenUse::Reused),
            (Some(before), before, None, TokenUse::Reused),
            (None, after, Some(before), TokenUse::Invalid),
            (None, before, Some(before), TokenUse::Invalid),
            (Some(before), after, Some(before), TokenUse::Invalid),
            (Some(before), before, Some(before), TokenUse::Invalid),
        ];
        for (used_at, expires_at, session_ended_at, expected) in table {
            let state = TokenState {
                used_at,
                expires_at,
                session_ended_at,
            };
            assert_eq!(state.next_use(now), expected, "{state:?}");
        }
    }

    #[test]
    fn token_is_invalid_after_the_absolute_lifetime_of_its_session() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let state = TokenState {
            used_at: None,
            expires_at: now + TimeDelta::days(30),
            session_ended_at: None,
        };
        let next_use = |session_expires_at| state.within(session_expires_at).next_use(now);
        assert_eq!(next_use(now + TimeDelta::seconds(1)), TokenUse::Rotate);
        assert_eq!(next_use(now), TokenUse::Invalid);
        let late = state.within(now + TimeDelta::days(90));
        assert_eq!(late, state);
    }
}
