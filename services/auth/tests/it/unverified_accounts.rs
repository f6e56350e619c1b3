//! Accounts that have not verified their address: strangers, who may register it too, neither lock them out nor delay them.

use carshare_proto::auth::v1::*;
use carshare_service_testkit::into_message;
use tonic::{Code, Status};

use crate::harness::*;
use crate::mailbox::id;

const EMAIL: &str = "minji@example.com";
const HOME: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.9";
const STRANGER: &str = "stranger horse 1";

impl Auth {
    async fn register_from(&self, address: &str, password: &str) -> AuthResponse {
        let request = RegisterRequest {
            password: password.into(),
            ..guest(EMAIL)
        };
        let reply = self.client().register(from_address(request, address)).await;
        into_message(reply).unwrap()
    }

    async fn sign_in_from(&self, address: &str, password: &str) -> Result<AuthResponse, Status> {
        let request = LoginRequest {
            email: EMAIL.into(),
            password: password.into(),
            mfa_code: None,
        };
        into_message(self.client().login(from_address(request, address)).await)
    }

    /// Fails once from each of six addresses, which delays the next attempt from an unknown one.
    async fn guess_from_many_addresses(&self) {
        for number in 1..=6 {
            let guess = self
                .sign_in_from(&format!("192.0.2.{number}"), "wrong horse 11")
                .await;
            assert_error(guess, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
        }
        let delayed = self.sign_in_from("192.0.2.7", PASSWORD).await;
        assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    }

    async fn settings(&self) -> Vec<String> {
        let rows = sqlx::query_scalar("SELECT left(password_hash, -31) FROM users ORDER BY created_at, id");
        rows.fetch_all(&self.sql).await.unwrap()
    }
}

async fn start() -> Auth {
    Auth::start_with(|config| config.login_delay.free_unknown_failures = 5).await
}

#[tokio::test]
async fn account_signs_in_from_anywhere_however_many_strangers_register_its_address() {
    let auth = start().await;
    let owner = auth.register_from(HOME, PASSWORD).await;
    for number in 0..12 {
        auth.register_from(ELSEWHERE, &format!("stranger horse {number}"))
            .await;
    }
    for address in [HOME, "203.0.113.8"] {
        let session = auth.sign_in_from(address, PASSWORD).await.unwrap();
        assert_eq!(id(&session), id(&owner));
    }
    auth.finish().await;
}

#[tokio::test]
async fn accounts_of_one_address_share_their_salt_and_those_of_others_do_not() {
    let auth = start().await;
    auth.register_from(HOME, PASSWORD).await;
    auth.register_from(ELSEWHERE, STRANGER).await;
    auth.register("sujin@example.com").await;
    let other = Replica::start(auth.replica.config.clone(), 2).await;
    other.client.clone().register(guest(EMAIL)).await.unwrap();
    let mut settings = auth.settings().await;
    assert_eq!(settings.len(), 4);
    settings.sort();
    settings.dedup();
    assert_eq!(settings.len(), 2);
    let one = "users WHERE left(password_hash, -31) = (SELECT left(password_hash, -31) FROM users \
               WHERE email = 'minji@example.com')";
    assert_eq!(auth.count(one).await, 3);
    other.finish().await;
    auth.finish().await;
}

#[tokio::test]
async fn hash_of_an_earlier_release_signs_in_and_gets_the_settings_of_its_address() {
    let auth = start().await;
    let owner = auth.register_from(HOME, PASSWORD).await;
    let expected = auth.settings().await;
    let old = "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$sdU2s51xApBVBMVw4RZiJY.7FC1fevu";
    sqlx::query("UPDATE users SET password_hash = $1")
        .bind(old)
        .execute(&auth.sql)
        .await
        .unwrap();
    for number in 0..4 {
        auth.register_from(ELSEWHERE, &format!("stranger horse {number}"))
            .await;
    }
    let session = auth.sign_in_from(HOME, "password").await.unwrap();
    assert_eq!(id(&session), id(&owner));
    assert_eq!(auth.settings().await, vec![expected[0].clone(); 5]);
    auth.sign_in_from(HOME, "password").await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn guesses_from_many_addresses_do_not_delay_an_account_where_it_had_a_session() {
    let auth = start().await;
    let owner = auth.register_from(HOME, PASSWORD).await;
    auth.logout(&owner.access_token).await.unwrap();
    auth.guess_from_many_addresses().await;
    let session = auth.sign_in_from(HOME, PASSWORD).await.unwrap();
    assert_eq!(id(&session), id(&owner));
    // Elsewhere its user waits like everybody, unless they are signed in.
    let delayed = auth.sign_in_from(ELSEWHERE, PASSWORD).await;
    assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    let change = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: "battery staple 22".into(),
    };
    let change = authorized(from_address(change, ELSEWHERE), &session.access_token);
    auth.client().change_password(change).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn account_of_a_stranger_gives_no_guesses_at_the_owner_while_those_are_delayed() {
    let auth = start().await;
    let owner = auth.register_from(HOME, PASSWORD).await;
    let stranger = auth.register_from(ELSEWHERE, STRANGER).await;
    for verified in [false, true] {
        sqlx::query("UPDATE users SET is_verified = $1 WHERE id = $2::uuid")
            .bind(verified)
            .bind(id(&owner))
            .execute(&auth.sql)
            .await
            .unwrap();
        if !verified {
            auth.guess_from_many_addresses().await;
        }
        // The password of the owner is right and is not looked at.
        let guess = auth.sign_in_from(ELSEWHERE, PASSWORD).await;
        assert_error(guess, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
        let own = auth.sign_in_from(ELSEWHERE, STRANGER).await.unwrap();
        assert_eq!(id(&own), id(&stranger));
    }
    // The guesses are counted for the address: the fourth is delayed.
    for _ in 0..2 {
        auth.sign_in_from(ELSEWHERE, PASSWORD).await.unwrap_err();
    }
    let delayed = auth.sign_in_from(ELSEWHERE, STRANGER).await;
    assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    auth.finish().await;
}
