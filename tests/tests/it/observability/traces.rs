//! Traces from the gateway to the last push, linked to the client's span.

use std::collections::BTreeSet;

use super::capture::CAPTURE;
use super::collector::Span;
use super::journey::TracedRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

/// The spans of a trace below `parent`, indented, siblings in alphabetical order.
fn tree(trace: &str, parent: &str, depth: usize) -> Vec<String> {
    let children = CAPTURE
        .spans
        .iter()
        .filter(|span| span.trace == trace && span.parent == parent);
    let mut below: Vec<Vec<String>> = children
        .map(|span| {
            let mut lines = vec![format!("{}{}", "  ".repeat(depth), line(span))];
            lines.extend(tree(trace, &span.id, depth + 1));
            lines
        })
        .collect();
    below.sort();
    below.concat()
}

fn line(span: &Span) -> String {
    let kind = match span.kind {
        SpanKind::Server => " <-",
        SpanKind::Client => " ->",
        SpanKind::Consumer => " <~",
        _ => "",
    };
    let failed = if span.failed { " FAILED" } else { "" };
    format!("{} {}{kind}{failed}", span.service, span.name)
}

/// The first span of a request's trace.
pub fn root(named: &TracedRequest) -> &'static Span {
    let client = (named.trace.to_owned(), named.client.to_owned());
    let mut linked = CAPTURE.spans.iter().filter(|span| span.links.contains(&client));
    let root = linked.next().expect("a span with a link to the client's");
    assert_eq!((root.parent.as_str(), linked.count()), ("", 0), "{root:?}");
    root
}

fn assert_tree(named: &TracedRequest, expected: &str) {
    let root = root(named);
    let lines = tree(&root.trace, "", 0);
    assert_eq!(
        lines.join("\n"),
        expected.trim_matches('\n'),
        "\n{}",
        lines.join("\n")
    );
    let all = CAPTURE
        .spans
        .iter()
        .filter(|span| span.trace == root.trace)
        .count();
    assert_eq!(all, lines.len(), "a span has no parent in the trace");
}

#[test]
fn booking_request_is_one_trace() {
    assert_tree(
        &CAPTURE.journey.requested,
        "
gateway edge.booking.create_booking <-
  gateway call.booking.create_booking ->
    booking rpc.booking.create_booking <-
      booking call.vehicle.place_hold ->
        vehicle rpc.vehicle.place_hold <-
      booking db.bookings.create
        notification event.booking.requested <~
          notification job.push_due
            notification push.booking.requested
              notification db.deliveries.record
              notification outbound.fcm.send ->
        vehicle event.booking.requested <~
",
    );
}

#[test]
fn approval_charge_and_pushes_are_one_trace() {
    assert_tree(
        &CAPTURE.journey.approved,
        "
gateway edge.booking.approve_booking <-
  gateway call.booking.approve_booking ->
    booking rpc.booking.approve_booking <-
      booking call.vehicle.confirm_hold ->
        vehicle rpc.vehicle.confirm_hold <-
      booking db.bookings.approve
        notification event.booking.approved <~
          notification job.push_due
            notification push.booking.approved
              notification db.deliveries.record
              notification outbound.fcm.send ->
        payment event.booking.approved <~
          payment job.charge_payment
            payment db.payments.apply_result
              booking event.payment.completed <~
                notification event.booking.confirmed <~
                  notification job.push_due
                    notification push.booking.confirmed
                      notification db.deliveries.record
                      notification outbound.fcm.send ->
                  notification job.push_due
                    notification push.booking.confirmed
                      notification db.deliveries.record
                      notification outbound.fcm.send ->
              notification event.payment.completed <~
                notification job.push_due
                  notification push.payment.completed
                    notification db.deliveries.record
                    notification outbound.fcm.send ->
            payment db.payments.begin_charge
            payment outbound.toss.charge ->
",
    );
}

#[test]
fn cancellation_and_refund_are_one_trace() {
    assert_tree(
        &CAPTURE.journey.cancelled,
        "
gateway edge.booking.cancel_booking <-
  gateway call.booking.cancel_booking ->
    booking rpc.booking.cancel_booking <-
      booking db.bookings.cancel
        notification event.booking.cancelled <~
          notification job.push_due
            notification push.booking.cancelled
              notification db.deliveries.record
              notification outbound.fcm.send ->
          notification job.push_due
            notification push.booking.cancelled
              notification db.deliveries.record
              notification outbound.fcm.send ->
        payment event.booking.cancelled <~
          payment job.refund_payment
            payment db.refunds.apply_result
              booking event.payment.refunded <~
              notification event.payment.refunded <~
                notification job.push_due
                  notification push.payment.refunded
                    notification db.deliveries.record
                    notification outbound.fcm.send ->
            payment db.refunds.begin
            payment outbound.toss.cancel ->
        vehicle event.booking.cancelled <~
",
    );
}

/// What the search of a tracing backend for `booking_id` finds: whole traces, by the span that has it.
#[test]
fn one_query_by_booking_id_finds_the_traces_from_request_to_push() {
    let journey = &CAPTURE.journey;
    let has_id = |span: &&Span| span.attributes.get("booking_id") == Some(&journey.booking_id);
    let found: BTreeSet<&str> = CAPTURE
        .spans
        .iter()
        .filter(has_id)
        .map(|span| span.trace.as_str())
        .collect();
    let of = |named: &TracedRequest| -> BTreeSet<String> {
        let trace = &root(named).trace;
        assert!(
            found.contains(trace.as_str()),
            "{} is not found",
            named.correlation_id
        );
        let spans = CAPTURE.spans.iter().filter(|span| span.trace == *trace);
        spans
            .map(|span| format!("{} {}", span.service, span.name))
            .collect()
    };
    let (requested, approved, cancelled) = (
        of(&journey.requested),
        of(&journey.approved),
        of(&journey.cancelled),
    );
    for (spans, expected) in [
        (
            &requested,
            "gateway edge.booking.create_booking, booking rpc.booking.create_booking, vehicle rpc.vehicle.place_hold, notification push.booking.requested",
        ),
        (
            &approved,
            "gateway edge.booking.approve_booking, booking rpc.booking.approve_booking, payment outbound.toss.charge, notification push.booking.confirmed, notification outbound.fcm.send",
        ),
        (
            &cancelled,
            "gateway edge.booking.cancel_booking, payment outbound.toss.cancel, notification push.payment.refunded",
        ),
    ] {
        for span in expected.split(", ") {
            assert!(spans.contains(span), "{span} is not in {spans:?}");
        }
    }
}

/// A call that changes nothing publishes no event: its path is what names the booking.
#[test]
fn read_of_a_booking_is_found_by_its_id() {
    let spans = CAPTURE
        .spans
        .iter()
        .filter(|span| span.name == "edge.booking.get_booking");
    let ids: BTreeSet<Option<&String>> = spans.map(|span| span.attributes.get("booking_id")).collect();
    assert!(ids.contains(&Some(&CAPTURE.journey.booking_id)), "{ids:?}");
}

#[test]
fn trace_of_a_client_is_not_continued() {
    let journey = &CAPTURE.journey;
    for named in [&journey.requested, &journey.approved, &journey.cancelled] {
        assert!(
            CAPTURE.spans.iter().all(|span| span.trace != named.trace),
            "{}",
            named.trace
        );
    }
}

#[test]
fn toss_gets_the_traceparent_of_the_calling_span() {
    let journey = &CAPTURE.journey;
    let span = CAPTURE
        .spans
        .iter()
        .find(|span| span.trace == root(&journey.approved).trace && span.name == "outbound.toss.charge")
        .expect("the charge");
    assert_eq!(
        journey.charge_traceparent,
        format!("00-{}-{}-01", span.trace, span.id)
    );
}
