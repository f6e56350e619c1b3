//! Absence of passwords, tokens and private keys from the database and the logs.

use std::time::Duration;

use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::*;
use carshare_testkit::process::{Binary, Launch};
use carshare_testkit::{eventually, free_port};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Code;
use tonic::transport::Endpoint;

use crate::harness::*;

/// Returns the rows of a table as text, with binary columns decoded.
async fn dump(auth: &Auth, table: &'static str) -> String {
    let sql =
        format!("SELECT coalesce(string_agg(encode(t::text::bytea, 'escape'), ' '), '') FROM {table} t");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(&auth.sql)
        .await
        .unwrap()
}

#[tokio::test]
async fn database_contains_no_password_and_no_token() {
    let auth = Auth::start().await;
    let request = guest("minji@example.com");
    let plain_hash = Sha256::digest(request.encode_to_vec()).to_vec();
    let pair = auth
        .client()
        .register(keyed(request, "k1"))
        .await
        .unwrap()
        .into_inner();
    let refresh = RefreshRequest {
        refresh_token: pair.refresh_token.clone(),
    };
    let next = auth
        .client()
        .refresh(keyed(refresh, "k2"))
        .await
        .unwrap()
        .into_inner();

    let secrets = [
        PASSWORD,
        &pair.access_token,
        &pair.refresh_token,
        &next.access_token,
        &next.refresh_token,
    ];
    for table in [
        "users",
        "sessions",
        "refresh_tokens",
        "signing_keys",
        "revocations",
        "idempotency",
        "outbox",
    ] {
        let text = dump(&auth, table).await;
        for secret in secrets {
            let in_hex = hex::encode(secret);
            assert!(
                !text.contains(secret) && !text.contains(&in_hex),
                "a secret is in {table}"
            );
        }
    }
    // A plain hash of the request would reveal the password to a search.
    let hashes: Vec<Vec<u8>> = sqlx::query_scalar("SELECT request_hash FROM idempotency ORDER BY key")
        .fetch_all(&auth.sql)
        .await
        .unwrap();
    assert_eq!(hashes.len(), 2);
    assert!(!hashes.contains(&plain_hash));
    auth.finish().await;
}

#[tokio::test]
async fn logs_contain_no_password_token_email_or_phone_number() {
    let database = database().await;
    let port = free_port().unwrap();
    let mut env = environment(&database.url(), &carshare_testkit::redis_url().await);
    env.push(("AUTH__SERVER__LISTEN".into(), format!("127.0.0.1:{port}")));
    env.push(("AUTH__TELEMETRY__LOG".into(), "debug".into()));
    let launch = Launch {
        args: vec!["serve".into()],
        env: env.into_iter().collect(),
        dir: None,
    };
    let mut binary = Binary::spawn(env!("CARGO_BIN_EXE_carshare-auth"), launch).unwrap();
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
    let channel = eventually(TIMEOUT, || async { endpoint.connect().await.ok() }).await;
    let mut client = AuthServiceClient::new(channel);

    let pair = client
        .register(keyed(guest("minji@example.com"), "k1"))
        .await
        .unwrap()
        .into_inner();
    client
        .login(LoginRequest {
            email: "minji@example.com".into(),
            password: "wrong horse 99".into(),
            mfa_code: None,
        })
        .await
        .unwrap_err();
    let refresh = RefreshRequest {
        refresh_token: pair.refresh_token.clone(),
    };
    let next = client.refresh(refresh.clone()).await.unwrap().into_inner();
    client.refresh(refresh).await.unwrap_err();
    let error = client.logout(bearer(LogoutRequest {}, &next.access_token)).await;
    assert_error(error, Code::Unauthenticated, "TOKEN_REVOKED", "AUTH004");

    binary.terminate().unwrap();
    assert!(binary.wait(Duration::from_secs(30)).await.unwrap().success());
    let logs = binary.logs();
    assert!(
        logs.contain("rpc.auth.register"),
        "the calls are logged: {}",
        logs.tail()
    );
    let secrets = [
        &pair.access_token,
        &pair.refresh_token,
        &next.access_token,
        &next.refresh_token,
    ];
    for secret in secrets.into_iter().map(String::as_str).chain([
        PASSWORD,
        "wrong horse 99",
        "minji@example.com",
        "1234-5678",
        "+821012345678",
        "김민지",
    ]) {
        assert!(!logs.contain(secret), "{secret} is in the logs");
    }
}
