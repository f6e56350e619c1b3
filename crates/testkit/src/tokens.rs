//! Access tokens like those of auth, and their JSON Web Key Set: users without an auth service.

use anyhow::{Context, Result};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Validity of a token, as in auth.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// The claims of an access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer URL; services accept one.
    pub iss: String,
    /// Audience; services accept one.
    pub aud: String,
    /// Subject: id of the user.
    pub sub: Uuid,
    /// `guest`, `host` or `admin`.
    pub role: String,
    /// Whether the user's e-mail address is verified.
    pub email_verified: bool,
    /// Id of the token, by which it is revoked.
    pub jti: Uuid,
    /// Id of the session.
    pub sid: Uuid,
    /// Time of issue, seconds since 1970.
    pub iat: i64,
    /// End of validity, seconds since 1970.
    pub exp: i64,
}

/// Token issuer with its own signing key.
pub struct Tokens {
    key: EncodingKey,
    key_id: String,
    public_key: Vec<u8>,
    issuer: String,
    audience: String,
}

impl Tokens {
    /// Generates an Ed25519 key. Issuer and audience are those that services expect by default.
    pub fn new() -> Result<Self> {
        let pair = Ed25519KeyPair::generate()
            .ok()
            .context("no Ed25519 key could be made")?;
        let private = pair.to_pkcs8().ok().context("the key cannot be written")?;
        Self::with_key(&random_id().to_string(), private.as_ref())
    }

    /// Uses an Ed25519 key in PKCS #8, such as that of an auth service.
    pub fn with_key(key_id: &str, private: &[u8]) -> Result<Self> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private)
            .ok()
            .context("the key cannot be read")?;
        Ok(Self {
            key: EncodingKey::from_ed_der(private),
            key_id: key_id.to_owned(),
            public_key: pair.public_key().as_ref().to_vec(),
            issuer: "https://carshare.kr".to_owned(),
            audience: "carshare".to_owned(),
        })
    }

    /// Replaces the issuer: services must refuse these tokens.
    pub fn issued_by(self, issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            ..self
        }
    }

    /// Returns the JSON Web Key Set that verifies these tokens.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": self.key_id, "x": base64_url(&self.public_key),
        }] })
    }

    /// Returns the claims of a token for `user` in `role`, with a verified e-mail address, issued at `now`, valid for 15 minutes.
    pub fn claims(&self, role: &str, user: Uuid, now: DateTime<Utc>) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user,
            role: role.to_owned(),
            email_verified: true,
            jti: random_id(),
            sid: random_id(),
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
        }
    }

    /// Signs any claims, invalid ones included.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String> {
        let header = Header {
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }

    /// Returns a valid token for `user` in `role`, issued at `now`.
    pub fn mint(&self, role: &str, user: Uuid, now: DateTime<Utc>) -> String {
        self.sign(&self.claims(role, user, now))
            .expect("a key that was just made signs")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens differ from run to run, and no test depends on their ids"
)]
fn random_id() -> Uuid {
    Uuid::new_v4()
}

/// Base64 for URLs without padding (RFC 7515 §2); one key does not warrant a dependency.
fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sextet = |word: u32, at: usize| char::from(ALPHABET[(word >> (18 - 6 * at)) as usize & 63]);
    let chunks = bytes.chunks(3).flat_map(|chunk| {
        let word = chunk
            .iter()
            .enumerate()
            .fold(0, |word, (at, byte)| word | u32::from(*byte) << (16 - 8 * at));
        (0..=chunk.len()).map(move |at| sextet(word, at))
    });
    chunks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation, decode};

    fn verify(token: &str, keys: &Tokens) -> Result<Claims> {
        let set: JwkSet = serde_json::from_value(keys.jwks())?;
        let kid = jsonwebtoken::decode_header(token)?.kid.context("no key id")?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&["https://carshare.kr"]);
        validation.set_audience(&["carshare"]);
        validation.validate_exp = false;
        Ok(decode(
            token,
            &DecodingKey::from_jwk(set.find(&kid).context("unknown key")?)?,
            &validation,
        )?
        .claims)
    }

    #[test]
    fn minted_token_verifies_against_the_key_set() {
        let tokens = Tokens::new().unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let user = Uuid::from_u128(7);
        let claims = verify(&tokens.mint("host", user, now), &tokens).unwrap();
        assert_eq!((claims.sub, claims.role.as_str()), (user, "host"));
        assert_eq!(claims.exp - claims.iat, 900);
    }

    #[test]
    fn token_of_another_key_or_issuer_is_refused() {
        let (tokens, other) = (Tokens::new().unwrap(), Tokens::new().unwrap());
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        assert!(verify(&tokens.mint("host", Uuid::nil(), now), &other).is_err());
        let foreign = Tokens::new().unwrap().issued_by("https://elsewhere");
        assert!(verify(&foreign.mint("host", Uuid::nil(), now), &foreign).is_err());
    }

    #[test]
    fn base64_url_matches_the_vectors_of_the_rfc() {
        assert_eq!(base64_url(&[3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(base64_url(b"f"), "Zg");
        assert_eq!(base64_url(b"foobar"), "Zm9vYmFy");
    }
}
