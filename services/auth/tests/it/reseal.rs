//! The sealing key is replaced while the service runs: a second key is added, made the primary one, and the first one removed.

use carshare_auth::Config;
use carshare_auth::cli::{Command, handle};
use carshare_chassis::Environment;
use carshare_chassis::config::{Secret, ServiceConfig};
use carshare_proto::auth::v1::*;
use carshare_service_testkit::into_message;

use crate::harness::*;
use crate::mfa::{EMAIL, sign_in};

/// Keys by name: `test` is that of the harness.
const KEYS: [(&str, &str); 3] = [
    ("test", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="),
    ("second", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="),
    ("third", "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo="),
];

/// The configuration with some of the keys, of which the first is the primary one.
fn with_keys(auth: &Auth, names: &[&str]) -> ServiceConfig<Config> {
    let mut config = auth.replica.config.clone();
    let chosen = KEYS.iter().filter(|(name, _)| names.contains(name));
    names[0].clone_into(&mut config.service.seal.primary);
    config.service.seal.keys = chosen
        .map(|(name, key)| ((*name).to_owned(), Secret::from(*key)))
        .collect();
    config
}

async fn reseal(auth: &Auth, names: &[&str]) -> anyhow::Result<()> {
    let (environment, _) = Environment::manual(START.parse().unwrap(), 77);
    handle(with_keys(auth, names), environment, Command::Reseal).await
}

/// Returns how many values each column has that are not sealed with `key`.
async fn of_other_keys(auth: &Auth, key: &str) -> Vec<i64> {
    let mut counts = Vec::new();
    for (table, column) in [
        ("signing_keys", "sealed_private_key"),
        ("totp_credentials", "sealed_secret"),
        ("totp_credentials", "sealed_pending"),
        ("mails", "sealed"),
    ] {
        let sql = format!(
            "SELECT count(*) FROM {table} WHERE convert_from(substr({column}, 3, get_byte({column}, 1)), 'UTF8') <> $1"
        );
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(key);
        counts.push(count.fetch_one(&auth.sql).await.unwrap());
    }
    counts
}

#[tokio::test]
async fn every_secret_opens_with_the_new_key_alone() {
    let auth = Auth::start().await;
    let enrolled = auth.enroll().await;
    let pending = auth
        .propose(&enrolled.session, Some(auth.code(&enrolled.secret)))
        .await
        .unwrap();
    auth.next_step();
    assert_eq!(of_other_keys(&auth, "second").await, [1, 1, 1, 1]);

    reseal(&auth, &["second", "test"]).await.unwrap();
    assert_eq!(of_other_keys(&auth, "second").await, [0, 0, 0, 0]);
    // Opens all of them, with the second key.
    reseal(&auth, &["third", "second"]).await.unwrap();
    assert_eq!(of_other_keys(&auth, "third").await, [0, 0, 0, 0]);
    let lost = reseal(&auth, &["test"]).await.unwrap_err().to_string();
    assert!(
        lost.starts_with("4 values are not sealed with the key test"),
        "{lost}"
    );

    let replica = Replica::start(with_keys(&auth, &["third"]), 2).await;
    replica.clock.set(auth.replica.clock.now());
    let code = auth.code(&enrolled.secret);
    let session = into_message(replica.client.clone().login(sign_in(Some(&code))).await).unwrap();
    assert_eq!(
        auth.me(&session.access_token).await.unwrap().email,
        EMAIL,
        "the signing key is the same"
    );
    let confirm = ConfirmTotpEnrollmentRequest {
        code: auth.code(&pending),
    };
    let confirm = bearer(confirm, &session.access_token);
    replica
        .mfa
        .clone()
        .confirm_totp_enrollment(confirm)
        .await
        .unwrap();
    replica.finish().await;
    auth.finish().await;
}

/// While processes have different primary keys, a repeated call gets the stored reply from either.
#[tokio::test]
async fn repeats_are_recognised_by_processes_with_another_primary_key() {
    let auth = Auth::start().await;
    let old = Replica::start(with_keys(&auth, &["test", "second"]), 2).await;
    let new = Replica::start(with_keys(&auth, &["second", "test"]), 3).await;
    for (first, repeat, email) in [(&old, &new, "a@example.com"), (&new, &old, "b@example.com")] {
        let call = async |replica: &Replica| {
            let request = keyed(guest(email), email);
            into_message(replica.client.clone().register(request).await).unwrap()
        };
        assert_eq!(call(first).await, call(repeat).await);
    }
    assert_eq!(auth.count("users").await, 2);
    old.finish().await;
    new.finish().await;
    auth.finish().await;
}
