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

/// A source that counts how often it is asked and can be taken away.
#[derive(Default)]
struct Source {
    asked: AtomicUsize,
    keys: Mutex<Option<Vec<Jwk>>>,
}

impl JwksSource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, Error>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let keys = self.keys.lock().unwrap().clone();
        async move { keys.ok_or_else(|| Error::unavailable("auth is unavailable", Duration::from_secs(1))) }
            .boxed()
    }
}

struct Bench {
    verifier: Verifier,
    source: Arc<Source>,
    clock: ManualClock,
    signer: Tokens,
}

async fn bench() -> Bench {
    let (clock, hand) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
    let signer = Tokens::new().unwrap();
    let source = Arc::new(Source::default());
    let keys = keys_of(&signer).await;
    *source.keys.lock().unwrap() = Some(keys);
    let verifier = Verifier::new(
        &config::Identity::default(),
        Arc::clone(&source) as Arc<dyn JwksSource>,
        clock,
    );
    Bench {
        verifier,
        source,
        clock: hand,
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

impl Bench {
    fn claims(&self) -> Claims {
        let iat = self.clock.now().timestamp();
        Claims {
            iss: "https://carshare.kr".into(),
            aud: "carshare".into(),
            sub: Uuid::from_u128(1),
            role: Role::Host,
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

    fn asked(&self) -> usize {
        self.source.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_good_token_is_its_user() {
    let bench = bench().await;
    let claims = bench.claims();
    let user = bench.verifier.verify(&bench.sign(&claims)).await.unwrap();
    let expires_at = "2026-11-22T12:15:00Z".parse().unwrap();
    let expected = UserCaller {
        id: Uuid::from_u128(1),
        role: Role::Host,
        token_id: Uuid::from_u128(2),
        session_id: Uuid::from_u128(3),
        expires_at,
    };
    assert_eq!(user, expected);
}

#[tokio::test]
async fn a_token_ends_exactly_at_its_time_by_the_injected_clock() {
    let bench = bench().await;
    let token = bench.sign(&bench.claims());
    bench.clock.advance(Duration::from_secs(899));
    assert!(bench.verifier.verify(&token).await.is_ok());
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(
        bench.verifier.verify(&token).await.unwrap_err().reason(),
        "TOKEN_EXPIRED"
    );
}

#[tokio::test]
async fn foreign_issuer_audience_and_key_are_refused() {
    let bench = bench().await;
    let claims = bench.claims();
    assert_eq!(
        bench
            .refusal(&Claims {
                iss: "https://evil".into(),
                ..claims.clone()
            })
            .await,
        "UNAUTHENTICATED"
    );
    assert_eq!(
        bench
            .refusal(&Claims {
                aud: "other".into(),
                ..claims.clone()
            })
            .await,
        "UNAUTHENTICATED"
    );
    let impostor = jsonwebtoken::EncodingKey::from_ed_der(
        aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .unwrap()
            .as_ref(),
    );
    let header = jsonwebtoken::decode_header(bench.sign(&claims)).unwrap();
    let forged = jsonwebtoken::encode(&header, &claims, &impostor).unwrap();
    assert_eq!(
        bench.verifier.verify(&forged).await.unwrap_err().reason(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn garbage_and_other_algorithms_are_refused() {
    let bench = bench().await;
    // {"alg":"none"} and {"alg":"HS256","kid":"key-1"}, each with an empty signature.
    let wrong = [
        "",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtleS0xIn0.e30.AAAA",
    ];
    for token in wrong {
        assert_eq!(
            bench.verifier.verify(token).await.unwrap_err().reason(),
            "UNAUTHENTICATED",
            "{token}"
        );
    }
    let long = "x".repeat(LONGEST_TOKEN_BYTES + 1);
    assert_eq!(
        bench.verifier.verify(&long).await.unwrap_err().reason(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_old() {
    let bench = bench().await;
    let long_lived = Claims {
        exp: bench.claims().exp + 86_400,
        ..bench.claims()
    };
    let token = bench.sign(&long_lived);
    for _ in 0..3 {
        bench.verifier.verify(&token).await.unwrap();
    }
    assert_eq!(bench.asked(), 1);
    bench.clock.advance(Duration::from_mins(5));
    bench.verifier.verify(&token).await.unwrap();
    // The call did not wait for it.
    carshare_testkit::eventually_true(Duration::from_secs(10), async || bench.asked() == 2).await;
    bench.verifier.verify(&token).await.unwrap();
    assert_eq!(bench.asked(), 2);
}

#[tokio::test]
async fn an_unknown_key_id_fetches_at_once_but_not_in_a_flood() {
    let bench = bench().await;
    bench.verifier.verify(&bench.sign(&bench.claims())).await.unwrap();
    let next = Tokens::new().unwrap();
    let token = next.sign(&bench.claims()).unwrap();
    for _ in 0..10 {
        assert_eq!(
            bench.verifier.verify(&token).await.unwrap_err().reason(),
            "UNAUTHENTICATED"
        );
    }
    assert_eq!(bench.asked(), 1);
    let added = keys_of(&next).await;
    bench.source.keys.lock().unwrap().as_mut().unwrap().extend(added);
    bench.clock.advance(Duration::from_secs(5));
    assert!(bench.verifier.verify(&token).await.is_ok());
    assert_eq!(bench.asked(), 2);
}

#[tokio::test]
async fn old_keys_serve_while_auth_is_away_but_no_keys_is_unavailable() {
    let bench = bench().await;
    let token = bench.sign(&Claims {
        exp: bench.claims().exp + 86_400,
        ..bench.claims()
    });
    let keys = bench.source.keys.lock().unwrap().take();
    assert_eq!(
        bench.verifier.verify(&token).await.unwrap_err().reason(),
        "UNAVAILABLE"
    );
    *bench.source.keys.lock().unwrap() = keys;
    assert!(bench.verifier.verify(&token).await.is_ok());
    bench.source.keys.lock().unwrap().take();
    bench.clock.advance(Duration::from_hours(1));
    assert!(bench.verifier.verify(&token).await.is_ok());
}

/// A source that answers when it is let.
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
async fn a_caller_that_gives_up_does_not_keep_the_keys_from_the_others() {
    let bench = bench().await;
    let source = Arc::new(Gated {
        keys: Mutex::new(keys_of(&bench.signer).await),
        gate: tokio::sync::Semaphore::new(1),
    });
    let (clock, hand) = Clock::manual(bench.clock.now());
    let shared = Arc::clone(&source) as Arc<dyn JwksSource>;
    let verifier = Verifier::new(&config::Identity::default(), shared, clock);
    assert!(verifier.verify(&bench.sign(&bench.claims())).await.is_ok());
    let next = Tokens::new().unwrap();
    let added = keys_of(&next).await;
    source.keys.lock().unwrap().extend(added);
    let token = next.sign(&bench.claims()).unwrap();
    hand.advance(Duration::from_secs(5));
    let gave_up = tokio::time::timeout(Duration::from_millis(20), verifier.verify(&token)).await;
    assert!(gave_up.is_err());
    source.gate.add_permits(1);
    assert!(verifier.verify(&token).await.is_ok());
}
