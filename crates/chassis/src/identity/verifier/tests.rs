mod other_releases;
mod verified_before;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use uuid::Uuid;

use super::*;
use crate::clock::ManualClock;
use crate::identity::StaticJwks;
use crate::identity::{Jwk, Role};
use carshare_testkit::Tokens;

/// A source that counts fetches, and fails without keys.
#[derive(Default)]
struct Source {
    fetches: AtomicUsize,
    keys: Mutex<Option<Vec<Jwk>>>,
}

impl JwksSource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, Error>> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let keys = self.keys.lock().unwrap().clone();
        async move { keys.ok_or_else(|| Error::unavailable("auth is unavailable", Duration::from_secs(1))) }
            .boxed()
    }
}

struct Harness {
    verifier: Verifier,
    source: Arc<Source>,
    clock: ManualClock,
    signer: Tokens,
}

async fn harness() -> Harness {
    let (clock, manual) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
    let signer = Tokens::new().unwrap();
    let source = Arc::new(Source::default());
    let keys = keys_of(&signer).await;
    *source.keys.lock().unwrap() = Some(keys);
    let verifier = Verifier::new(
        &config::Identity::default(),
        Arc::clone(&source) as Arc<dyn JwksSource>,
        clock,
    );
    Harness {
        verifier,
        source,
        clock: manual,
        signer,
    }
}

async fn keys_of(tokens: &Tokens) -> Vec<Jwk> {
    StaticJwks::from_json(&tokens.jwks())
        .unwrap()
        .fetch()
        .await
        .unwrap()
}

impl Harness {
    fn claims(&self) -> Claims {
        let iat = self.clock.now().timestamp();
        Claims {
            iss: "https://carshare.kr".into(),
            aud: "carshare".into(),
            sub: Uuid::from_u128(1),
            role: Role::Host,
            email_verified: true,
            jti: Uuid::from_u128(2),
            sid: Uuid::from_u128(3),
            iat,
            exp: iat + 900,
        }
    }

    fn sign(&self, claims: &Claims) -> String {
        self.signer.sign(claims).unwrap()
    }

    async fn refusal(&self, claims: &Claims) -> &'static str {
        self.verifier
            .verify(&self.sign(claims))
            .await
            .unwrap_err()
            .reason()
    }

    fn fetches(&self) -> usize {
        self.source.fetches.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn valid_token_is_its_user() {
    let harness = harness().await;
    let claims = harness.claims();
    let user = harness.verifier.verify(&harness.sign(&claims)).await.unwrap();
    let expires_at = "2026-11-22T12:15:00Z".parse().unwrap();
    let expected = UserCaller {
        id: Uuid::from_u128(1),
        role: Role::Host,
        email_verified: true,
        token_id: Uuid::from_u128(2),
        session_id: Uuid::from_u128(3),
        expires_at,
    };
    assert_eq!(user, expected);
}

#[tokio::test]
async fn token_expires_by_the_injected_clock() {
    let harness = harness().await;
    let token = harness.sign(&harness.claims());
    harness.clock.advance(Duration::from_secs(899));
    assert!(harness.verifier.verify(&token).await.is_ok());
    harness.clock.advance(Duration::from_secs(1));
    let error = harness.verifier.verify(&token).await.unwrap_err();
    assert_eq!(error.reason(), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn other_issuer_audience_and_key_are_refused() {
    let harness = harness().await;
    let claims = harness.claims();
    assert_eq!(
        harness
            .refusal(&Claims {
                iss: "https://evil".into(),
                ..claims.clone()
            })
            .await,
        "UNAUTHENTICATED"
    );
    assert_eq!(
        harness
            .refusal(&Claims {
                aud: "other".into(),
                ..claims.clone()
            })
            .await,
        "UNAUTHENTICATED"
    );
    let other_key = jsonwebtoken::EncodingKey::from_ed_der(
        aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .unwrap()
            .as_ref(),
    );
    let header = jsonwebtoken::decode_header(harness.sign(&claims)).unwrap();
    let forged = jsonwebtoken::encode(&header, &claims, &other_key).unwrap();
    assert_eq!(
        harness.verifier.verify(&forged).await.unwrap_err().reason(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn malformed_tokens_and_other_algorithms_are_refused() {
    let harness = harness().await;
    // {"alg":"none"} and {"alg":"HS256","kid":"key-1"}, each with an empty signature.
    let wrong = [
        "",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtleS0xIn0.e30.AAAA",
    ];
    for token in wrong {
        assert_eq!(
            harness.verifier.verify(token).await.unwrap_err().reason(),
            "UNAUTHENTICATED",
            "{token}"
        );
    }
    let long = "x".repeat(MAX_TOKEN_BYTES + 1);
    assert_eq!(
        harness.verifier.verify(&long).await.unwrap_err().reason(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_old() {
    let harness = harness().await;
    let long_lived = Claims {
        exp: harness.claims().exp + 86_400,
        ..harness.claims()
    };
    let token = harness.sign(&long_lived);
    for _ in 0..3 {
        harness.verifier.verify(&token).await.unwrap();
    }
    assert_eq!(harness.fetches(), 1);
    harness.clock.advance(Duration::from_mins(5));
    harness.verifier.verify(&token).await.unwrap();
    // The fetch runs in the background.
    carshare_testkit::eventually_true(Duration::from_secs(10), async || harness.fetches() == 2).await;
    harness.verifier.verify(&token).await.unwrap();
    assert_eq!(harness.fetches(), 2);
}

#[tokio::test]
async fn unknown_key_id_fetches_at_once_but_not_repeatedly() {
    let harness = harness().await;
    harness
        .verifier
        .verify(&harness.sign(&harness.claims()))
        .await
        .unwrap();
    let next = Tokens::new().unwrap();
    let token = next.sign(&harness.claims()).unwrap();
    for _ in 0..10 {
        assert_eq!(
            harness.verifier.verify(&token).await.unwrap_err().reason(),
            "UNAUTHENTICATED"
        );
    }
    assert_eq!(harness.fetches(), 1);
    let added = keys_of(&next).await;
    harness
        .source
        .keys
        .lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .extend(added);
    harness.clock.advance(Duration::from_secs(5));
    assert!(harness.verifier.verify(&token).await.is_ok());
    assert_eq!(harness.fetches(), 2);
}

#[tokio::test]
async fn old_keys_are_used_while_auth_is_unreachable_and_no_keys_are_unavailable() {
    let harness = harness().await;
    let token = harness.sign(&Claims {
        exp: harness.claims().exp + 86_400,
        ..harness.claims()
    });
    let keys = harness.source.keys.lock().unwrap().take();
    let error = harness.verifier.verify(&token).await.unwrap_err();
    assert_eq!(error.reason(), "UNAVAILABLE");
    *harness.source.keys.lock().unwrap() = keys;
    assert!(harness.verifier.verify(&token).await.is_ok());
    harness.source.keys.lock().unwrap().take();
    harness.clock.advance(Duration::from_hours(1));
    assert!(harness.verifier.verify(&token).await.is_ok());
}

/// A source that responds once for each permit.
struct Gated {
    keys: Mutex<Vec<Jwk>>,
    gate: tokio::sync::Semaphore,
}

impl JwksSource for Gated {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, Error>> {
        async move {
            self.gate.acquire().await.unwrap().forget();
            Ok(self.keys.lock().unwrap().clone())
        }
        .boxed()
    }
}

#[tokio::test]
async fn cancelled_call_does_not_cancel_the_fetch_for_others() {
    let harness = harness().await;
    let source = Arc::new(Gated {
        keys: Mutex::new(keys_of(&harness.signer).await),
        gate: tokio::sync::Semaphore::new(1),
    });
    let (clock, manual) = Clock::manual(harness.clock.now());
    let shared = Arc::clone(&source) as Arc<dyn JwksSource>;
    let verifier = Verifier::new(&config::Identity::default(), shared, clock);
    assert!(verifier.verify(&harness.sign(&harness.claims())).await.is_ok());
    let next = Tokens::new().unwrap();
    let added = keys_of(&next).await;
    source.keys.lock().unwrap().extend(added);
    let token = next.sign(&harness.claims()).unwrap();
    manual.advance(Duration::from_secs(5));
    let cancelled = tokio::time::timeout(Duration::from_millis(20), verifier.verify(&token)).await;
    assert!(cancelled.is_err());
    source.gate.add_permits(1);
    assert!(verifier.verify(&token).await.is_ok());
}
