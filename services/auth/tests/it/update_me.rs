//! `UpdateMe`.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, with_idempotency_key};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;

fn update(name: Option<&str>, phone: Option<&str>) -> UpdateMeRequest {
    UpdateMeRequest {
        name: name.map(str::to_owned),
        phone: phone.map(str::to_owned),
        etag: None,
    }
}

impl Auth {
    async fn update_me(&self, session: &AuthResponse, request: UpdateMeRequest) -> Result<User, Status> {
        let request = bearer(request, &session.access_token);
        into_message(self.client().update_me(request).await)
    }

    async fn updated_at(&self) -> chrono::DateTime<chrono::Utc> {
        let updated = sqlx::query_scalar("SELECT updated_at FROM users");
        updated.fetch_one(&self.sql).await.unwrap()
    }
}

#[tokio::test]
async fn given_fields_change_and_the_public_profile_is_published() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let before = session.user.clone().unwrap();
    let renamed = auth
        .update_me(&session, update(Some(" 김민지2 "), None))
        .await
        .unwrap();
    let expected = User {
        name: "김민지2".into(),
        etag: renamed.etag.clone(),
        ..before.clone()
    };
    assert_eq!(renamed, expected);
    let moved = auth
        .update_me(&session, update(None, Some("+82-10-9876-5432")))
        .await
        .unwrap();
    let expected = User {
        phone: "+821098765432".into(),
        etag: moved.etag.clone(),
        ..expected
    };
    assert_eq!(moved, expected);
    assert_eq!(auth.me(&session.access_token).await.unwrap(), expected);
    // The phone number is not public.
    assert_eq!(
        auth.event_names(&before.id).await,
        ["user.registered", "user.updated"]
    );
    let data: Vec<u8> = sqlx::query_scalar("SELECT data FROM outbox WHERE name = 'user.updated'")
        .fetch_one(&auth.sql)
        .await
        .unwrap();
    let event = UserUpdated::decode(data.as_slice()).unwrap();
    assert_eq!(event.profile.unwrap().name, "김민지2");
    auth.finish().await;
}

#[tokio::test]
async fn change_with_an_earlier_tag_is_refused() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let read = session.user.clone().unwrap();
    let tagged = |name| UpdateMeRequest {
        etag: read.etag.clone(),
        ..update(Some(name), None)
    };
    let renamed = auth.update_me(&session, tagged("김민지2")).await.unwrap();
    assert_ne!(renamed.etag, read.etag);
    let refused = auth.update_me(&session, tagged("김민지3")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "ETAG_MISMATCH");
    assert_eq!(auth.me(&session.access_token).await.unwrap(), renamed);
    auth.finish().await;
}

#[tokio::test]
async fn present_values_change_and_publish_nothing() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let before = session.user.clone().unwrap();
    let updated_at = auth.updated_at().await;
    auth.replica.clock.advance(Duration::from_secs(1));
    for request in [update(None, None), update(Some("김민지"), Some("01012345678"))] {
        assert_eq!(auth.update_me(&session, request).await.unwrap(), before);
    }
    assert_eq!(auth.updated_at().await, updated_at);
    assert_eq!(auth.event_names(&before.id).await, ["user.registered"]);
    auth.finish().await;
}

#[tokio::test]
async fn invalid_field_is_named() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    for (request, field) in [
        (update(Some(""), None), "name"),
        (update(Some("  "), None), "name"),
        (update(None, Some("02-123-4567")), "phone"),
    ] {
        let error = auth.update_me(&session, request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        let violations = error.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, field);
    }
    let anonymous = auth.client().update_me(update(Some("x"), None)).await;
    assert_error(anonymous, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    auth.finish().await;
}

#[tokio::test]
async fn repeat_with_the_same_key_returns_the_first_reply() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let call = |name: &str| {
        let request = bearer(update(Some(name), None), &session.access_token);
        with_idempotency_key(request, "k1")
    };
    let first = auth.client().update_me(call("하나")).await.unwrap().into_inner();
    auth.update_me(&session, update(Some("둘"), None)).await.unwrap();
    let again = auth.client().update_me(call("하나")).await.unwrap().into_inner();
    assert_eq!(again, first);
    let reused = auth.client().update_me(call("셋")).await;
    assert_error(reused, Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", "COMMON003");
    assert_eq!(auth.me(&session.access_token).await.unwrap().name, "둘");
    auth.finish().await;
}
