//! Idempotency for calls whose requests contain passwords or whose replies contain tokens.
//!
//! The table `idempotency` stores a hash of the request and the encoded reply. Of these calls that would be valid tokens, and
//! a fast hash that reveals the passwords that bcrypt protects. So the reply is encrypted and the hash is keyed, with keys
//! that are not in the database.

use std::marker::PhantomData;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::hmac;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::rpc::CallContext;
use carshare_chassis::{Error, config};

/// Prepares calls with secret requests and replies. Cheap to clone.
#[derive(Clone)]
pub struct SealedReplies {
    sealer: Arc<Sealer>,
    fingerprint_key: hmac::Key,
    /// Those of the other keys of `[seal]`: while the primary key is changed, calls are repeated at processes with another one.
    former_keys: Vec<hmac::Key>,
}

/// Encrypts the reply of one call inside its transaction, and decrypts the stored one after it.
pub struct SealedReply<M> {
    sealer: Arc<Sealer>,
    associated_data: String,
    reply: PhantomData<fn() -> M>,
}

/// The stored form of a reply.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Sealed {
    /// The encoded reply, encrypted.
    #[prost(bytes = "vec", tag = "1")]
    pub sealed: Vec<u8>,
}

const FINGERPRINT: &[u8] = b"carshare.auth request fingerprint";

impl SealedReplies {
    /// Derives the keys of request hashes from those of `[seal]`. A repeat of a call is recognised while the key of its first attempt is
    /// configured.
    pub fn new(config: &config::Seal, sealer: Arc<Sealer>) -> anyhow::Result<Self> {
        let secret = config
            .keys
            .get(&config.primary)
            .context("seal.primary names no key of seal.keys")?;
        let former = config.keys.iter().filter(|(id, _)| **id != config.primary);
        Ok(Self {
            sealer,
            fingerprint_key: fingerprint_key(secret),
            former_keys: former.map(|(_, secret)| fingerprint_key(secret)).collect(),
        })
    }

    /// Returns the context with a keyed hash of the request, and the encryption of the reply.
    pub fn prepare<M>(&self, context: CallContext) -> (CallContext, SealedReply<M>) {
        let hash = |key| {
            let mut hash = [0; 32];
            hash.copy_from_slice(hmac::sign(key, &context.request_hash).as_ref());
            hash
        };
        let request_hash = hash(&self.fingerprint_key);
        let former_hashes = self.former_keys.iter().map(hash).collect();
        let key = context.idempotency.as_ref().map_or("", |key| key.as_str());
        let associated_data = format!("idempotency{}/{key}", context.method);
        (
            CallContext {
                request_hash,
                former_hashes,
                ..context
            },
            SealedReply {
                sealer: Arc::clone(&self.sealer),
                associated_data,
                reply: PhantomData,
            },
        )
    }
}

fn fingerprint_key(secret: &config::Secret) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().trim().as_bytes());
    let derived = hmac::sign(&root, FINGERPRINT);
    hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
}

impl<M: prost::Message + Default> SealedReply<M> {
    /// Encrypts the reply for the table.
    pub fn seal(&self, reply: &M) -> Result<Sealed, Error> {
        Ok(Sealed {
            sealed: self.sealer.seal(&self.associated_data, &reply.encode_to_vec())?,
        })
    }

    pub fn open(&self, stored: &Sealed) -> Result<M, Error> {
        let encoded = self.sealer.open(&self.associated_data, &stored.sealed)?;
        M::decode(encoded.as_slice()).map_err(Error::internal)
    }
}

impl<M> Clone for SealedReply<M> {
    fn clone(&self) -> Self {
        Self {
            sealer: Arc::clone(&self.sealer),
            associated_data: self.associated_data.clone(),
            reply: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use carshare_chassis::Random;
    use carshare_chassis::identity::Caller;
    use carshare_proto::auth::v1::AuthResponse;

    use super::*;

    fn replies(key_byte: u8) -> SealedReplies {
        use base64::Engine as _;
        let key = base64::prelude::BASE64_STANDARD.encode([key_byte; 32]);
        let config = config::Seal {
            primary: "k".into(),
            keys: [("k".to_owned(), key.into())].into(),
        };
        let sealer = Arc::new(Sealer::new(&config, Random::seeded(1)).unwrap());
        SealedReplies::new(&config, sealer).unwrap()
    }

    #[test]
    fn stored_reply_is_encrypted_and_opens_to_the_same_reply() {
        let (_, secret) = replies(1).prepare::<AuthResponse>(CallContext::for_test(Caller::Anonymous));
        let reply = AuthResponse {
            refresh_token: "refresh-token-itself".into(),
            ..Default::default()
        };
        let stored = secret.seal(&reply).unwrap();
        assert!(!stored.sealed.windows(7).any(|part| part == b"refresh"));
        assert_eq!(secret.open(&stored).unwrap(), reply);
    }

    #[test]
    fn request_hash_depends_on_the_key() {
        let context = CallContext {
            request_hash: [7; 32],
            ..CallContext::for_test(Caller::Anonymous)
        };
        let hash = |key| {
            replies(key)
                .prepare::<AuthResponse>(context.clone())
                .0
                .request_hash
        };
        assert_ne!(hash(1), [7; 32]);
        assert_ne!(hash(1), hash(2));
        assert_eq!(hash(1), hash(1));
    }
}
