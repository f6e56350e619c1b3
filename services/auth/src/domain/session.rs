//! What a presented refresh token is worth. A session is a family of them: each is traded once for the next, and a
//! second use of one means that two parties hold it, so the whole family ends.

use chrono::{DateTime, Utc};

/// Why a session was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its owner signed out.
    Logout,
    /// One of its refresh tokens was used twice.
    Reuse,
}

impl EndReason {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Reuse => "reuse",
        }
    }
}

/// A refresh token that somebody presents, as far as it decides its worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// When the token was traded, if it was.
    pub used_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    /// When its session was ended, if it was.
    pub session_ended_at: Option<DateTime<Utc>>,
}

/// What follows from presenting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// Trade it for the next pair.
    Rotate,
    /// End the session, then refuse.
    Reused,
    Invalid,
}

impl Presented {
    /// The verdict at the time `now`.
    ///
    /// A used token is judged before an expired one: a thief who waited is a thief. In a session that is over there is
    /// nothing left to end.
    pub fn check_strength(&self, now: DateTime<Utc>) -> TokenUse {
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
    fn every_state_of_a_token_has_its_verdict() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let before = now - TimeDelta::seconds(1);
        let after = now + TimeDelta::seconds(1);
        let table = [
            // used, expires, session ended, verdict
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
        for (used_at, expires_at, session_ended_at, verdict) in table {
            let presented = Presented {
                used_at,
                expires_at,
                session_ended_at,
            };
            assert_eq!(presented.check_strength(now), verdict, "{presented:?}");
        }
    }
}
