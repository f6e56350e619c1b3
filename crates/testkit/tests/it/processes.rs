//! Real processes: read, stopped, killed. A shell stands in for a service.

use std::time::Duration;

use carshare_testkit::process::{Binary, Launch};

const TIMEOUT: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Binary {
    let launch = Launch {
        args: vec!["-c".into(), script.into()],
        ..Launch::default()
    };
    Binary::spawn("/bin/sh", launch).unwrap()
}

#[tokio::test]
async fn json_lines_are_found_among_others() {
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
async fn a_polite_stop_lets_it_finish_and_a_kill_does_not() {
    let script = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done";
    let mut polite = shell(&format!("{script} # polite"));
    carshare_testkit::eventually_true(TIMEOUT, || async { polite.logs().contain("up") }).await;
    polite.terminate().unwrap();
    assert_eq!(polite.wait(TIMEOUT).await.unwrap().code(), Some(3));
    assert_eq!(polite.logs().lines().last().map(String::as_str), Some("bye"));
    let mut killed = shell(script);
    carshare_testkit::eventually_true(TIMEOUT, || async { killed.logs().contain("up") }).await;
    assert_eq!(killed.kill_9().unwrap().code(), None);
    assert!(!killed.logs().contain("bye"));
}

#[tokio::test]
async fn all_that_it_wrote_is_there_when_it_has_ended() {
    // More than a pipe holds, and a line that is no text in between.
    let mut service = shell(r"seq 1 50000; printf '\377\n'; seq 1 50000; echo last");
    assert!(service.wait(TIMEOUT).await.unwrap().success());
    let lines = service.logs().lines();
    assert_eq!((lines.len(), lines[100_001].as_str()), (100_002, "last"));
}

#[tokio::test]
async fn a_process_that_ends_early_is_an_error_with_its_last_words() {
    let mut service = shell("echo cannot bind >&2; exit 1");
    let error = service
        .wait_for_log(TIMEOUT, |_| false)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("ended"), "{error}");
}
