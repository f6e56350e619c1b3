//! FCM, with the requests of the notification service: access token, send, inbox.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Fixture, answer, start};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

struct Claims {
    aud: Option<String>,
    iat: DateTime<Utc>,
    lifetime_seconds: i64,
    scope: &'static str,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            aud: None,
            iat: start(),
            lifetime_seconds: 3600,
            scope: SCOPE,
        }
    }
}

async fn mint(it: &Fixture, claims: Claims) -> (StatusCode, Value) {
    let account = it.sandbox.service_account_json();
    let text = |field: &str| account[field].as_str().unwrap().to_owned();
    let payload = json!({
        "iss": text("client_email"),
        "scope": claims.scope,
        "aud": claims.aud.unwrap_or_else(|| text("token_uri")),
        "iat": claims.iat.timestamp(),
        "exp": claims.iat.timestamp() + claims.lifetime_seconds,
    });
    let key = EncodingKey::from_rsa_pem(text("private_key").as_bytes()).unwrap();
    let header = Header {
        kid: Some(text("private_key_id")),
        ..Header::new(Algorithm::RS256)
    };
    let assertion = encode(&header, &payload, &key).unwrap();
    post_assertion(it, &assertion).await
}

async fn post_assertion(it: &Fixture, assertion: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion),
    ];
    let token_uri = it.sandbox.service_account_json()["token_uri"]
        .as_str()
        .unwrap()
        .to_owned();
    answer(it.http.post(token_uri).form(&form)).await
}

async fn access_token(it: &Fixture) -> String {
    let (status, answer) = mint(it, Claims::default()).await;
    assert_eq!(
        (status.as_u16(), &answer["token_type"], &answer["expires_in"]),
        (200, &json!("Bearer"), &json!(3599))
    );
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn send(it: &Fixture, token: &str, body: Value) -> (StatusCode, Value) {
    let path = "/fcm/v1/projects/carshare-sandbox/messages:send";
    answer(it.request(Method::POST, path).bearer_auth(token).json(&body)).await
}

fn approved(device: &str) -> Value {
    json!({ "message": {
        "token": device,
        "notification": { "title": "예약 승인", "body": "호스트가 예약을 <b>승인</b>했습니다." },
        "data": { "type": "booking_approved" },
        "android": { "priority": "HIGH", "ttl": "3600s" },
    }})
}

#[tokio::test]
async fn accepted_push_appears_escaped_in_the_inbox() {
    let it = Fixture::new().await;
    let token = access_token(&it).await;
    let (status, sent) = send(&it, &token, approved("phone-1")).await;

    assert_eq!(status, 200);
    let pushes = it.sandbox.pushes();
    assert_eq!(
        sent["name"],
        format!("projects/carshare-sandbox/messages/{}", pushes[0].id)
    );
    assert_eq!(
        (pushes[0].token.as_str(), pushes[0].title.as_deref()),
        ("phone-1", Some("예약 승인"))
    );
    assert_eq!(pushes[0].data["type"], "booking_approved");
    let (_, json) = answer(it.request(Method::GET, "/fcm/inbox.json?token=phone-1")).await;
    assert_eq!(json[0]["id"], json!(pushes[0].id));
    let (_, other) = answer(it.request(Method::GET, "/fcm/inbox.json?token=phone-2")).await;
    assert_eq!(other, json!([]));
    let page = it
        .request(Method::GET, "/fcm/inbox")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("호스트가 예약을 &lt;b&gt;승인&lt;/b&gt;했습니다."));
    assert!(!page.contains("<b>승인"));
}

#[tokio::test]
async fn message_with_validate_only_is_not_added_to_the_inbox() {
    let it = Fixture::new().await;
    let token = access_token(&it).await;
    let mut body = approved("phone-1");
    body["validate_only"] = json!(true);
    assert_eq!(
        send(&it, &token, body).await.1["name"],
        "projects/carshare-sandbox/messages/fake_message_id"
    );
    assert_eq!(it.sandbox.pushes(), []);
}

#[tokio::test]
async fn invalid_assertions_return_google_errors() {
    let it = Fixture::new().await;
    let invalid = async |claims: Claims| {
        let (status, answer) = mint(&it, claims).await;
        assert_eq!(status, 400);
        answer["error"].as_str().unwrap().to_owned()
    };
    let elsewhere = Some("https://oauth2.googleapis.com/token".to_owned());
    assert_eq!(
        invalid(Claims {
            aud: elsewhere,
            ..Claims::default()
        })
        .await,
        "invalid_grant"
    );
    let (hour, minutes) = (Duration::from_hours(1), Duration::from_mins(6));
    assert_eq!(
        invalid(Claims {
            iat: start() - hour,
            ..Claims::default()
        })
        .await,
        "invalid_grant"
    );
    assert_eq!(
        invalid(Claims {
            iat: start() + minutes,
            ..Claims::default()
        })
        .await,
        "invalid_grant"
    );
    assert_eq!(
        invalid(Claims {
            lifetime_seconds: 3601,
            ..Claims::default()
        })
        .await,
        "invalid_grant"
    );
    assert_eq!(
        invalid(Claims {
            scope: "email",
            ..Claims::default()
        })
        .await,
        "invalid_scope"
    );

    let payload = json!({ "iss": "x", "scope": SCOPE, "aud": "y", "iat": 0, "exp": 1 });
    let forged = encode(&Header::default(), &payload, &EncodingKey::from_secret(b"guess")).unwrap();
    let (status, refused) = post_assertion(&it, &forged).await;
    assert_eq!(status, 400);
    assert_eq!(
        refused,
        json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." })
    );
}

#[tokio::test]
async fn access_tokens_expire_after_an_hour() {
    let it = Fixture::new().await;
    let token = access_token(&it).await;
    it.clock.advance(Duration::from_secs(3598));
    assert_eq!(send(&it, &token, approved("phone-1")).await.0, 200);
    it.clock.advance(Duration::from_secs(1));
    let (status, body) = send(&it, &token, approved("phone-1")).await;
    assert_eq!(
        (status.as_u16(), &body["error"]["status"]),
        (401, &json!("UNAUTHENTICATED"))
    );
    assert!(body["error"].get("details").is_none());
}

#[tokio::test]
async fn magic_tokens_return_the_documented_errors() {
    let it = Fixture::new().await;
    let token = access_token(&it).await;
    let expected = [
        ("sbx-unregistered-1", 404, "NOT_FOUND", "UNREGISTERED"),
        ("sbx-mismatch", 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        ("sbx-quota", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        ("sbx-unavailable", 503, "UNAVAILABLE", "UNAVAILABLE"),
        ("sbx-internal", 500, "INTERNAL", "INTERNAL"),
        (
            "sbx-third-party",
            401,
            "UNAUTHENTICATED",
            "THIRD_PARTY_AUTH_ERROR",
        ),
        ("sbx-invalid", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    ];
    for (device, http, status, code) in expected {
        let (answered, body) = send(&it, &token, approved(device)).await;
        let error = &body["error"];
        assert_eq!(
            (answered.as_u16(), &error["code"]),
            (http, &json!(http)),
            "{device}"
        );
        assert_eq!(
            (&error["status"], &error["details"][0]["errorCode"]),
            (&json!(status), &json!(code)),
            "{device}"
        );
    }
    assert_eq!(it.sandbox.pushes(), []);
}

#[tokio::test]
async fn messages_of_other_projects_or_over_the_size_limit_are_rejected() {
    let it = Fixture::new().await;
    let token = access_token(&it).await;
    let path = "/fcm/v1/projects/somebody-else/messages:send";
    let (status, _) = answer(
        it.request(Method::POST, path)
            .bearer_auth(&token)
            .json(&approved("p")),
    )
    .await;
    assert_eq!(status, 403);
    let body = json!({ "message": { "token": "p", "data": { "k": "x".repeat(4096) } } });
    let (status, big) = send(&it, &token, body).await;
    assert_eq!(
        (status.as_u16(), &big["error"]["status"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
    assert!(big["error"].get("details").is_none());
}
