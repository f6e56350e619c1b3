//! Subcommands of the binaries: `check-config`, `healthcheck`, `dead-letters`, `redrive`, `skip`.

use std::time::Duration;

use carshare_mesh::Fleet;
use serde_json::{Value, json};

use super::capture::{CAPTURE, PROCESSES, process};
use crate::harness::Sql;

/// A subcommand that has ended.
#[derive(Debug)]
pub struct CommandRun {
    pub service: &'static str,
    pub args: String,
    pub code: Option<i32>,
    pub lines: Vec<String>,
}

/// Runs `check-config` and `healthcheck` of each service, and skips a dead letter.
pub async fn run(fleet: &Fleet) -> Vec<CommandRun> {
    let mut all = Vec::new();
    for name in PROCESSES {
        all.push(run_command(fleet, name, &["check-config"]).await);
        all.push(healthcheck(fleet, name).await);
    }
    dead_letter(fleet).await;
    let listed = wait_for_dead_letter(fleet).await;
    let id = id(&listed);
    all.push(listed);
    all.push(run_command(fleet, "vehicle", &["skip", &id]).await);
    all.push(run_command(fleet, "vehicle", &["redrive", &id]).await);
    all
}

pub async fn healthcheck(fleet: &Fleet, name: &'static str) -> CommandRun {
    run_command(fleet, name, &["healthcheck"]).await
}

async fn run_command(fleet: &Fleet, service: &'static str, args: &[&str]) -> CommandRun {
    let mut process = fleet.run(process(service), args).expect("a start");
    let status = process.wait(Duration::from_secs(20)).await.expect("it ends");
    CommandRun {
        service,
        args: args.join(" "),
        code: status.code(),
        lines: process.logs().lines(),
    }
}

/// Publishes an event of booking that cannot be decoded, which its consumers dead-letter at once.
async fn dead_letter(fleet: &Fleet) {
    Sql::of(fleet)
        .execute(
            "INSERT INTO booking.event_sequences VALUES ('undecodable', 1);
             INSERT INTO booking.outbox (id, name, key, key_seq, occurred_at, correlation_id, data)
             VALUES (gen_random_uuid(), 'booking.requested', 'undecodable', 1, now(), 'test', '\\xff')",
        )
        .await;
}

async fn wait_for_dead_letter(fleet: &Fleet) -> CommandRun {
    carshare_testkit::eventually(crate::harness::TIMEOUT, || async {
        let listed = run_command(fleet, "vehicle", &["dead-letters"]).await;
        (!dead_letters(&listed).is_empty()).then_some(listed)
    })
    .await
}

fn dead_letters(ran: &CommandRun) -> Vec<Value> {
    let lines = ran
        .lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == "blocked event").collect()
}

fn id(listed: &CommandRun) -> String {
    dead_letters(listed)[0]["id"].as_str().expect("an id").to_owned()
}

fn of<'a>(service: &'a str, args: &'a str) -> impl Iterator<Item = &'static CommandRun> + 'a {
    CAPTURE
        .commands
        .iter()
        .filter(move |ran| ran.service == service && ran.args.starts_with(args))
}

#[test]
fn check_config_prints_the_configuration_with_masked_secrets() {
    for name in PROCESSES {
        let ran = of(name, "check-config").next().expect("it was run");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let config: Value = serde_json::from_str(&ran.lines.concat()).expect("JSON");
        assert_eq!(config["telemetry"]["log"], "debug", "{name}");
        assert_eq!(
            (&config["tls"]["key_pem"], &config["redis"]["url"]),
            (&json!("***"), &json!("***")),
            "{name}"
        );
        let secrets: &[&str] = match name {
            "auth" => &["/database/url", "/seal/keys/local"],
            "vehicle" => &["/database/url", "/kakao/rest_key", "/objects/secret_key"],
            "payment" => &["/database/url", "/seal/keys/local", "/toss/secret_key"],
            "notification" => &["/database/url", "/push/service_account_json"],
            "gateway" => &[],
            _ => &["/database/url"],
        };
        for path in secrets {
            assert_eq!(config.pointer(path), Some(&json!("***")), "{name} {path}");
        }
    }
}

#[test]
fn healthcheck_exits_with_0_if_the_process_is_ready() {
    for name in PROCESSES {
        let ran = of(name, "healthcheck").next().expect("it was run");
        assert_eq!((ran.code, ran.lines.len()), (Some(0), 0), "{ran:?}");
    }
    let after_the_end = of("booking", "healthcheck").last().expect("it was run");
    assert_eq!(after_the_end.code, Some(1));
    assert!(
        after_the_end.lines[0].starts_with("booking: cannot connect to 127.0.0.1:"),
        "{after_the_end:?}"
    );
}

#[test]
fn dead_letter_is_listed_and_skipped_once() {
    let listed = of("vehicle", "dead-letters").next().expect("it was run");
    assert_eq!(listed.code, Some(0));
    let letter = &dead_letters(listed)[0];
    assert_eq!(
        (
            &letter["state"],
            &letter["event"],
            &letter["key"],
            &letter["key_seq"]
        ),
        (
            &json!("dead"),
            &json!("booking.requested"),
            &json!("undecodable"),
            &json!(1)
        )
    );
    let error = letter["error"].as_str().expect("a cause");
    assert!(error.starts_with("the event cannot be decoded: "), "{error}");
    let code = |command| of("vehicle", command).next().expect("it was run").code;
    assert_eq!((code("skip"), code("redrive")), (Some(0), Some(1)));
}
