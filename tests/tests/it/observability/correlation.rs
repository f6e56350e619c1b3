//! The correlation id of a client's request is in the logs of every process that worked for it, events included.

use std::collections::BTreeMap;

use serde_json::Value;

use super::capture::{CAPTURE, PROCESSES};
use super::journey::TracedRequest;
use super::traces::root;

/// The canonical log lines of a request by process, sorted, because many happen concurrently.
fn log_lines(named: &TracedRequest) -> BTreeMap<&'static str, Vec<String>> {
    let mut lines_by_process = BTreeMap::new();
    for name in PROCESSES {
        let lines = CAPTURE.logs[name].json();
        let of_request = lines
            .iter()
            .filter(|line| line["correlation_id"] == named.correlation_id);
        let mut canonical: Vec<String> = of_request
            .filter_map(|line| canonical(line, &root(named).trace))
            .collect();
        canonical.sort();
        if !canonical.is_empty() {
            lines_by_process.insert(name, canonical);
        }
    }
    lines_by_process
}

fn canonical(line: &Value, trace: &str) -> Option<String> {
    let (subject, end) = match line["message"].as_str()? {
        "request" => ("rpc", "status"),
        "rpc" => ("rpc", "code"),
        "event" => ("event", "outcome"),
        "job" => ("job", "outcome"),
        "push" => ("kind", "outcome"),
        _ => return None,
    };
    assert_eq!(line["trace_id"], trace, "{line}");
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let message = word(&line["message"]);
    Some(format!("{message} {} {}", word(&line[subject]), word(&line[end])))
}

fn expected<'a>(lines: &[(&'a str, &[&str])]) -> BTreeMap<&'a str, Vec<String>> {
    lines
        .iter()
        .map(|(name, lines)| (*name, lines.iter().map(|line| (*line).to_owned()).collect()))
        .collect()
}

#[test]
fn response_has_the_clients_correlation_id() {
    let journey = &CAPTURE.journey;
    for named in [&journey.requested, &journey.approved, &journey.cancelled] {
        assert_eq!(named.answered, named.correlation_id);
    }
}

#[test]
fn booking_request_logs_one_line_per_step() {
    let lines = expected(&[
        ("gateway", &["request rpc.booking.create_booking 201"]),
        ("booking", &["rpc rpc.booking.create_booking OK"]),
        (
            "vehicle",
            &["event booking.requested handled", "rpc rpc.vehicle.place_hold OK"],
        ),
        (
            "notification",
            &[
                "event booking.requested handled",
                "job push_due succeeded",
                "push booking.requested sent",
            ],
        ),
    ]);
    assert_eq!(log_lines(&CAPTURE.journey.requested), lines);
}

#[test]
fn approval_logs_one_line_per_step() {
    let lines = expected(&[
        ("gateway", &["request rpc.booking.approve_booking 200"]),
        (
            "booking",
            &[
                "event payment.completed handled",
                "rpc rpc.booking.approve_booking OK",
            ],
        ),
        ("vehicle", &["rpc rpc.vehicle.confirm_hold OK"]),
        (
            "payment",
            &["event booking.approved handled", "job charge_payment succeeded"],
        ),
        (
            "notification",
            &[
                "event booking.approved handled",
                "event booking.confirmed handled",
                "event payment.completed handled",
                "job push_due succeeded",
                "job push_due succeeded",
                "job push_due succeeded",
                "job push_due succeeded",
                "push booking.approved sent",
                "push booking.confirmed sent",
                "push booking.confirmed sent",
                "push payment.completed sent",
            ],
        ),
    ]);
    assert_eq!(log_lines(&CAPTURE.journey.approved), lines);
}

#[test]
fn cancellation_logs_one_line_per_step() {
    let lines = expected(&[
        ("gateway", &["request rpc.booking.cancel_booking 200"]),
        (
            "booking",
            &[
                "event payment.refunded handled",
                "rpc rpc.booking.cancel_booking OK",
            ],
        ),
        ("vehicle", &["event booking.cancelled handled"]),
        (
            "payment",
            &["event booking.cancelled handled", "job refund_payment succeeded"],
        ),
        (
            "notification",
            &[
                "event booking.cancelled handled",
                "event payment.refunded handled",
                "job push_due succeeded",
                "job push_due succeeded",
                "job push_due succeeded",
                "push booking.cancelled sent",
                "push booking.cancelled sent",
                "push payment.refunded sent",
            ],
        ),
    ]);
    assert_eq!(log_lines(&CAPTURE.journey.cancelled), lines);
}
