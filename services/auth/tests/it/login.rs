//! `Login`.

use carshare_proto::auth::v1::*;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::*;

fn credentials(email: &str, password: &str) -> LoginRequest {
    LoginRequest {
        email: email.into(),
        password: password.into(),
        mfa_code: None,
    }
}

#[tokio::test]
async fn login_begins_a_new_session() {
    let auth = Auth::start().await;
    let registered = auth.register("minji@example.com").await;
    let logged_in = auth.login("MinJi@Example.com").await;
    assert_eq!(logged_in.user, registered.user);
    assert_ne!(logged_in.refresh_token, registered.refresh_token);
    assert_ne!(
        claims(&logged_in.access_token)["sid"],
        claims(&registered.access_token)["sid"]
    );
    assert_eq!(auth.count("sessions").await, 2);
    auth.finish().await;
}

#[tokio::test]
async fn unknown_address_and_wrong_password_return_the_same_error() {
    let auth = Auth::start().await;
    auth.register("minji@example.com").await;
    let wrong = auth
        .client()
        .login(credentials("minji@example.com", "wrong horse 11"))
        .await
        .unwrap_err();
    let unknown = auth
        .client()
        .login(credentials("nobody@example.com", PASSWORD))
        .await
        .unwrap_err();
    assert_eq!(
        error_info(&wrong),
        (
            Code::Unauthenticated,
            "INVALID_CREDENTIALS".into(),
            "AUTH010".into()
        )
    );
    assert_eq!(
        (unknown.code(), unknown.message()),
        (wrong.code(), wrong.message())
    );
    assert_eq!(
        unknown.get_error_details_vec().len(),
        wrong.get_error_details_vec().len()
    );
    assert_eq!(error_info(&unknown), error_info(&wrong));
    assert_eq!(auth.count("sessions").await, 1);
    auth.finish().await;
}

#[tokio::test]
async fn invalid_fields_are_named() {
    let auth = Auth::start().await;
    let error = auth.client().login(credentials("minji", "")).await.unwrap_err();
    let fields = error.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.into_iter().map(|violation| violation.field).collect();
    assert_eq!(fields, ["email", "password"]);
    auth.finish().await;
}

#[tokio::test]
async fn repeat_with_the_same_key_begins_no_second_session() {
    let auth = Auth::start().await;
    auth.register("minji@example.com").await;
    let request = credentials("minji@example.com", PASSWORD);
    let first = auth
        .client()
        .login(keyed(request.clone(), "k1"))
        .await
        .unwrap()
        .into_inner();
    let again = auth
        .client()
        .login(keyed(request, "k1"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, again);
    assert_eq!(auth.count("sessions").await, 2);

    let wrong = auth
        .client()
        .login(keyed(credentials("minji@example.com", "wrong horse 11"), "k1"))
        .await;
    assert_error(wrong, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
    auth.finish().await;
}
