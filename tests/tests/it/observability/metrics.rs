//! `/metrics` of each process after the journey.

mod text;

use std::collections::BTreeSet;

use super::capture::{CAPTURE, PROCESSES};
use text::Text;

/// Metrics of every service with a database.
const SERVICE_METRICS: [&str; 18] = [
    "clock_skew_seconds",
    "outbox_stream_failures_total",
    "consumer_failures_total",
    "db_acquire_seconds",
    "db_connections",
    "db_transaction_seconds",
    "housekeeping_removed_total",
    "job_overdue_seconds",
    "job_runs_total",
    "job_seconds",
    "pool_capacity",
    "pool_in_use",
    "outbox_failures_total",
    "outbox_oldest_seconds",
    "rpc_server_calls_total",
    "rpc_server_duration_seconds",
    "rpc_server_in_flight",
    "tls_certificate_expiry_seconds",
];

/// Metrics of services that handle events and call peers.
const EVENT_METRICS: [&str; 7] = [
    "event_log_failures_total",
    "event_log_lag",
    "inbox_events",
    "inbox_oldest_seconds",
    "event_age_seconds",
    "events_handled_total",
    "rpc_client_calls_total",
];

/// Metrics of services that call third parties.
const OUTBOUND_METRICS: [&str; 2] = ["outbound_breaker_open", "outbound_request_duration_seconds"];

/// Metrics that exist only after a retry or a failure.
const OPTIONAL_METRICS: [&str; 4] = [
    "db_transaction_retries_total",
    "outbound_retries_total",
    "rpc_client_retries_total",
    "auth_revocations_delayed_total",
];

/// Allowed labels, each of low cardinality.
pub const LABELS: [&str; 25] = [
    "action",
    "certificate",
    "source",
    "code",
    "event",
    "protocol",
    "group",
    "kind",
    "le",
    "name",
    "operation",
    "outcome",
    "peer",
    "pool",
    "purpose",
    "reason",
    "rpc",
    "service",
    "state",
    "status",
    "table",
    "cause",
    "alarm",
    "verdict",
    "what",
];

/// Exact values after the journey, by process.
const COUNTED: [(&str, &str, f64); 31] = [
    (
        "gateway",
        "edge_requests_total{protocol=rest,rpc=rpc.booking.approve_booking,status=200}",
        3.0,
    ),
    (
        "gateway",
        "edge_requests_total{protocol=rest,rpc=rpc.auth.get_me,status=401}",
        3.0,
    ),
    ("gateway", "edge_in_flight{protocol=rest}", 0.0),
    ("gateway", "pool_in_use{pool=requests}", 0.0),
    ("gateway", "pool_capacity{pool=user_streams}", 10_000.0),
    ("auth", "pool_in_use{pool=password_hashes}", 0.0),
    ("vehicle", "pool_in_use{pool=photo_conversions}", 0.0),
    (
        "auth",
        "rpc_server_calls_total{code=UNAUTHENTICATED,rpc=rpc.auth.login}",
        1.0,
    ),
    ("auth", "auth_refresh_tokens_reused_total{}", 1.0),
    (
        "booking",
        "rpc_server_calls_total{code=OK,rpc=rpc.booking.create_booking}",
        4.0,
    ),
    (
        "booking",
        "rpc_server_calls_total{code=FAILED_PRECONDITION,rpc=rpc.booking.create_booking}",
        1.0,
    ),
    (
        "booking",
        "rpc_server_duration_seconds_count{rpc=rpc.booking.create_booking}",
        5.0,
    ),
    (
        "booking",
        "rpc_server_in_flight{rpc=rpc.booking.create_booking}",
        0.0,
    ),
    (
        "booking",
        "rpc_client_calls_total{code=OK,peer=vehicle,rpc=rpc.vehicle.place_hold}",
        4.0,
    ),
    (
        "booking",
        "db_transaction_seconds_count{name=bookings.create,outcome=committed}",
        4.0,
    ),
    (
        "booking",
        "outbox_sent_total{event=booking.confirmed,service=booking}",
        2.0,
    ),
    (
        "booking",
        "events_handled_total{event=payment.failed,group=booking,outcome=handled}",
        1.0,
    ),
    ("booking", "consumer_failures_total{group=booking}", 0.0),
    ("booking", "outbox_failures_total{service=booking}", 0.0),
    (
        "vehicle",
        "outbound_request_duration_seconds_count{operation=search_address,outcome=2xx,peer=kakao}",
        1.0,
    ),
    ("vehicle", "outbound_breaker_open{peer=kakao}", 0.0),
    (
        "payment",
        "outbound_request_duration_seconds_count{operation=charge,outcome=2xx,peer=toss}",
        2.0,
    ),
    (
        "payment",
        "outbound_request_duration_seconds_count{operation=charge,outcome=4xx,peer=toss}",
        1.0,
    ),
    (
        "payment",
        "payment_attempts_total{kind=billing,outcome=captured}",
        2.0,
    ),
    (
        "payment",
        "payment_attempts_total{kind=billing,outcome=declined}",
        1.0,
    ),
    ("payment", "payment_invariant_breaches{}", 0.0),
    ("payment", "payment_unknown_oldest_seconds{what=charge}", 0.0),
    (
        "payment",
        "job_runs_total{name=refund_payment,outcome=succeeded}",
        1.0,
    ),
    ("payment", "job_seconds_count{name=refund_payment}", 1.0),
    ("notification", "pushes_total{outcome=device_gone}", 1.0),
    (
        "notification",
        "event_age_seconds_count{group=notification}",
        25.0,
    ),
];

fn expected(process: &str) -> BTreeSet<&'static str> {
    let own: &[&[&str]] = match process {
        "auth" => &[
            &SERVICE_METRICS,
            &EVENT_METRICS,
            &["outbox_sent_total", "auth_password_hashes_total"],
            &["auth_refresh_tokens_reused_total", "auth_revocations"],
            &["auth_audit_events_total", "auth_mails_total"],
        ],
        "vehicle" => &[
            &SERVICE_METRICS,
            &EVENT_METRICS,
            &OUTBOUND_METRICS,
            &[
                "outbox_sent_total",
                "objects_photo_conversions_total",
                "objects_request_duration_seconds",
                "holds_expired_total",
            ],
        ],
        "booking" => &[
            &SERVICE_METRICS,
            &EVENT_METRICS,
            &["bookings_live", "outbox_sent_total"],
        ],
        "payment" => &[
            &SERVICE_METRICS,
            &EVENT_METRICS,
            &OUTBOUND_METRICS,
            &[
                "outbox_sent_total",
                "payment_attempts_total",
                "payment_in_flight",
                "payment_in_flight_krw",
                "payment_invariant_breaches",
                "payment_reconciliation_lag_seconds",
                "payment_unknown_oldest_seconds",
            ],
        ],
        "notification" => &[
            &SERVICE_METRICS,
            &EVENT_METRICS,
            &OUTBOUND_METRICS,
            &["pushes_total"],
        ],
        _ => &[&[
            "edge_duration_seconds",
            "edge_in_flight",
            "edge_requests_total",
            "pool_capacity",
            "pool_in_use",
            "rpc_client_calls_total",
            "tls_certificate_expiry_seconds",
        ]],
    };
    let all = own.iter().flat_map(|names| names.iter().copied());
    // The journey has no review, so auth handles no event.
    let of_handled = ["event_age_seconds", "events_handled_total"];
    all.filter(|name| process != "auth" || !of_handled.contains(name))
        .collect()
}

#[test]
fn every_process_exports_its_metrics_with_help() {
    for name in PROCESSES {
        let text = Text::read(&CAPTURE.metrics[name]);
        let mut families: BTreeSet<&str> = text.families.keys().map(String::as_str).collect();
        families.retain(|family| !OPTIONAL_METRICS.contains(family));
        assert_eq!(families, expected(name), "{name}");
        for (family, kind) in &text.families {
            let is_counter = family.ends_with("_total");
            assert_eq!(kind == "counter", is_counter, "{name} {family} {kind}");
            assert!(
                text.help.get(family).is_some_and(|help| help.ends_with('.')),
                "{name}: {family} has no help"
            );
        }
    }
}

#[test]
fn labels_have_low_cardinality() {
    for name in PROCESSES {
        let text = Text::read(&CAPTURE.metrics[name]);
        assert!(
            text.samples.len() < 1_000,
            "{name}: {} series",
            text.samples.len()
        );
        for (label, value) in text.samples.iter().flat_map(|sample| &sample.labels) {
            assert!(LABELS.contains(&label.as_str()), "{name} {label}");
            let digits = value.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            let is_word = value.len() <= 64 && (label == "le" || digits <= Some(3));
            assert!(is_word, "{name} {label}={value}");
        }
    }
}

#[test]
fn journey_is_counted_exactly() {
    for (process, sample, expected) in COUNTED {
        let text = Text::read(&CAPTURE.metrics[process]);
        assert_eq!(text.value(sample), Some(expected), "{process} {sample}");
    }
}
