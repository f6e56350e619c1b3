//! What the binary refuses at its start.

use std::time::Duration;

use carshare_testkit::process::{Binary, Launch};
use carshare_testkit::redis_url;

use crate::harness::*;

/// Runs the binary with further environment variables until it ends by itself, and returns its exit code and output.
async fn run(args: &[&str], further: &[(&str, &str)]) -> (Option<i32>, String) {
    let database = database().await;
    let mut env = environment(&database.url(), &redis_url().await);
    env.push(("AUTH__SERVER__LISTEN".into(), "127.0.0.1:0".into()));
    env.extend(
        further
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into())),
    );
    let launch = Launch {
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: env.into_iter().collect(),
        dir: None,
    };
    let mut binary = Binary::spawn(env!("CARGO_BIN_EXE_carshare-auth"), launch).unwrap();
    let status = binary.wait(Duration::from_mins(1)).await.unwrap();
    (status.code(), binary.logs().tail())
}

#[tokio::test]
async fn clock_that_is_hours_off_is_refused() {
    let libraries = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let library = libraries
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
        .expect("`make prepare` installs libfaketime");
    let clock = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME", "+3h"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let (code, output) = run(&["serve"], &clock).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("s ahead of PostgreSQL's: correct it first"),
        "{output}"
    );
}

#[tokio::test]
async fn check_config_refuses_what_the_types_allow() {
    for (variable, value, cause) in [
        (
            "AUTH__SEAL__PRIMARY",
            "other",
            "seal.primary names no key of seal.keys",
        ),
        (
            "AUTH__SEAL__KEYS",
            "{ test = \"short\" }",
            "seal.keys.test is not 32 bytes in base64",
        ),
        ("AUTH__DATABASE__URL", "nonsense", "database.url is not valid"),
        (
            "AUTH__AUDIT__RETENTION_DAYS",
            "1",
            "audit.retention_days must be 30 or more",
        ),
    ] {
        let (code, output) = run(&["check-config"], &[(variable, value)]).await;
        assert_eq!(code, Some(1), "{variable}: {output}");
        assert!(output.contains(cause), "{variable}: {output}");
    }
}
