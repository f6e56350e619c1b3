//! Errors as clients see them.

use std::time::Duration;

use carshare_chassis::Error;
use carshare_chassis::config::{Common, Server};
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::{GetMeRequest, LoginRequest};
use carshare_proto::booking::v1::ErrorReason as Booking;
use carshare_proto::notification::v1::SubscribeRequest;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetail, StatusExt as _};

use crate::fake::{self, Behaviour};
use crate::harness::{TestServer, facts, named, plain};

fn login() -> LoginRequest {
    LoginRequest {
        email: "guest@example.com".into(),
        password: "correct horse".into(),
        mfa_code: None,
    }
}

fn in_english<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("accept-language", "en-US,en;q=0.9".parse().unwrap());
    request
}

async fn error(behaviour: &Behaviour, request: Request<LoginRequest>) -> Status {
    let server = TestServer::start(plain(), behaviour).await;
    AuthServiceClient::new(server.channel())
        .login(request)
        .await
        .unwrap_err()
}

fn texts(status: &Status) -> Vec<(String, String)> {
    let texts = status
        .get_error_details_vec()
        .into_iter()
        .filter_map(|detail| match detail {
            ErrorDetail::LocalizedMessage(text) => Some((text.locale, text.message)),
            _ => None,
        });
    texts.collect()
}

#[tokio::test]
async fn invalid_fields_are_all_reported_in_both_languages_before_the_handler() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let bad = LoginRequest {
        email: "nobody".into(),
        password: String::new(),
        mfa_code: None,
    };
    let status = error(&behaviour, Request::new(bad)).await;
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::InvalidArgument, named("INVALID_ARGUMENT", "COMMON001"))
    );
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let shape: Vec<_> = violations
        .iter()
        .map(|v| {
            let korean = v.localized_message.as_ref().unwrap();
            (
                v.field.as_str(),
                v.description.as_str(),
                korean.locale.as_str(),
                korean.message.as_str(),
            )
        })
        .collect();
    let expected = [
        (
            "email",
            "must be an e-mail address",
            "ko",
            "이메일 형식이 올바르지 않습니다.",
        ),
        (
            "password",
            "must have at least 1 character",
            "ko",
            "1자 이상이어야 합니다.",
        ),
    ];
    assert_eq!(shape, expected);
    let expected = [
        ("ko", "입력값을 확인해 주세요."),
        ("en", "Please check the values you sent."),
    ];
    assert_eq!(
        texts(&status),
        expected.map(|(l, t)| (l.to_owned(), t.to_owned()))
    );
    assert!(contexts.try_recv().is_err());
}

#[tokio::test]
async fn message_of_an_invalid_request_is_in_the_callers_language() {
    let behaviour = Behaviour::new(|_| async { Err(Error::internal(anyhow::anyhow!("not called"))) });
    let table = [
        (None, "입력값을 확인해 주세요."),
        (Some("ko-KR"), "입력값을 확인해 주세요."),
        (Some("en"), "Please check the values you sent."),
    ];
    for (language, message) in table {
        let mut request = Request::new(LoginRequest::default());
        if let Some(language) = language {
            request
                .metadata_mut()
                .insert("accept-language", language.parse().unwrap());
        }
        let status = error(&behaviour, request).await;
        assert_eq!(status.message(), message);
        assert_eq!(
            status.get_details_bad_request().unwrap().field_violations.len(),
            2
        );
        assert_eq!(facts(&status), named("INVALID_ARGUMENT", "COMMON001"));
    }
}

#[tokio::test]
async fn error_is_in_the_callers_language_with_its_details() {
    let behaviour = Behaviour::new(|_| async {
        Err(Error::new(Booking::SlotTaken)
            .with("vehicle_id", "7")
            .retry_after(Duration::from_secs(2)))
    });
    let korean = error(&behaviour, Request::new(login())).await;
    let english = error(&behaviour, in_english(login())).await;
    let spec = Error::new(Booking::SlotTaken).spec();
    assert_eq!(
        (korean.message(), english.message()),
        (spec.ko.as_str(), spec.en.as_str())
    );
    assert_eq!(
        (english.code(), facts(&english)),
        (Code::FailedPrecondition, named("SLOT_TAKEN", "BOOKING002"))
    );
    assert_eq!(
        english.get_details_error_info().unwrap().metadata["vehicle_id"],
        "7"
    );
    assert_eq!(
        english.get_details_retry_info().unwrap().retry_delay,
        Some(Duration::from_secs(2))
    );
}

#[tokio::test]
async fn defect_and_panic_do_not_show_their_cause() {
    let defect = Behaviour::new(|_| async { Err(anyhow::anyhow!("password hunter2").into()) });
    let panic = Behaviour::new(|_| async { panic!("password hunter2") });
    for behaviour in [defect, panic] {
        let status = error(&behaviour, in_english(login())).await;
        assert_eq!(
            (status.code(), facts(&status)),
            (Code::Internal, named("INTERNAL", "COMMON007"))
        );
        let raw = format!("{status:?} {}", String::from_utf8_lossy(status.details()));
        assert!(!raw.contains("hunter2"), "{raw}");
    }
}

#[tokio::test]
async fn message_above_the_limit_is_refused_before_it_is_decoded() {
    let server = Server {
        max_message_bytes: 64,
        ..Server::default()
    };
    let server = TestServer::start(Common { server, ..plain() }, &Behaviour::ok()).await;
    let mut auth = AuthServiceClient::new(server.channel());
    auth.login(login()).await.unwrap();
    let status = auth
        .login(LoginRequest {
            password: "x".repeat(64),
            ..login()
        })
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::ResourceExhausted, named("TOO_LARGE", "COMMON009"))
    );
}

#[tokio::test]
async fn idempotency_key_reaches_the_handler_and_an_invalid_one_is_refused() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.channel());
    let with_key = |key: &'static str| {
        let mut request = Request::new(login());
        request
            .metadata_mut()
            .insert("idempotency-key", key.parse().unwrap());
        request
    };
    auth.login(with_key("k-1")).await.unwrap();
    auth.login(with_key("k-1")).await.unwrap();
    let (first, again) = (contexts.recv().await.unwrap(), contexts.recv().await.unwrap());
    assert_eq!(first.idempotency.as_ref().unwrap().as_str(), "k-1");
    assert_eq!(first.request_hash, again.request_hash);
    assert_ne!(first.request_hash, [0; 32]);
    let status = auth.login(with_key("two words")).await.unwrap_err();
    assert_eq!(facts(&status), named("INVALID_ARGUMENT", "COMMON001"));
    assert_eq!(
        status.get_details_bad_request().unwrap().field_violations[0].field,
        "idempotency-key"
    );
}

#[tokio::test]
async fn correlation_id_is_kept_if_valid_and_else_generated() {
    let (behaviour, mut contexts) = Behaviour::recording();
    let server = TestServer::start(plain(), &behaviour).await;
    let mut auth = AuthServiceClient::new(server.channel());
    for (sent, kept) in [("client-1", true), ("two words", false), ("", false)] {
        let mut request = server.request("guest", GetMeRequest {});
        request
            .metadata_mut()
            .insert("x-correlation-id", sent.parse().unwrap());
        let reply = auth.get_me(request).await.unwrap();
        let sent_back = reply
            .metadata()
            .get("x-correlation-id")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(contexts.recv().await.unwrap().correlation_id, sent_back);
        assert_eq!(sent_back == sent, kept, "{sent}");
        assert!(!sent_back.is_empty());
    }
}

#[tokio::test]
async fn call_above_the_limit_is_refused_at_once() {
    let server = Server {
        max_in_flight: 0,
        ..Server::default()
    };
    let server = TestServer::start(Common { server, ..plain() }, &Behaviour::ok()).await;
    let status = AuthServiceClient::new(server.channel())
        .login(login())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Unavailable, named("UNAVAILABLE", "COMMON005"))
    );
}

#[tokio::test]
async fn panic_inside_a_stream_is_a_defect() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let mut notification = NotificationServiceClient::new(server.channel());
    let request = server.request(
        "guest",
        SubscribeRequest {
            cursor: fake::PANICS.to_owned(),
        },
    );
    let mut stream = notification.subscribe(request).await.unwrap().into_inner();
    // The encoder may send the first message or not.
    let status = loop {
        match stream.message().await {
            Ok(message) => assert!(message.is_some(), "the stream ended without an error"),
            Err(status) => break status,
        }
    };
    assert_eq!(
        (status.code(), facts(&status)),
        (Code::Internal, named("INTERNAL", "COMMON007"))
    );
    assert!(!format!("{status:?}").contains("hunter2"));
}

#[tokio::test]
async fn stream_runs_in_the_request_context_of_its_call() {
    let server = TestServer::start(plain(), &Behaviour::ok()).await;
    let mut notification = NotificationServiceClient::new(server.channel());
    let mut request = server.request("guest", SubscribeRequest::default());
    request
        .metadata_mut()
        .insert("x-correlation-id", "client-1".parse().unwrap());
    let mut stream = notification.subscribe(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().cursor, "client-1");
}
