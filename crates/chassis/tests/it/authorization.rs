//! Authentication and authorization of users: tokens and roles.

use std::time::Duration;

use carshare_chassis::config::{Common, Identity, Redis, RevocationPolicy, Tls};
use carshare_chassis::identity::{Revocations, Role};
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1::GetMeRequest;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::payment::v1::GetPaymentCustomerRequest;
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use tonic::{Code, Request, Status};

use crate::fake::Behaviour;
use crate::harness::{TestServer, USER, facts, named, plain, with_token};

async fn get_me(server: &TestServer, request: Request<GetMeRequest>) -> Result<(), Status> {
    AuthServiceClient::new(server.channel())
        .get_me(request)
        .await
        .map(drop)
}

#[tokio::test]
async fn bearer_token_makes_its_user_the_caller() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(plain(), &behaviour).await;
    get_me(&server, server.request("host", GetMeRequest {}))
        .await
        .unwrap();
    let context: CallContext = contexts.recv().await.unwrap();
    let user = context.user().unwrap();
    assert_eq!((user.id, user.role), (USER, Role::Host));
    assert_eq!(user.expires_at.to_rfc3339(), "2026-11-22T12:15:00+00:00");
    assert_eq!(context.method, "/carshare.auth.v1.AuthService/GetMe");
    assert_eq!(
        context.metadata.get("authorization"),
        None,
        "no handler gets the token"
    );
}

#[tokio::test]
async fn missing_token_and_token_of_another_key_are_refused() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let refused = get_me(&server, Request::new(GetMeRequest {})).await.unwrap_err();
    assert_eq!(
        (refused.code(), facts(&refused)),
        (Code::Unauthenticated, named("UNAUTHENTICATED", "AUTH001"))
    );
    let other_key = carshare_testkit::Tokens::new()
        .unwrap()
        .mint("admin", USER, server.clock.now());
    let refused = get_me(&server, with_token(GetMeRequest {}, &other_key))
        .await
        .unwrap_err();
    assert_eq!(facts(&refused), named("UNAUTHENTICATED", "AUTH001"));
}

#[tokio::test]
async fn token_expires_by_the_injected_clock() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let token = server.tokens.mint("guest", USER, server.clock.now());
    get_me(&server, with_token(GetMeRequest {}, &token))
        .await
        .unwrap();
    server.clock.advance(Duration::from_mins(15));
    let refused = get_me(&server, with_token(GetMeRequest {}, &token))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), facts(&refused)),
        (Code::Unauthenticated, named("TOKEN_EXPIRED", "AUTH002"))
    );
}

#[tokio::test]
async fn other_role_is_refused() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let mut payment = PaymentServiceClient::new(server.channel());
    payment
        .get_payment_customer(server.request("guest", GetPaymentCustomerRequest {}))
        .await
        .unwrap();
    let request = server.request("host", GetPaymentCustomerRequest {});
    let refused = payment.get_payment_customer(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), facts(&refused)),
        (Code::PermissionDenied, named("PERMISSION_DENIED", "AUTH003"))
    );
}

#[tokio::test]
async fn rpc_outside_the_contract_is_never_reached() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(plain(), &behaviour).await;
    let mut client = tonic::client::Grpc::new(server.channel());
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/carshare.elsewhere.v1.ElsewhereService/Do");
    let codec = tonic_prost::ProstCodec::<GetMeRequest, GetMeRequest>::new();
    let request = server.request("admin", GetMeRequest {});
    let refused = client.unary(request, path, codec).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert!(contexts.try_recv().is_err());
}

#[tokio::test]
async fn revoked_token_is_refused_and_the_policy_decides_while_redis_is_unreachable() {
    let redis = Redis::at(carshare_testkit::redis_url().await);
    let unreachable = Redis::at("redis://127.0.0.1:1");
    let outcome = async |policy: RevocationPolicy, redis: &Redis, revoke: bool| {
        let identity = Identity {
            revocation: policy,
            ..Identity::default()
        };
        let common = Common { identity, ..plain() };
        let server = TestServer::customized(common, &Behaviour::ok(), |server| {
            server.revocations(redis).unwrap()
        })
        .await;
        let claims = server.tokens.claims("guest", USER, server.clock.now());
        let token = server.tokens.sign(&claims).unwrap();
        if revoke {
            let (clock, _) = carshare_chassis::Clock::manual(server.clock.now());
            let ends = server.clock.now() + Duration::from_mins(15);
            Revocations::new(redis, policy)
                .unwrap()
                .revoke(claims.jti, ends, &clock)
                .await
                .unwrap();
        }
        get_me(&server, with_token(GetMeRequest {}, &token))
            .await
            .map_err(|status| facts(&status))
    };
    assert_eq!(outcome(RevocationPolicy::Open, &redis, false).await, Ok(()));
    assert_eq!(
        outcome(RevocationPolicy::Open, &redis, true).await,
        Err(named("TOKEN_REVOKED", "AUTH004"))
    );
    assert_eq!(outcome(RevocationPolicy::Off, &redis, true).await, Ok(()));
    assert_eq!(outcome(RevocationPolicy::Open, &unreachable, false).await, Ok(()));
    assert_eq!(
        outcome(RevocationPolicy::Closed, &unreachable, false).await,
        Err(named("UNAVAILABLE", "COMMON005"))
    );
}

#[tokio::test]
async fn revocation_is_not_checked_again_for_a_service_that_has_checked_it() {
    let redis = Redis::at(carshare_testkit::redis_url().await);
    let identity = Identity {
        revocation: RevocationPolicy::Open,
        revocation_checked_by: vec!["gateway".to_owned()],
        ..Identity::default()
    };
    let common = Common { identity, ..plain() };
    let server = TestServer::customized(common, &Behaviour::ok(), |server| {
        server.revocations(&redis).unwrap()
    })
    .await;
    let claims = server.tokens.claims("guest", USER, server.clock.now());
    let token = server.tokens.sign(&claims).unwrap();
    let (clock, _) = carshare_chassis::Clock::manual(server.clock.now());
    let ends = server.clock.now() + Duration::from_mins(15);
    let revocations = Revocations::new(&redis, RevocationPolicy::Open).unwrap();
    revocations.revoke(claims.jti, ends, &clock).await.unwrap();
    let through = async |peer: &str| {
        let tls = Tls {
            insecure_as: Some(peer.to_owned()),
            ..Tls::insecure()
        };
        let mut auth = AuthServiceClient::new(server.peer("auth", &tls));
        let called = auth.get_me(with_token(GetMeRequest {}, &token)).await;
        called.map(drop).map_err(|status| facts(&status))
    };
    assert_eq!(through("gateway").await, Ok(()));
    assert_eq!(through("booking").await, Err(named("TOKEN_REVOKED", "AUTH004")));
}
