//! Lengths and scripts of passwords, and hashes of earlier releases.

use carshare_proto::auth::v1::*;
use carshare_service_testkit::into_message;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;

const EMAIL: &str = "minji@example.com";

impl Auth {
    async fn register_with(&self, password: &str) -> Result<AuthResponse, Status> {
        let request = RegisterRequest {
            password: password.into(),
            ..guest(EMAIL)
        };
        into_message(self.client().register(request).await)
    }

    async fn login_with(&self, password: &str) -> Result<AuthResponse, Status> {
        let request = LoginRequest {
            email: EMAIL.into(),
            password: password.into(),
            mfa_code: None,
        };
        into_message(self.client().login(request).await)
    }

    async fn stored_hash(&self) -> String {
        let hash = sqlx::query_scalar("SELECT password_hash FROM users");
        hash.fetch_one(&self.sql).await.unwrap()
    }

    /// Stores a hash as earlier releases did.
    async fn store_old_hash(&self, password: &str) -> String {
        let hash = bcrypt::hash(password, 4).unwrap();
        let update = sqlx::query("UPDATE users SET password_hash = $1").bind(&hash);
        update.execute(&self.sql).await.unwrap();
        hash
    }
}

#[track_caller]
fn assert_violation(error: &Status, field: &str, rule: &str, ko: &str, en: &str) {
    assert_eq!(error.code(), Code::InvalidArgument);
    let violation = &error.get_details_bad_request().unwrap().field_violations[0];
    let korean = violation.localized_message.as_ref().unwrap();
    assert_eq!(
        (
            violation.field.as_str(),
            violation.reason.as_str(),
            korean.message.as_str(),
            violation.description.as_str()
        ),
        (field, rule, ko, en)
    );
}

#[tokio::test]
async fn password_of_64_hangul_syllables_signs_in_however_they_are_composed() {
    let auth = Auth::start().await;
    let syllables = "잃닭쫓뷁핥앉꿇뜷".repeat(8);
    assert_eq!((syllables.chars().count(), syllables.len()), (64, 192));
    auth.register_with(&syllables).await.unwrap();
    auth.login_with(&syllables).await.unwrap();
    // As a keyboard sends them that does not compose syllables.
    let decomposed: String = unicode_normalization::UnicodeNormalization::nfd(syllables.as_str()).collect();
    assert!(decomposed.len() > 500);
    auth.login_with(&decomposed).await.unwrap();
    let last_differs = format!("{}뷁", syllables.trim_end_matches('뜷'));
    let refused = auth.login_with(&last_differs).await;
    assert_error(refused, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
    auth.finish().await;
}

#[tokio::test]
async fn password_of_65_characters_is_refused_in_both_languages() {
    let auth = Auth::start().await;
    let long = format!("{}x", "잃닭쫓뷁핥앉꿇뜷".repeat(8));
    let too_long = ("64자 이하여야 합니다.", "must have at most 64 characters");
    let error = auth.register_with(&long).await.unwrap_err();
    assert_violation(&error, "password", "STRING_MAX_LEN", too_long.0, too_long.1);
    // Eight code points, four syllables.
    let short = "\u{1112}\u{1161}".repeat(4);
    let error = auth.register_with(&short).await.unwrap_err();
    assert_violation(
        &error,
        "password",
        "STRING_MIN_LEN",
        "8자 이상이어야 합니다.",
        "must have at least 8 characters",
    );
    assert_eq!(auth.count("users").await, 0);

    let session = auth.register(EMAIL).await;
    let change = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: long,
    };
    let error = auth
        .client()
        .change_password(bearer(change, &session.access_token))
        .await;
    let error = error.unwrap_err();
    assert_violation(&error, "new_password", "STRING_MAX_LEN", too_long.0, too_long.1);
    auth.finish().await;
}

#[tokio::test]
async fn hash_of_an_earlier_release_verifies_and_is_replaced_at_the_next_login() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    // 24 syllables, 72 bytes, the most that earlier releases accepted.
    let password = "잃닭쫓뷁핥앉꿇뜷".repeat(3);
    let old = auth.store_old_hash(&password).await;
    let wrong = auth.login_with("correct horse 12").await;
    assert_error(wrong, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
    assert_eq!(auth.stored_hash().await, old);

    auth.login_with(&password).await.unwrap();
    let new = auth.stored_hash().await;
    assert!(new.starts_with("$bcrypt-sha256$v=2,t=2b,r=4$"), "{new}");
    auth.login_with(&password).await.unwrap();
    assert_eq!(auth.stored_hash().await, new);
    auth.finish().await;
}

#[tokio::test]
async fn concurrent_logins_with_a_hash_of_an_earlier_release_all_succeed() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    let other = Replica::start(auth.replica.config.clone(), 2).await;
    auth.store_old_hash(PASSWORD).await;
    let logins = (0..8).map(|number| {
        let mut client = [auth.client(), other.client.clone()][number % 2].clone();
        async move {
            let request = LoginRequest {
                email: EMAIL.into(),
                password: PASSWORD.into(),
                mfa_code: None,
            };
            client.login(request).await
        }
    });
    for login in futures::future::join_all(logins).await {
        login.unwrap();
    }
    assert!(auth.stored_hash().await.starts_with("$bcrypt-sha256$"));
    other.finish().await;
    auth.finish().await;
}

#[tokio::test]
async fn upgrade_of_hashes_can_be_switched_off() {
    let auth = Auth::start_with(|config| config.passwords.upgrade_at_login = false).await;
    auth.register(EMAIL).await;
    let old = auth.store_old_hash(PASSWORD).await;
    auth.login_with(PASSWORD).await.unwrap();
    assert_eq!(auth.stored_hash().await, old);
    auth.finish().await;
}
