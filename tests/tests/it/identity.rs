//! Sessions: refresh, reuse of refresh tokens, logout, expiry.

use std::time::Duration;

use carshare_mesh::Mesh;
use carshare_proto::auth::v1::GetMeRequest;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::{
    ErrorInfo, Events, GrpcClient, PASSWORD, Response, Rest, mesh, mesh_with_manual_clock, with_token,
};

/// Registers an account; a client without a session.
async fn account(mesh: &Mesh) -> (Rest, Session) {
    let rest = Rest::of(mesh);
    let account = json!({
        "email": "kim@example.com", "password": PASSWORD, "name": "김", "phone": "010-2345-6789", "role": "guest",
    });
    let session = Session::of(rest.post("/v1/auth/register", &account).await, 201);
    (rest, session)
}

#[derive(Clone, Debug)]
struct Session {
    access: String,
    refresh: String,
}

impl Session {
    fn of(response: Response, status: u16) -> Self {
        let body = response.ok(status);
        assert_eq!(body["expires_in"], 900);
        let text = |name: &str| body[name].as_str().expect("a token").to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

async fn login(rest: &Rest) -> Session {
    let credentials = json!({ "email": "KIM@example.com", "password": PASSWORD });
    Session::of(rest.post("/v1/auth/login", &credentials).await, 200)
}

async fn refresh(rest: &Rest, session: &Session) -> Response {
    rest.post("/v1/auth/refresh", &json!({ "refresh_token": session.refresh }))
        .await
}

async fn me(rest: &Rest, session: &Session) -> Response {
    rest.signed_in(&session.access).get("/v1/auth/me").await
}

/// Asserts that every protocol rejects the access token with this code.
async fn assert_rejected(mesh: &Mesh, rest: &Rest, session: &Session, code: &str) {
    let response = me(rest, session).await;
    assert_eq!(
        response.headers["www-authenticate"],
        r#"Bearer realm="carshare", error="invalid_token""#
    );
    response.expect_error(401, code);
    for wire in GrpcClient::all(mesh).await {
        let status = wire
            .auth()
            .get_me(with_token(&session.access, GetMeRequest {}))
            .await
            .expect_err("an error");
        assert_eq!(
            (status.code(), ErrorInfo::from_status(&status).code.as_str()),
            (Code::Unauthenticated, code),
            "{:?}",
            wire.form
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_rotates_and_reuse_ends_the_token_family() {
    let mesh = mesh().await;
    let (rest, first) = account(&mesh).await;
    let elsewhere = login(&rest).await;
    let second = Session::of(refresh(&rest, &first).await, 200);
    assert_ne!(first.refresh, second.refresh);
    assert_ne!(first.access, second.access);
    let third = Session::of(refresh(&rest, &second).await, 200);
    for session in [&first, &second, &third] {
        me(&rest, session).await.ok(200);
    }

    let info = refresh(&rest, &first).await.expect_error(401, "AUTH013");
    assert_eq!(
        info["detail"],
        "보안을 위해 이 기기의 로그인이 해제되었습니다. 다시 로그인해 주세요."
    );
    refresh(&rest, &third).await.expect_error(401, "AUTH012");
    refresh(&rest, &first).await.expect_error(401, "AUTH012");
    for session in [&first, &second, &third] {
        assert_rejected(&mesh, &rest, session, "AUTH004").await;
    }
    me(&rest, &elsewhere).await.ok(200);
    Session::of(refresh(&rest, &elsewhere).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_ends_one_session_at_once() {
    let mesh = mesh().await;
    let (rest, session) = account(&mesh).await;
    let (renewed, elsewhere) = (
        Session::of(refresh(&rest, &session).await, 200),
        login(&rest).await,
    );
    let signed_in = rest.signed_in(&renewed.access);
    let response = signed_in.post("/v1/auth/logout", &json!({})).await;
    assert_eq!((response.status.as_u16(), &response.body), (204, &json!("")));
    assert_rejected(&mesh, &rest, &renewed, "AUTH004").await;
    assert_rejected(&mesh, &rest, &session, "AUTH004").await;
    refresh(&rest, &renewed).await.expect_error(401, "AUTH012");
    signed_in
        .post("/v1/auth/logout", &json!({}))
        .await
        .expect_error(401, "AUTH004");
    // Public calls, login among them, ignore an invalid token.
    signed_in.get("/.well-known/jwks.json").await.ok(200);
    login(&signed_in).await;
    me(&rest, &elsewhere).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_token_expires_after_15_minutes_and_refresh_token_after_30_days() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (rest, session) = account(&mesh).await;
    let stream = Events::open(&rest.signed_in(&session.access), None).await;
    // Token times have whole seconds.
    clock.advance(Duration::from_secs(15 * 60 - 1));
    me(&rest, &session).await.ok(200);
    clock.advance(Duration::from_secs(1));
    assert_rejected(&mesh, &rest, &session, "AUTH002").await;
    let last = stream.rest().await.pop().expect("a last event");
    assert_eq!(
        (last.name.as_str(), &last.data["code"]),
        ("error", &json!("AUTH002"))
    );

    let renewed = Session::of(refresh(&rest, &session).await, 200);
    me(&rest, &renewed).await.ok(200);
    clock.advance(Duration::from_hours(30 * 24) - Duration::from_secs(1));
    let renewed = Session::of(refresh(&rest, &renewed).await, 200);
    clock.advance(Duration::from_hours(30 * 24));
    refresh(&rest, &renewed).await.expect_error(401, "AUTH012");
    let user: Value = me(&rest, &login(&rest).await).await.ok(200);
    assert_eq!(user["email"], "kim@example.com");
}
