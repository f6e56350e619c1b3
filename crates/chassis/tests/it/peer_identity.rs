//! Identity of the calling service: certificates, and the header that stands for them in plain text.

use carshare_chassis::config::{Common, Tls};
use carshare_chassis::identity::Caller;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::{GetMeRequest, LoginRequest};
use carshare_proto::vehicle::v1::ReleaseHoldRequest;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_testkit::Ca;
use tonic::Code;

use crate::fake::Behaviour;
use crate::harness::{TestServer, USER, certificate, facts, named, plain};

fn login() -> LoginRequest {
    LoginRequest {
        email: "minji@example.com".into(),
        password: "correct horse 11".into(),
        mfa_code: None,
    }
}

fn hold() -> ReleaseHoldRequest {
    ReleaseHoldRequest {
        booking_id: USER.to_string(),
    }
}

#[tokio::test]
async fn internal_rpc_allows_the_named_service_by_its_certificate() {
    let ca = Ca::new().unwrap();
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(
        Common {
            tls: certificate(&ca, "vehicle"),
            ..Common::default()
        },
        &behaviour,
    )
    .await;
    let as_service = |name: &str| VehicleServiceClient::new(server.peer("vehicle", &certificate(&ca, name)));

    as_service("booking").release_hold(hold()).await.unwrap();
    assert_eq!(
        contexts.recv().await.unwrap().caller,
        Caller::Service("booking".to_owned())
    );

    let refused = as_service("payment").release_hold(hold()).await.unwrap_err();
    assert_eq!(
        (refused.code(), facts(&refused)),
        (Code::PermissionDenied, named("PERMISSION_DENIED", "AUTH003"))
    );

    // With TLS the header names nobody, and a token is ignored.
    let mut request = server.request("admin", hold());
    request
        .metadata_mut()
        .insert("x-carshare-peer", "booking".parse().unwrap());
    let refused = as_service("gateway").release_hold(request).await.unwrap_err();
    assert_eq!(facts(&refused), named("PERMISSION_DENIED", "AUTH003"));
}

#[tokio::test]
async fn service_is_not_a_user() {
    let ca = Ca::new().unwrap();
    let common = Common {
        tls: certificate(&ca, "auth"),
        ..Common::default()
    };
    let server = TestServer::start(common, &Behaviour::ok()).await;
    let mut auth = AuthServiceClient::new(server.peer("auth", &certificate(&ca, "booking")));
    let refused = auth.get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!(facts(&refused), named("UNAUTHENTICATED", "AUTH001"));
    auth.get_me(server.request("guest", GetMeRequest {}))
        .await
        .unwrap();
}

#[tokio::test]
async fn certificate_of_another_authority_cannot_connect() {
    let ca = Ca::new().unwrap();
    let common = Common {
        tls: certificate(&ca, "vehicle"),
        ..Common::default()
    };
    let server = TestServer::start(common, &Behaviour::ok()).await;
    let other = Ca::new().unwrap();
    // It trusts the authority of the server, so only the server refuses.
    let forged = Tls {
        ca_pem: Some(ca.cert_pem()),
        ..certificate(&other, "booking")
    };
    let refused = VehicleServiceClient::new(server.peer("vehicle", &forged))
        .release_hold(hold())
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), facts(&refused)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
    // The server has a certificate of another service than the called one.
    let mismatched = server.peer("payment", &certificate(&ca, "booking"));
    let refused = VehicleServiceClient::new(mismatched)
        .release_hold(hold())
        .await
        .unwrap_err();
    assert_eq!(facts(&refused), named("UNAVAILABLE", "COMMON005"));
}

#[tokio::test]
async fn peer_that_is_not_of_the_mesh_may_call_nothing() {
    let ca = Ca::new().unwrap();
    let common = Common {
        tls: certificate(&ca, "auth"),
        ..Common::default()
    };
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(common, &behaviour).await;
    for uri in [
        "spiffe://carshare/mallory",
        "spiffe://elsewhere/gateway",
        "spiffe://carshare.evil/gateway",
        "https://carshare/gateway",
    ] {
        let issued = ca.issue_for("gateway", uri).unwrap();
        let tls = Tls {
            cert_pem: Some(issued.cert_pem),
            key_pem: Some(issued.key_pem.into()),
            ..certificate(&ca, "gateway")
        };
        let mut auth = AuthServiceClient::new(server.peer("auth", &tls));
        let public = auth.login(login()).await.unwrap_err();
        assert_eq!(facts(&public), named("PERMISSION_DENIED", "AUTH003"), "{uri}");
        let any_user = auth.get_me(server.request("guest", GetMeRequest {})).await;
        assert_eq!(
            facts(&any_user.unwrap_err()),
            named("PERMISSION_DENIED", "AUTH003"),
            "{uri}"
        );
    }
    assert!(contexts.try_recv().is_err());
    let mut auth = AuthServiceClient::new(server.peer("auth", &certificate(&ca, "gateway")));
    auth.login(login()).await.unwrap();
}

#[tokio::test]
async fn peer_header_names_the_caller_in_plain_text() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let claiming = |name: Option<&str>| {
        let tls = Tls {
            insecure_as: name.map(str::to_owned),
            ..Tls::insecure()
        };
        VehicleServiceClient::new(server.peer("vehicle", &tls))
    };
    claiming(Some("booking")).release_hold(hold()).await.unwrap();
    let refused = claiming(None).release_hold(hold()).await.unwrap_err();
    assert_eq!(facts(&refused), named("UNAUTHENTICATED", "AUTH001"));
}
