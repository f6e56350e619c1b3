//! Idempotency for calls that carry passwords or answer with tokens.
//!
//! The mechanism keeps a hash of the request and the encoded reply. For these calls that would put into the database
//! what must never be there: tokens that work, and a fast hash by which a stolen database would give the passwords away
//! that bcrypt protects. So the reply is sealed and the hash is keyed; the keys are not in the database.

use std::marker::PhantomData;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::hmac;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::rpc::CallContext;
use carshare_chassis::{Error, config};

/// Makes calls secret. Cheap to clone.
#[derive(Clone)]
pub struct SealedReplies {
    sealer: Arc<Sealer>,
    fingerprint_key: hmac::Key,
}

/// One call whose reply is secret: seals it inside the transaction and opens it after, fresh or repeated.
pub struct SealedReply<M> {
    sealer: Arc<Sealer>,
    place: String,
    reply: PhantomData<fn() -> M>,
}

/// What the idempotency table holds of such a reply.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Sealed {
    /// The encoded reply, sealed.
    #[prost(bytes = "vec", tag = "1")]
    pub sealed: Vec<u8>,
}

const FINGERPRINT: &[u8] = b"carshare.auth request fingerprint";

impl SealedReplies {
    /// With the primary key of the configuration. After a change of it, a repeat of an earlier call is refused.
    pub fn new(config: &config::Seal, sealer: Arc<Sealer>) -> anyhow::Result<Self> {
        let secret = config
            .keys
            .get(&config.primary)
            .context("seal.primary names no key of seal.keys")?;
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().trim().as_bytes());
        let derived = hmac::sign(&root, FINGERPRINT);
        Ok(Self {
            sealer,
            fingerprint_key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
        })
    }

    /// Prepares a call: its context with a keyed hash of the request, and what seals its reply.
    pub fn of<M>(&self, context: CallContext) -> (CallContext, SealedReply<M>) {
        let mut request_hash = [0; 32];
        request_hash.copy_from_slice(hmac::sign(&self.fingerprint_key, &context.request_hash).as_ref());
        let key = context.idempotency.as_ref().map_or("", |key| key.as_str());
        let place = format!("idempotency{}/{key}", context.method);
        (
            CallContext {
                request_hash,
                ..context
            },
            SealedReply {
                sealer: Arc::clone(&self.sealer),
                place,
                reply: PhantomData,
            },
        )
    }
}

impl<M: prost::Message + Default> SealedReply<M> {
    /// What may be stored of the reply.
    pub fn seal(&self, reply: &M) -> Result<Sealed, Error> {
        Ok(Sealed {
            sealed: self.sealer.seal(&self.place, &reply.encode_to_vec())?,
        })
    }

    pub fn open(&self, stored: &Sealed) -> Result<M, Error> {
        let encoded = self.sealer.open(&self.place, &stored.sealed)?;
        M::decode(encoded.as_slice()).map_err(Error::internal)
    }
}

impl<M> Clone for SealedReply<M> {
    fn clone(&self) -> Self {
        Self {
            sealer: Arc::clone(&self.sealer),
            place: self.place.clone(),
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
    fn a_reply_is_unreadable_at_rest_and_comes_back_whole() {
        let (_, secret) = replies(1).of::<AuthResponse>(CallContext::for_test(Caller::Anonymous));
        let reply = AuthResponse {
            refresh_token: "refresh-token-itself".into(),
            ..Default::default()
        };
        let stored = secret.seal(&reply).unwrap();
        assert!(!stored.sealed.windows(7).any(|part| part == b"refresh"));
        assert_eq!(secret.open(&stored).unwrap(), reply);
    }

    #[test]
    fn the_stored_hash_cannot_be_computed_without_the_key() {
        let context = CallContext {
            request_hash: [7; 32],
            ..CallContext::for_test(Caller::Anonymous)
        };
        let of = |key| replies(key).of::<AuthResponse>(context.clone()).0.request_hash;
        assert_ne!(of(1), [7; 32]);
        assert_ne!(of(1), of(2));
        assert_eq!(of(1), of(1));
    }
}
