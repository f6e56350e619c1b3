//! `create-admin`, run as a process.

use std::time::Duration;

use carshare_auth::add_missing_second_factor;
use carshare_auth::domain::TotpSecret;
use carshare_chassis::Environment;
use carshare_proto::auth::v1::{DisableTotpRequest, LoginRequest, UpdateMeRequest};
use carshare_proto::options::v1::Role;
use carshare_service_testkit::into_message;
use carshare_testkit::TempDir;
use carshare_testkit::process::{Binary, Launch};
use tonic::Code;

use crate::harness::*;
use crate::mfa::{EMAIL, assert_refused, secret_of};

const ADMIN_PASSWORD: &str = "kopfstein-pflaster";

async fn create_admin(auth: &Auth, password: &str) -> (bool, Binary) {
    let dir = TempDir::create("auth-admin").unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, format!("{password}\n")).unwrap();
    let args = [
        "create-admin",
        "--email",
        "Ops@carshare.kr",
        "--phone",
        "010-9999-0000",
        "--password-file",
    ];
    let mut args: Vec<String> = args.map(str::to_owned).into();
    args.push(file.display().to_string());
    let env = environment(
        &auth.database.url(),
        auth.replica.config.service.redis.url.expose(),
    )
    .into_iter()
    .collect();
    let mut binary = Binary::spawn(
        env!("CARGO_BIN_EXE_carshare-auth"),
        Launch { args, env, dir: None },
    )
    .unwrap();
    let status = binary.wait(Duration::from_secs(30)).await.unwrap();
    (status.success(), binary)
}

#[tokio::test]
async fn create_admin_creates_an_account_that_can_log_in() {
    let auth = Auth::start().await;
    let (created, output) = create_admin(&auth, ADMIN_PASSWORD).await;
    assert!(created, "{}", output.logs().tail());
    assert!(!output.logs().contain(ADMIN_PASSWORD));
    let logs = output.logs().tail();
    let (_, secret) = logs.split_once("secret=").unwrap();
    let (secret, _) = secret.split_once('&').unwrap();
    assert_eq!(logs.matches("recovery code ").count(), 10);
    let login = |code: Option<String>| {
        let request = LoginRequest {
            email: "ops@carshare.kr".into(),
            password: ADMIN_PASSWORD.into(),
            mfa_code: code,
        };
        let mut client = auth.client();
        async move { into_message(client.login(request).await) }
    };
    assert_refused(login(None).await, "MFA_REQUIRED");
    let reply = login(Some(auth.code(&secret_of(secret)))).await.unwrap();
    assert_eq!(reply.user.unwrap().role(), Role::Admin);
    assert_eq!(claims(&reply.access_token)["role"], "admin");
    assert_eq!(claims(&reply.access_token)["email_verified"], true);
    assert_eq!(auth.count("outbox").await, 1);

    let (again, output) = create_admin(&auth, ADMIN_PASSWORD).await;
    assert!(!again);
    assert!(
        output.logs().contain("the e-mail address is taken"),
        "{}",
        output.logs().tail()
    );
    auth.finish().await;
}

#[tokio::test]
async fn create_admin_rejects_a_weak_password() {
    let auth = Auth::start().await;
    let (created, output) = create_admin(&auth, "password123").await;
    assert!(!created);
    assert!(
        output.logs().contain("weak password: Common"),
        "{}",
        output.logs().tail()
    );
    assert!(!output.logs().contain("password123"));
    assert_eq!(auth.count("users").await, 0);
    auth.finish().await;
}

#[tokio::test]
async fn admin_without_second_factor_gets_the_role_after_its_enrolment() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    // As an admin of an earlier release.
    let update = sqlx::query("UPDATE users SET role = 'admin'");
    update.execute(&auth.sql).await.unwrap();
    let session = auth.sign_in(None).await.unwrap();
    assert_eq!(claims(&session.access_token)["role"], "unenrolled");
    let me = auth.me(&session.access_token).await.unwrap();
    assert_eq!((me.role(), me.mfa_enabled), (Role::Admin, false));
    let update = bearer(UpdateMeRequest::default(), &session.access_token);
    let refused = into_message(auth.client().update_me(update).await);
    assert_error(refused, Code::PermissionDenied, "PERMISSION_DENIED", "AUTH003");

    let secret = auth.propose(&session, None).await.unwrap();
    auth.confirm(&session, auth.code(&secret)).await.unwrap();
    let session = auth.refresh(&session.refresh_token).await.unwrap();
    assert_eq!(claims(&session.access_token)["role"], "admin");
    let request = DisableTotpRequest {
        current_password: PASSWORD.into(),
        mfa_code: "000000".into(),
    };
    let refused = auth
        .mfa()
        .disable_totp(bearer(request, &session.access_token))
        .await;
    assert_refused(refused, "MFA_MANDATORY");
    auth.finish().await;
}

#[tokio::test]
async fn admin_of_a_release_without_second_factors_gets_the_given_one_once() {
    let auth = Auth::start().await;
    let (created, _) = create_admin(&auth, ADMIN_PASSWORD).await;
    assert!(created);
    auth.register(EMAIL).await;
    for statement in [
        "DELETE FROM totp_credentials",
        "UPDATE users SET totp_enabled = false",
    ] {
        sqlx::query(statement).execute(&auth.sql).await.unwrap();
    }
    let secret = || TotpSecret::new([7; 20]);
    let add = async |email: &str| {
        let (environment, _) = Environment::manual(auth.replica.clock.now(), 77);
        let config = &auth.replica.config.service;
        add_missing_second_factor(config, environment, email, secret())
            .await
            .unwrap()
    };
    assert!(!add(EMAIL).await);
    assert!(!add("nobody@example.com").await);
    assert!(add("ops@carshare.kr").await);
    assert!(!add("ops@carshare.kr").await);
    let request = LoginRequest {
        email: "ops@carshare.kr".into(),
        password: ADMIN_PASSWORD.into(),
        mfa_code: Some(auth.code(&secret())),
    };
    let session = auth.client().login(request).await.unwrap().into_inner();
    assert_eq!(claims(&session.access_token)["role"], "admin");
    auth.finish().await;
}
