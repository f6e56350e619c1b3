//! `retire-signing-key`: a key that may be stolen is removed at once.

use std::time::Duration;

use carshare_auth::cli::{Command, handle};
use carshare_chassis::Environment;
use carshare_proto::auth::v1::GetJwksRequest;
use carshare_testkit::eventually_true;
use jsonwebtoken::decode_header;
use tonic::Code;

use crate::harness::*;

/// `signing_keys.refresh_ms`.
const RELOADED: Duration = Duration::from_mins(1);
/// `identity.jwks_refresh_ms`.
const FETCHED: Duration = Duration::from_mins(5);

fn kid(access_token: &str) -> String {
    decode_header(access_token).unwrap().kid.unwrap()
}

impl Auth {
    async fn retire(&self, kid: &str) -> anyhow::Result<()> {
        let (environment, clock) = Environment::manual(START.parse().unwrap(), 77);
        clock.advance(Duration::from_mins(1));
        let command = Command::RetireSigningKey { kid: kid.into() };
        handle(self.replica.config.clone(), environment, command).await
    }
}

#[tokio::test]
async fn tokens_of_a_retired_key_are_refused_and_a_new_key_signs_at_once() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let old = kid(&session.access_token);
    auth.retire(&old).await.unwrap();
    auth.replica.clock.advance(RELOADED);
    eventually_true(TIMEOUT, || async {
        let published = auth.client().get_jwks(GetJwksRequest {}).await.unwrap();
        published.into_inner().keys.iter().all(|key| key.kid != old)
    })
    .await;
    auth.replica.clock.advance(FETCHED);
    eventually_true(TIMEOUT, || async {
        let refused = auth.me(&session.access_token).await;
        refused.is_err_and(|error| error_info(&error).1 == "UNAUTHENTICATED")
    })
    .await;
    // The session itself continues, with tokens of the new key.
    let renewed = auth.refresh(&session.refresh_token).await.unwrap();
    assert_ne!(kid(&renewed.access_token), old);
    auth.me(&renewed.access_token).await.unwrap();
    let recorded: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws(' ', action, before ->> 'kid') FROM audit_events WHERE action LIKE 'signing_key%' ORDER BY id",
    )
    .fetch_all(&auth.sql)
    .await
    .unwrap();
    let retired = format!("signing_key_retire {old}");
    assert_eq!(recorded, [retired.as_str(), "signing_key_add"]);
    auth.finish().await;
}

#[tokio::test]
async fn unknown_key_is_not_retired_and_none_is_added() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let refused = auth.retire("nonsense").await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("there is no signing key nonsense"),
        "{refused:#}"
    );
    assert_eq!(auth.count("signing_keys").await, 1);
    let again = auth.login("minji@example.com").await;
    assert_eq!(kid(&again.access_token), kid(&session.access_token));
    let me = auth.me("a.b.c").await;
    assert_error(me, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    auth.finish().await;
}
