//! PostgreSQL becomes unreachable and reachable again.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use carshare_testkit::eventually_true;
use carshare_testkit::proxy::FaultProxy;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::*;

#[tokio::test]
async fn calls_are_unavailable_while_postgres_is_unreachable() {
    let database = database().await;
    let (proxy, through) = FaultProxy::in_front_of(&database.url()).await.unwrap();
    let mut config = config(&through, &carshare_testkit::redis_url().await);
    config.service.database.acquire_timeout = Duration::from_millis(500);
    let replica = Replica::start(config, 1).await;
    let mut client = replica.client.clone();
    let session = client
        .register(guest("minji@example.com"))
        .await
        .unwrap()
        .into_inner();

    proxy.cut();
    let error = client
        .get_me(bearer(GetMeRequest {}, &session.access_token))
        .await
        .unwrap_err();
    assert_eq!(
        error_info(&error),
        (Code::Unavailable, "UNAVAILABLE".into(), "COMMON005".into())
    );
    assert!(error.get_details_retry_info().unwrap().retry_delay.is_some());
    // The keys are served from memory, so that tokens can be verified.
    assert_eq!(
        client
            .get_jwks(GetJwksRequest {})
            .await
            .unwrap()
            .into_inner()
            .keys
            .len(),
        1
    );

    proxy.heal();
    eventually_true(TIMEOUT, || {
        let mut client = replica.client.clone();
        let request = bearer(GetMeRequest {}, &session.access_token);
        async move { client.get_me(request).await.is_ok() }
    })
    .await;
    replica.finish().await;
}

#[tokio::test]
async fn service_started_before_postgres_serves_once_it_is_reachable() {
    let database = database().await;
    let (proxy, through) = FaultProxy::in_front_of(&database.url()).await.unwrap();
    proxy.cut();
    let mut config = config(&through, &carshare_testkit::redis_url().await);
    config.service.database.acquire_timeout = Duration::from_millis(500);
    let replica = Replica::start(config, 1).await;
    let error = replica.client.clone().register(guest("minji@example.com")).await;
    assert_error(error, Code::Unavailable, "UNAVAILABLE", "COMMON005");
    proxy.heal();
    eventually_true(TIMEOUT, || {
        let mut client = replica.client.clone();
        async move {
            client
                .register(keyed(guest("minji@example.com"), "k1"))
                .await
                .is_ok()
        }
    })
    .await;
    replica.finish().await;
}
