//! Subcommands of the binaries: `check-config`, `healthcheck`, `dead-letters`, `redrive`, `skip`, `accept-gap`.

use std::time::Duration;

use carshare_mesh::Fleet;
use carshare_testkit::{eventually, eventually_true};
use serde_json::{Value, json};

use super::capture::{CAPTURE, PROCESSES, process};
use crate::harness::{Sql, TIMEOUT};

/// A subcommand that has ended.
#[derive(Debug)]
pub struct CommandRun {
    pub service: &'static str,
    pub args: String,
    pub code: Option<i32>,
    pub lines: Vec<String>,
}

/// Runs `check-config` and `healthcheck` of each service, skips and redrives a dead letter, and accepts a gap.
pub async fn run(fleet: &Fleet) -> Vec<CommandRun> {
    let mut all = Vec::new();
    for name in PROCESSES {
        all.push(run_command(fleet, name, &["check-config"]).await);
        all.push(healthcheck(fleet, name).await);
    }
    publish_blocked_events(fleet).await;
    for service in ["vehicle", "notification"] {
        all.push(wait_for_blocked_events(fleet, service).await);
    }
    let [dead, waiting] = ["undecodable", "incomplete"].map(|key| id(&all[all.len() - 2], key));
    for (service, command, id) in [
        ("vehicle", "skip", &dead),
        ("vehicle", "redrive", &dead),
        // The other group still has its own entry.
        ("notification", "redrive", &dead),
        ("vehicle", "accept-gap", &waiting),
        ("vehicle", "accept-gap", &dead),
    ] {
        all.push(run_command(fleet, service, &[command, id]).await);
    }
    let handled = "SELECT count(*) FROM vehicle.inbox_cursors WHERE key = 'incomplete' AND handled_seq = 2";
    let sql = Sql::of(fleet);
    eventually_true(TIMEOUT, || async { sql.count(handled).await == 1 }).await;
    for service in ["vehicle", "notification"] {
        all.push(run_command(fleet, service, &["dead-letters", "--limit", "10"]).await);
    }
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

/// Publishes an event of booking that cannot be decoded, which its consumers dead-letter at once, and one whose predecessor
/// does not exist.
async fn publish_blocked_events(fleet: &Fleet) {
    Sql::of(fleet)
        .execute(
            "INSERT INTO booking.event_sequences VALUES ('undecodable', 1), ('incomplete', 2);
             INSERT INTO booking.outbox (id, name, key, key_seq, occurred_at, correlation_id, data)
             VALUES (gen_random_uuid(), 'booking.requested', 'undecodable', 1, now(), 'test', '\\xff');
             INSERT INTO booking.outbox (id, name, key, key_seq, occurred_at, correlation_id, data)
             SELECT gen_random_uuid(), name, 'incomplete', 2, now(), 'test', data FROM booking.outbox
             WHERE name = 'booking.cancelled' LIMIT 1",
        )
        .await;
}

async fn wait_for_blocked_events(fleet: &Fleet, service: &'static str) -> CommandRun {
    eventually(TIMEOUT, || async {
        let listed = run_command(fleet, service, &["dead-letters"]).await;
        (blocked_events(&listed).len() == 2).then_some(listed)
    })
    .await
}

fn blocked_events(ran: &CommandRun) -> Vec<Value> {
    let lines = ran
        .lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == "blocked event").collect()
}

fn id(listed: &CommandRun, key: &str) -> String {
    let event = blocked_events(listed)
        .into_iter()
        .find(|event| event["key"] == key);
    event.expect("it is listed")["id"]
        .as_str()
        .expect("an id")
        .to_owned()
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

/// Keys and states of the listed events, by key.
fn states(listed: &CommandRun) -> Vec<(String, String)> {
    let text = |event: &Value, name: &str| event[name].as_str().expect("text").to_owned();
    let mut states: Vec<_> = blocked_events(listed)
        .iter()
        .map(|event| (text(event, "key"), text(event, "state")))
        .collect();
    states.sort();
    states
}

#[test]
fn blocked_events_are_listed_with_their_state_and_cause() {
    for service in ["vehicle", "notification"] {
        let listed = of(service, "dead-letters").next().expect("it was run");
        assert_eq!(listed.code, Some(0));
        let expected = [("incomplete", "predecessor missing"), ("undecodable", "dead")];
        let expected = expected.map(|(key, state)| (key.to_owned(), state.to_owned()));
        assert_eq!(states(listed), expected, "{service}");
        let events = blocked_events(listed);
        let dead = events.iter().find(|event| event["state"] == "dead");
        let dead = dead.expect("a dead letter");
        assert_eq!(
            (&dead["event"], &dead["key_seq"]),
            (&json!("booking.requested"), &json!(1))
        );
        let error = dead["error"].as_str().expect("a cause");
        assert!(error.starts_with("the event cannot be decoded: "), "{error}");
    }
}

#[test]
fn skip_redrive_and_accept_gap_act_on_one_event_of_one_group() {
    let codes = |service, command| -> Vec<_> { of(service, command).map(|ran| ran.code).collect() };
    assert_eq!(codes("vehicle", "skip"), [Some(0)]);
    assert_eq!(codes("vehicle", "redrive"), [Some(1)], "it was skipped");
    assert_eq!(codes("notification", "redrive"), [Some(0)]);
    assert_eq!(
        codes("vehicle", "accept-gap"),
        [Some(0), Some(1)],
        "once, and no other event"
    );
    let left = |service| states(of(service, "dead-letters --limit").next().expect("it was run"));
    assert_eq!(left("vehicle"), []);
    let waiting = ("incomplete".to_owned(), "predecessor missing".to_owned());
    assert!(
        left("notification").contains(&waiting),
        "it has an entry of its own"
    );
}
