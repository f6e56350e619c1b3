//! `Register`.

use carshare_proto::auth::v1::*;
use carshare_proto::options::v1::Role;
use futures::future::join_all;
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::*;

#[tokio::test]
async fn register_creates_an_account_and_a_session_and_publishes_the_profile() {
    let auth = Auth::start().await;
    let request = RegisterRequest {
        email: "Minji.Kim@Example.com".into(),
        name: " 김민지 ".into(),
        role: Role::Host.into(),
        ..guest("")
    };
    let reply = auth.client().register(request).await.unwrap().into_inner();
    let user = reply.user.clone().unwrap();
    let expected = User {
        id: user.id.clone(),
        email: "minji.kim@example.com".into(),
        name: "김민지".into(),
        phone: "+821012345678".into(),
        role: Role::Host.into(),
        profile_image_url: None,
        profile_thumbnail_url: None,
        is_verified: false,
        created_at: Some(prost_types::Timestamp {
            seconds: 1_795_348_800,
            nanos: 123_456_000,
        }),
        etag: user.etag.clone(),
        mfa_enabled: false,
    };
    assert_eq!(user, expected);
    assert_eq!(reply.expires_in, 900);
    assert_eq!(auth.me(&reply.access_token).await.unwrap(), expected);

    let events: Vec<(String, String, Vec<u8>)> =
        sqlx::query_as("SELECT name, key, data FROM outbox ORDER BY seq")
            .fetch_all(&auth.sql)
            .await
            .unwrap();
    let [(name, key, data)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((name.as_str(), key), ("user.registered", &user.id));
    let profile = UserProfile {
        id: user.id.clone(),
        name: user.name,
        role: user.role,
        profile_image_url: None,
        profile_thumbnail_url: None,
        is_verified: false,
        created_at: user.created_at,
        is_deleted: false,
        rating: None,
    };
    let published = UserRegistered::decode(data.as_slice()).unwrap();
    assert_eq!(
        published,
        UserRegistered {
            user_id: user.id,
            profile: Some(profile)
        }
    );
    auth.finish().await;
}

#[tokio::test]
async fn nul_characters_are_rejected() {
    let auth = Auth::start().await;
    let request = RegisterRequest {
        name: "김\0민지".into(),
        ..guest("nul@example.com")
    };
    let error = auth.client().register(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let violations = error.get_details_bad_request().unwrap().field_violations;
    assert_eq!((violations.len(), violations[0].field.as_str()), (1, "name"));
    let login = LoginRequest {
        email: "nul@example.com".into(),
        password: "correct\0horse".into(),
        mfa_code: None,
    };
    let error = auth.client().login(login).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    auth.finish().await;
}

#[tokio::test]
async fn addresses_with_letters_that_fold_to_ascii_are_refused() {
    let auth = Auth::start().await;
    // Kelvin sign, full-width letter, Cyrillic letter, decomposed accent.
    for email in [
        "\u{212a}im@example.com",
        "\u{ff4d}inji@example.com",
        "minji@ex\u{430}mple.com",
        "e\u{301}mi@example.com",
    ] {
        let error = auth.client().register(guest(email)).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{email}");
    }
    assert_eq!(auth.count("users").await, 0);
    auth.finish().await;
}

#[tokio::test]
async fn one_of_ten_concurrent_registrations_of_an_email_holds_it() {
    let auth = Auth::start().await;
    let tries = (0..10).map(|_| {
        let mut client = auth.client();
        async move { client.register(guest("minji@example.com")).await.unwrap() }
    });
    join_all(tries).await;
    assert_eq!((auth.count("users").await, auth.count("outbox").await), (10, 10));
    assert_eq!(auth.count("users WHERE email = 'minji@example.com'").await, 1);
    let provisional = "users WHERE provisional_email = 'minji@example.com' AND email IS NULL";
    assert_eq!(auth.count(provisional).await, 9);
    auth.finish().await;
}

#[tokio::test]
async fn invalid_fields_are_all_named_and_nothing_is_stored() {
    let auth = Auth::start().await;
    let invalid = RegisterRequest {
        email: "nobody".into(),
        password: "short".into(),
        name: String::new(),
        phone: "02-123-4567".into(),
        role: Role::Admin.into(),
    };
    let error = auth.client().register(invalid).await.unwrap_err();
    assert_eq!(
        error_info(&error),
        (
            Code::InvalidArgument,
            "INVALID_ARGUMENT".into(),
            "COMMON001".into()
        )
    );
    let fields = error.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.into_iter().map(|violation| violation.field).collect();
    assert_eq!(fields, ["email", "password", "name", "phone", "role"]);

    let blank = auth
        .client()
        .register(RegisterRequest {
            name: "  ".into(),
            ..guest("a@example.com")
        })
        .await;
    let blank = blank.unwrap_err();
    assert_eq!(
        blank.get_details_bad_request().unwrap().field_violations[0].field,
        "name"
    );
    assert_eq!(auth.count("users").await, 0);
    auth.finish().await;
}

#[tokio::test]
async fn weak_passwords_are_rejected_with_the_reason() {
    let auth = Auth::start().await;
    let table = [
        (
            "Password1234",
            "is among the most used passwords or a common word",
        ),
        (
            "비밀번호1234",
            "is among the most used passwords or a common word",
        ),
        (
            "]'/]'/[;.",
            "consists of sequences, repetitions or neighbouring keys",
        ),
        ("minji.kim-2026", "contains the e-mail address"),
        ("kakakakakaka", "needs four different characters or more"),
    ];
    for (password, why) in table {
        let weak = RegisterRequest {
            password: password.into(),
            ..guest("minji.kim@example.com")
        };
        let error = auth.client().register(weak).await.unwrap_err();
        assert_eq!(
            error_info(&error),
            (Code::InvalidArgument, "WEAK_PASSWORD".into(), "AUTH015".into())
        );
        let violation = error
            .get_details_bad_request()
            .unwrap()
            .field_violations
            .remove(0);
        assert_eq!(
            (violation.field.as_str(), violation.description.as_str()),
            ("password", why)
        );
    }
    assert_eq!(auth.count("users").await, 0);
    auth.finish().await;
}

#[tokio::test]
async fn repeat_with_the_same_key_returns_the_same_reply() {
    let auth = Auth::start().await;
    let first = auth
        .client()
        .register(keyed(guest("minji@example.com"), "k1"))
        .await
        .unwrap()
        .into_inner();
    let again = auth
        .client()
        .register(keyed(guest("minji@example.com"), "k1"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, again);
    assert_eq!(
        (
            auth.count("users").await,
            auth.count("sessions").await,
            auth.count("outbox").await
        ),
        (1, 1, 1)
    );

    let other_password = RegisterRequest {
        password: "another horse 22".into(),
        ..guest("minji@example.com")
    };
    let error = auth.client().register(keyed(other_password, "k1")).await;
    assert_error(error, Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", "COMMON003");
    auth.finish().await;
}

#[tokio::test]
async fn concurrent_repeats_create_one_account() {
    let auth = Auth::start().await;
    let calls = (0..8).map(|_| {
        let mut client = auth.client();
        async move {
            client
                .register(keyed(guest("minji@example.com"), "k1"))
                .await
                .unwrap()
                .into_inner()
        }
    });
    let replies = join_all(calls).await;
    assert!(replies.iter().all(|reply| *reply == replies[0]));
    assert_eq!((auth.count("users").await, auth.count("sessions").await), (1, 1));
    auth.finish().await;
}
