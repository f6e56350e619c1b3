//! Child processes: logs, signals, ends. A shell stands in for a service.

use std::time::Duration;

use carshare_devservers::process::{Binary, Launch};
use carshare_testkit::eventually_true;

const TIMEOUT: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Binary {
    let launch = Launch {
        args: vec!["-c".into(), script.into()],
        ..Launch::default()
    };
    Binary::spawn("/bin/sh", launch).unwrap()
}

#[tokio::test]
async fn wait_for_log_finds_a_json_line_among_others() {
    let mut service = shell(r#"echo plain; echo '{"message":"ready","port":7}'; read -r _ || sleep 60"#);
    let line = service
        .wait_for_log(TIMEOUT, |line| line["message"] == "ready")
        .await
        .unwrap();
    assert_eq!(line["port"], 7);
    assert_eq!(service.logs().lines()[0], "plain");
    assert!(service.logs().contain("plain"));
}

#[tokio::test]
async fn terminate_lets_the_process_finish_and_kill_does_not() {
    let script = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done";
    let mut terminated = shell(&format!("{script} # terminated"));
    eventually_true(TIMEOUT, || async { terminated.logs().contain("up") }).await;
    terminated.terminate().unwrap();
    assert_eq!(terminated.wait(TIMEOUT).await.unwrap().code(), Some(3));
    assert_eq!(terminated.logs().lines().last().map(String::as_str), Some("bye"));
    let mut killed = shell(script);
    eventually_true(TIMEOUT, || async { killed.logs().contain("up") }).await;
    assert_eq!(killed.kill_9().unwrap().code(), None);
    assert!(!killed.logs().contain("bye"));
}

#[tokio::test]
async fn suspended_process_does_nothing_until_it_is_resumed() {
    let mut service = shell("trap 'echo handled; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    eventually_true(TIMEOUT, || async { service.logs().contain("up") }).await;
    service.suspend().unwrap();
    service.terminate().unwrap();
    service.wait(Duration::from_millis(200)).await.unwrap_err();
    assert!(!service.logs().contain("handled"));
    service.resume().unwrap();
    assert!(service.wait(TIMEOUT).await.unwrap().success());
    assert!(service.logs().contain("handled"));
}

#[tokio::test]
async fn wait_returns_after_the_whole_output_is_captured() {
    // More than a pipe holds, with a line that is not UTF-8 in between.
    let mut service = shell(r"seq 1 50000; printf '\377\n'; seq 1 50000; echo last");
    assert!(service.wait(TIMEOUT).await.unwrap().success());
    let lines = service.logs().lines();
    assert_eq!((lines.len(), lines[100_001].as_str()), (100_002, "last"));
}

#[tokio::test]
async fn wait_for_log_fails_with_the_output_when_the_process_ends() {
    let mut service = shell("echo cannot bind >&2; exit 1");
    let error = service
        .wait_for_log(TIMEOUT, |_| false)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("ended"), "{error}");
    assert!(error.contains("cannot bind"), "{error}");
}
