//! `carshare reconcile` as a command: exit codes, output, metrics, and repairs of docs/OPERATING.md.

use std::collections::HashMap;
use std::time::Duration;

use carshare_mesh::Mesh;
use carshare_sandbox::Config;
use carshare_testkit::process::{Binary, Launch, built};
use carshare_testkit::{eventually, eventually_true, free_port};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Response, Rest, Setup, TIMEOUT};

/// Moves the occupancy of a booking, and occupies the car for a booking that does not exist.
const CHANGES: &str = "
    UPDATE vehicle.occupancies SET period = tstzrange(lower(period), upper(period) + interval '1 hour');
    INSERT INTO vehicle.occupancies SELECT '00000000-0000-0000-0000-000000000001', vehicle_id,
      tstzrange(lower(period) + interval '9 days', upper(period) + interval '9 days'), kind, expires_at, created_at
      FROM vehicle.occupancies;";

/// The documented repairs of the three differences.
const REPAIRS: &str = "
    UPDATE vehicle.occupancies o SET vehicle_id = b.vehicle_id, period = tstzrange(b.starts_at, b.ends_at)
      FROM booking.bookings b WHERE b.id = o.ref_id;
    DELETE FROM vehicle.occupancies WHERE ref_id = '00000000-0000-0000-0000-000000000001';
    UPDATE payment.payments SET next_check_at = now();";

fn start(mesh: &Mesh, args: &[&str]) -> Binary {
    let mut env = HashMap::new();
    for service in ["booking", "vehicle", "payment"] {
        let url = mesh.dependencies().database_url(service).expect("a URL");
        env.insert(format!("{}__DATABASE__URL", service.to_uppercase()), url);
    }
    let toss = format!("{}/toss", mesh.sandbox().url());
    env.insert("PAYMENT__TOSS__HTTP__BASE_URL".to_owned(), toss);
    let secret = Config::default().toss_secret_key;
    env.insert("PAYMENT__TOSS__SECRET_KEY".to_owned(), secret);
    let args = ["reconcile", "--grace", "1"].iter().chain(args);
    let launch = Launch {
        args: args.map(|&arg| arg.to_owned()).collect(),
        env,
        dir: None,
    };
    Binary::spawn(built("carshare").expect("it is built"), launch).expect("a start")
}

/// Exit code and output.
async fn run(mesh: &Mesh, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let mut command = start(mesh, args);
    let status = command.wait(TIMEOUT).await.expect("it ends");
    (status.code(), command.logs().lines())
}

/// Refunds a part on the provider's dashboard while webhooks are lost.
async fn refund_without_webhook(setup: &Setup) {
    let sandbox = setup.mesh.sandbox();
    sandbox.set_webhook_url(None);
    let payment = sandbox.payments().remove(0);
    let path = format!("/toss/v1/payments/{}/cancel", payment.payment_key);
    let refund = Rest::at(sandbox.url())
        .request(Method::POST, &path)
        .basic_auth(Config::default().toss_secret_key, Some(""))
        .json(&json!({ "cancelReason": "고객 요청", "cancelAmount": 1_000 }));
    Response::of(refund).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_names_differences_until_they_are_repaired() {
    let setup = Setup::start().await;
    let booking = setup.confirmed().await;
    setup.assert_consistent().await;
    let clean = (Some(0), vec!["0 differences".to_owned()]);
    assert_eq!(run(&setup.mesh, &[]).await, clean);

    setup.sql.execute(CHANGES).await;
    refund_without_webhook(&setup).await;
    let differing = vec![
        "occupancy_without_booking 00000000-0000-0000-0000-000000000001".to_owned(),
        format!("occupancy_differs {booking}"),
        format!("provider_amount_differs {booking}"),
        "3 differences".to_owned(),
    ];
    assert_eq!(run(&setup.mesh, &[]).await, (Some(1), differing));

    setup.sql.execute(REPAIRS).await;
    eventually_true(TIMEOUT, || async { run(&setup.mesh, &[]).await == clean }).await;
    setup.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_refuses_invalid_arguments_and_reports_an_unreachable_database() {
    let setup = Setup::start().await;
    for args in [
        &["--no-such-flag"][..],
        &["--interval", "often"],
        &["--booking-url"],
    ] {
        assert_eq!(run(&setup.mesh, args).await.0, Some(2), "{args:?}");
    }
    let unreachable = format!(
        "postgres://booking@127.0.0.1:{}/carshare",
        free_port().expect("a port")
    );
    let (code, lines) = run(&setup.mesh, &["--booking-url", &unreachable]).await;
    assert_eq!(code, Some(1));
    assert!(
        lines[0].starts_with("carshare: Bookings cannot be read"),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_at_an_interval_serves_the_differences_as_metrics() {
    let setup = Setup::start().await;
    setup.confirmed().await;
    setup.assert_consistent().await;
    let admin = format!("127.0.0.1:{}", free_port().expect("a port"));
    let args = ["--interval", "1", "--admin-listen", &admin];
    let mut command = start(&setup.mesh, &args);
    let metrics = format!("http://{admin}/metrics");
    let shown = async |expected: &str| {
        eventually(TIMEOUT, || async {
            let text = reqwest::get(&metrics).await.ok()?.text().await.ok()?;
            text.lines().any(|line| line == expected).then_some(text)
        })
        .await
    };
    shown("reconcile_differences{difference=\"occupancy_differs\"} 0").await;
    setup.sql.execute(CHANGES).await;
    let text = shown("reconcile_differences{difference=\"occupancy_differs\"} 1").await;
    assert!(text.contains("# HELP reconcile_differences "), "{text}");
    assert!(
        text.contains("job_runs_total{name=\"reconcile\",outcome=\"succeeded\"}"),
        "{text}"
    );
    setup.sql.execute(REPAIRS).await;
    shown("reconcile_differences{difference=\"occupancy_differs\"} 0").await;
    command.terminate().expect("a signal");
    let status = command.wait(Duration::from_secs(20)).await.expect("it ends");
    assert_eq!(status.code(), Some(0));
}
