//! Sessions: how they go on, and how they end.

use std::time::Duration;

use carshare_mesh::Mesh;
use carshare_proto::auth::v1::GetMeRequest;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::{
    ErrorInfo, Events, GrpcClient, PASSWORD, Response, Rest, mesh, mesh_with_manual_clock, with_token,
};

/// An account, and a client that is not signed in.
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
    fn of(answer: Response, status: u16) -> Self {
        let body = answer.ok(status);
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

/// Refused on every front with this code, and the challenge says that it is the token.
async fn assert_rejected(mesh: &Mesh, rest: &Rest, session: &Session, code: &str) {
    let answer = me(rest, session).await;
    assert_eq!(
        answer.headers["www-authenticate"],
        r#"Bearer realm="carshare", error="invalid_token""#
    );
    answer.expect_error(401, code);
    for wire in GrpcClient::all(mesh).await {
        let status = wire
            .auth()
            .get_me(with_token(&session.access, GetMeRequest {}))
            .await
            .expect_err("shut out");
        assert_eq!(
            (status.code(), ErrorInfo::from_status(&status).code.as_str()),
            (Code::Unauthenticated, code),
            "{:?}",
            wire.form
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_rotates_and_a_reuse_ends_the_family_and_nothing_else() {
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
        "보안을 위해 모든 로그인이 해제되었습니다. 다시 로그인해 주세요."
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
async fn a_logout_ends_the_session_at_once_and_nothing_else() {
    let mesh = mesh().await;
    let (rest, session) = account(&mesh).await;
    let (renewed, elsewhere) = (
        Session::of(refresh(&rest, &session).await, 200),
        login(&rest).await,
    );
    let signed_in = rest.signed_in(&renewed.access);
    let answer = signed_in.post("/v1/auth/logout", &json!({})).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (204, &json!("")));
    assert_rejected(&mesh, &rest, &renewed, "AUTH004").await;
    assert_rejected(&mesh, &rest, &session, "AUTH004").await;
    refresh(&rest, &renewed).await.expect_error(401, "AUTH012");
    signed_in
        .post("/v1/auth/logout", &json!({}))
        .await
        .expect_error(401, "AUTH004");
    // A token that does not count any more keeps nobody from public calls, signing in among them.
    signed_in.get("/.well-known/jwks.json").await.ok(200);
    login(&signed_in).await;
    me(&rest, &elsewhere).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_lasts_fifteen_minutes_and_a_refresh_token_thirty_days() {
    let (mesh, clock) = mesh_with_manual_clock().await;
    let (rest, session) = account(&mesh).await;
    let stream = Events::open(&rest.signed_in(&session.access), None).await;
    // Tokens tell whole seconds.
    clock.advance(Duration::from_secs(15 * 60 - 1));
    me(&rest, &session).await.ok(200);
    clock.advance(Duration::from_secs(1));
    assert_rejected(&mesh, &rest, &session, "AUTH002").await;
    let last = stream.rest().await.pop().expect("an ending");
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
