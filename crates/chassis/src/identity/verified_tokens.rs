//! Tokens whose signature was verified, by their hash: a signature stays valid while its key is trusted, and verifying one costs as
//! much as the rest of a small call. Expiry and revocation are not cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use jsonwebtoken::DecodingKey;
use sha2::{Digest as _, Sha256};

use super::UserCaller;

pub(super) struct VerifiedTokens {
    tokens: Mutex<HashMap<TokenHash, Verified>>,
    /// Upper bound of the tokens, of some 200 bytes each.
    capacity: usize,
}

/// SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; 32]);

#[derive(Clone)]
pub(super) struct Verified {
    pub(super) user: UserCaller,
    pub(super) key_id: String,
    /// The key that verified the signature. Another one under the same id, or the same one fetched again, verifies it again.
    pub(super) key: Arc<DecodingKey>,
}

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl VerifiedTokens {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            tokens: Mutex::default(),
            capacity,
        }
    }

    pub(super) fn find(&self, hash: TokenHash) -> Option<Verified> {
        self.lock().get(&hash).cloned()
    }

    /// Adds a token. Without room, those that have expired make room, or else all do.
    pub(super) fn insert(&self, hash: TokenHash, verified: Verified, now: DateTime<Utc>) {
        let mut tokens = self.lock();
        if tokens.len() >= self.capacity {
            tokens.retain(|_, verified| now < verified.user.expires_at);
        }
        if tokens.len() >= self.capacity {
            tokens.clear();
        }
        tokens.insert(hash, verified);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenHash, Verified>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::identity::Role;

    #[test]
    fn expired_tokens_make_room_and_all_do_when_none_has_expired() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let verified = |expires_at| Verified {
            user: UserCaller {
                id: Uuid::nil(),
                role: Role::Guest,
                email_verified: false,
                token_id: Uuid::nil(),
                session_id: Uuid::nil(),
                expires_at,
            },
            key_id: "k".to_owned(),
            key: Arc::new(DecodingKey::from_ed_der(&[0; 32])),
        };
        let tokens = VerifiedTokens::new(10);
        let hash = |number: u8| TokenHash::of(&number.to_string());
        let live = now + Duration::from_secs(1);
        for number in 0..10 {
            let expires_at = if number == 0 { live } else { now };
            tokens.insert(hash(number), verified(expires_at), now);
        }
        assert_eq!(tokens.lock().len(), 10);
        tokens.insert(hash(10), verified(live), now);
        let found = [0, 1, 10].map(|number| tokens.find(hash(number)).is_some());
        assert_eq!(found, [true, false, true]);
        for number in 11..20 {
            tokens.insert(hash(number), verified(live), now);
        }
        assert_eq!(tokens.lock().len(), 1);
    }
}
