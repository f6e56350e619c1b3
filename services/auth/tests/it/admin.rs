//! `create-admin`, run as a process.

use std::time::Duration;

use carshare_proto::auth::v1::LoginRequest;
use carshare_proto::options::v1::Role;
use carshare_testkit::TempDir;
use carshare_testkit::process::{Binary, Launch};

use crate::harness::*;

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
    let request = LoginRequest {
        email: "ops@carshare.kr".into(),
        password: ADMIN_PASSWORD.into(),
    };
    let reply = auth.client().login(request).await.unwrap().into_inner();
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
