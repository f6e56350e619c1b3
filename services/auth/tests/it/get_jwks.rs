//! `GetJwks` and the signing keys.

use std::sync::Arc;
use std::time::Duration;

use carshare_auth::App;
use carshare_auth::cli::{Command, handle};
use carshare_auth::keys::KeyRing;
use carshare_chassis::Environment;
use carshare_chassis::encryption::Sealer;
use carshare_proto::auth::v1::*;
use carshare_store::Db;
use carshare_testkit::{eventually, eventually_true};
use futures::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use sqlx::{Executor as _, PgPool};

use crate::harness::*;

/// `signing_keys.refresh_ms`.
const REFRESH: Duration = Duration::from_mins(1);

async fn keys(replica: &Replica) -> Vec<Jwk> {
    replica
        .client
        .clone()
        .get_jwks(GetJwksRequest {})
        .await
        .unwrap()
        .into_inner()
        .keys
}

/// Waits until `count` keys are published, and returns them.
async fn published(replica: &Replica, count: usize) -> Vec<Jwk> {
    eventually(TIMEOUT, || async {
        let keys = keys(replica).await;
        (keys.len() == count).then_some(keys)
    })
    .await
}

fn kid(access_token: &str) -> String {
    decode_header(access_token).unwrap().kid.unwrap()
}

#[tokio::test]
async fn published_key_verifies_tokens_and_claims_are_as_documented() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let keys = keys(&auth.replica).await;
    let [key] = keys.as_slice() else {
        panic!("{keys:?}")
    };
    assert_eq!(
        [&key.kty, &key.crv, &key.r#use, &key.alg],
        ["OKP", "Ed25519", "sig", "EdDSA"]
    );

    let header = decode_header(&session.access_token).unwrap();
    assert_eq!(
        (header.alg, header.kid.as_ref()),
        (Algorithm::EdDSA, Some(&key.kid))
    );
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["carshare"]);
    validation.set_issuer(&["https://carshare.kr"]);
    validation.validate_exp = false;
    let decoding = DecodingKey::from_ed_components(&key.x).unwrap();
    let claims = decode::<Value>(&session.access_token, &decoding, &validation)
        .unwrap()
        .claims;
    let (sid, jti): (sqlx::types::Uuid, sqlx::types::Uuid) =
        sqlx::query_as("SELECT session_id, access_token_id FROM refresh_tokens")
            .fetch_one(&auth.sql)
            .await
            .unwrap();
    let expected = json!({
        "iss": "https://carshare.kr", "aud": "carshare", "sub": session.user.unwrap().id, "role": "guest",
        "email_verified": false, "jti": jti, "sid": sid, "iat": 1_795_348_800, "exp": 1_795_349_700,
    });
    assert_eq!(claims, expected);
    auth.finish().await;
}

#[tokio::test]
async fn concurrent_first_loads_create_one_key() {
    let database = database().await;
    let config = config(&database.url(), "redis://unused").service;
    let rings = (1..=8).map(|seed| {
        let (environment, _) = Environment::manual(START.parse().unwrap(), seed);
        let sealer = Arc::new(Sealer::new(&config.seal, environment.random.clone()).unwrap());
        let db = Db::connect(&config.database, environment).unwrap();
        KeyRing::new(db, sealer, config.signing_keys.clone())
    });
    let rings: Vec<KeyRing> = rings.collect();

    // The lock allows reads and blocks inserts until all rings have found the table empty.
    let sql = PgPool::connect(&database.url()).await.unwrap();
    let mut gate = sql.acquire().await.unwrap();
    gate.execute("BEGIN; LOCK TABLE signing_keys IN SHARE MODE")
        .await
        .unwrap();
    let open = async {
        eventually_true(TIMEOUT, || async {
            let waiting =
                "SELECT count(*) FROM pg_locks WHERE relation = 'signing_keys'::regclass AND NOT granted";
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&sql).await.unwrap();
            waiting == 8
        })
        .await;
        gate.execute("COMMIT").await.unwrap();
    };
    let (loaded, ()) = tokio::join!(join_all(rings.iter().map(KeyRing::load)), open);
    for result in loaded {
        result.unwrap();
    }

    let sets = join_all(rings.iter().map(async |ring| ring.public().await.unwrap())).await;
    assert_eq!(sets[0].len(), 1);
    assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
}

#[tokio::test]
async fn replicas_started_together_share_one_key_and_accept_each_others_tokens() {
    let database = database().await;
    let config = config(&database.url(), &carshare_testkit::redis_url().await);
    let replicas = join_all((1..=4).map(|seed| Replica::start(config.clone(), seed))).await;
    let mut sets = Vec::new();
    for replica in &replicas {
        sets.push(keys(replica).await);
    }
    assert_eq!(sets[0].len(), 1);
    assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
    let registered = replicas[0]
        .client
        .clone()
        .register(guest("minji@example.com"))
        .await
        .unwrap()
        .into_inner();
    for replica in &replicas {
        let me = replica
            .client
            .clone()
            .get_me(bearer(GetMeRequest {}, &registered.access_token))
            .await
            .unwrap();
        assert_eq!(Some(me.into_inner()), registered.user);
    }
    for replica in replicas {
        replica.finish().await;
    }
}

#[tokio::test]
async fn new_key_is_published_by_the_next_refresh_and_signs_after_publish_ahead() {
    let auth = Auth::start().await;
    let before = auth.register("minji@example.com").await;
    let old = kid(&before.access_token);

    let (environment, clock) = Environment::manual(START.parse().unwrap(), 77);
    auth.replica.clock.advance(Duration::from_mins(1));
    clock.advance(Duration::from_mins(1));
    handle(
        auth.replica.config.clone(),
        environment,
        Command::RotateSigningKey,
    )
    .await
    .unwrap();

    assert_eq!(keys(&auth.replica).await.len(), 1);
    auth.replica.clock.advance(REFRESH);
    let published = published(&auth.replica, 2).await;
    assert_eq!(published[1].kid, old);
    auth.replica.clock.advance(Duration::from_secs(539));
    assert_eq!(kid(&auth.login("minji@example.com").await.access_token), old);
    auth.replica.clock.advance(Duration::from_secs(1));
    let after = auth.login("minji@example.com").await;
    assert_eq!(kid(&after.access_token), published[0].kid);
    auth.me(&before.access_token).await.unwrap();
    auth.me(&after.access_token).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn replaced_key_is_deleted_a_week_after_its_successor_was_added() {
    let auth = Auth::start().await;
    keys(&auth.replica).await;
    let (environment, clock) = Environment::manual(START.parse().unwrap(), 77);
    clock.advance(Duration::from_mins(1));
    handle(
        auth.replica.config.clone(),
        environment,
        Command::RotateSigningKey,
    )
    .await
    .unwrap();
    auth.replica.clock.advance(REFRESH);
    let newest = published(&auth.replica, 2).await[0].kid.clone();
    auth.replica.clock.advance(Duration::from_mins(7 * 24 * 60 - 1));
    assert_eq!(keys(&auth.replica).await.len(), 2);
    // A run in progress when the clock moved is followed by one ten minutes later.
    eventually_true(TIMEOUT, || async {
        auth.replica.clock.advance(Duration::from_mins(10));
        auth.count("signing_keys").await == 1
    })
    .await;
    auth.replica.clock.advance(REFRESH);
    let kept = published(&auth.replica, 1).await;
    assert_eq!(kept[0].kid, newest);
    auth.finish().await;
}

#[tokio::test]
async fn private_key_cannot_be_decrypted_with_another_sealing_key() {
    let auth = Auth::start().await;
    keys(&auth.replica).await;
    let mut config = auth.replica.config.clone();
    config.service.seal.keys.insert(
        "test".into(),
        "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=".into(),
    );
    let other = Replica::start(config, 2).await;
    let error = other
        .client
        .clone()
        .register(guest("minji@example.com"))
        .await
        .unwrap_err();
    assert_eq!(error_info(&error).1, "INTERNAL");
    assert_eq!(auth.count("users").await, 0);
    other.finish().await;
    auth.finish().await;
}

#[tokio::test]
async fn new_key_that_would_sign_before_every_replica_has_loaded_it_is_a_configuration_error() {
    let database = database().await;
    let mut config = config(&database.url(), &carshare_testkit::redis_url().await);
    config.service.signing_keys.publish_ahead = config.service.signing_keys.refresh;
    let error = App::new(config, Environment::system()).err().expect("refused");
    assert!(error.to_string().contains("refresh_ms"), "{error}");
}
