//! Paying settlements, and reading them.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use rstest::rstest;
use tonic::Code;

use crate::harness::*;
use crate::settling::{HOLD, RENTAL};

#[tokio::test]
async fn payout_is_recorded_once() {
    let harness = Harness::start_settling().await;
    let (booking, created) = harness.settled().await;
    let admin = harness.person("admin");
    let now = timestamp(harness.clock.now());
    let paid = harness
        .complete_payout(admin, &created.id, "신한 T-1")
        .await
        .unwrap();
    let expected = Settlement {
        status: SettlementStatus::Paid.into(),
        transfer_reference: Some("신한 T-1".to_owned()),
        paid_at: Some(now),
        ..created.clone()
    };
    assert_eq!(paid, expected);
    let payment = harness.get(booking.host, &booking).await.unwrap();
    assert_eq!(payment.settled_at, Some(now));
    assert_eq!(
        harness.balances().await,
        [
            "host_payable 0",
            "payouts_in_transit 0",
            "platform_fee -6750",
            "provider_clearing 6750"
        ]
    );
    let event: SettlementPaid = harness.event().await;
    let published = SettlementPaid {
        settlement_id: created.id.clone(),
        host_id: booking.host.id.to_string(),
        amount: 38_250,
        transfer_reference: "신한 T-1".to_owned(),
        paid_at: Some(now),
    };
    assert_eq!(event, published);

    let paid_by = harness
        .lines("SELECT paid_by::text AS line FROM settlements")
        .await;
    assert_eq!(paid_by, [admin.id.to_string()]);

    harness.clock.advance(HOLD);
    let repeated = harness.complete_payout(admin, &created.id, "신한 T-1").await;
    assert_eq!(repeated.unwrap(), expected);
    let other = harness.complete_payout(admin, &created.id, "T-2").await;
    assert_reason(other, ErrorReason::PayoutRecorded);
    assert_eq!(
        harness.event_names(&created.id).await,
        ["settlement.created", "settlement.paid"]
    );
    let details = harness.settlement(booking.host, &created.id).await.unwrap();
    assert_eq!(details.settlement, Some(expected));
    harness.finish().await;
}

#[tokio::test]
async fn refund_keeps_the_time_of_the_payout() {
    let harness = Harness::start_settling().await;
    let (booking, created) = harness.settled().await;
    let admin = harness.person("admin");
    harness.complete_payout(admin, &created.id, "T-1").await.unwrap();
    let paid_at = Some(timestamp(harness.clock.now()));
    let known = carshare_proto::booking::v1::PaymentStatus::Paid;
    harness.cancel(&booking, 5_000, known).await;
    harness.pass_time_until(&booking, "refunded").await;
    let payment = harness.get(booking.guest, &booking).await.unwrap();
    assert_eq!((payment.settled_at, payment.refunded_amount), (paid_at, 5_000));
    harness.finish().await;
}

#[rstest]
#[case::empty("")]
#[case::blank(" ")]
#[case::space_around(" T-1 ")]
#[case::line_break("T-1\nT-2")]
#[case::control("T\u{1}1")]
#[case::bidirectional("T\u{202e}1")]
#[case::too_long(&"x".repeat(65))]
#[tokio::test]
async fn payout_without_a_valid_reference_is_refused(#[case] reference: &str) {
    let harness = Harness::start_settling().await;
    let id = harness.environment.ids.next().to_string();
    let admin = harness.person("admin");
    let error = assert_reason(
        harness.complete_payout(admin, &id, reference).await,
        Common::InvalidArgument,
    );
    assert_eq!(error.violations()[0].field, "transfer_reference");
    harness.finish().await;
}

#[tokio::test]
async fn settlements_of_others_are_not_found() {
    let harness = Harness::start_settling().await;
    let (booking, created) = harness.settled().await;
    let (admin, stranger) = (harness.person("admin"), harness.host());
    let unknown = harness.environment.ids.next().to_string();
    for (person, id) in [
        (stranger, &created.id),
        (booking.host, &unknown),
        (admin, &unknown),
    ] {
        assert_reason(
            harness.settlement(person, id).await,
            ErrorReason::SettlementNotFound,
        );
    }
    let missing = harness.complete_payout(admin, &unknown, "T-1").await;
    assert_reason(missing, ErrorReason::SettlementNotFound);
    let details = harness.settlement(admin, &created.id).await.unwrap();
    assert_eq!(details.settlement, Some(created.clone()));

    let guest = booking.guest;
    assert_code(
        harness.settlement(guest, &created.id).await,
        Code::PermissionDenied,
    );
    let list = harness
        .list_settlements(guest, ListSettlementsRequest::default())
        .await;
    assert_code(list, Code::PermissionDenied);
    for person in [guest, booking.host] {
        let refused = harness.complete_payout(person, &created.id, "T-1").await;
        assert_code(refused, Code::PermissionDenied);
    }
    let invalid = harness.settlement(booking.host, "x").await;
    let error = assert_reason(invalid, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "settlement_id");
    let invalid = harness.complete_payout(admin, "x", "T-1").await;
    let error = assert_reason(invalid, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "settlement_id");
    harness.finish().await;
}

fn ids(page: &ListSettlementsResponse) -> Vec<&str> {
    page.settlements
        .iter()
        .map(|settlement| settlement.id.as_str())
        .collect()
}

#[tokio::test]
async fn list_settlements_filters_by_host_and_status() {
    let harness = Harness::start_settling().await;
    let (first_booking, first) = harness.settled().await;
    let (second_booking, second) = harness.settled().await;
    let admin = harness.person("admin");
    harness.complete_payout(admin, &first.id, "T-1").await.unwrap();
    let of = |host: Option<Person>, status: SettlementStatus| ListSettlementsRequest {
        host_id: host.map(|host| host.id.to_string()),
        status: status.into(),
        include_total: true,
        ..Default::default()
    };
    let (one, two) = (first_booking.host, second_booking.host);
    let (created, paid) = (SettlementStatus::Created, SettlementStatus::Paid);
    let any = SettlementStatus::Unspecified;
    let (first, second) = (first.id.as_str(), second.id.as_str());
    for (person, request, expected) in [
        (admin, of(None, any), vec![second, first]),
        (admin, of(None, created), vec![second]),
        (admin, of(None, paid), vec![first]),
        (admin, of(Some(one), any), vec![first]),
        (admin, of(Some(one), created), vec![]),
        (one, of(None, any), vec![first]),
        (one, of(Some(one), paid), vec![first]),
        (one, of(Some(two), any), vec![]),
        (two, of(None, created), vec![second]),
        (two, of(None, paid), vec![]),
    ] {
        let page = harness.list_settlements(person, request.clone()).await.unwrap();
        assert_eq!(ids(&page), expected, "{request:?}");
        assert_eq!(page.total_size, Some(expected.len() as i64), "{request:?}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_settlements_has_pages() {
    let harness = Harness::start_settling().await;
    let host = harness.host();
    let mut settled = Vec::new();
    for _ in 0..3 {
        harness.captured_of(host, PRICE).await;
        harness.clock.advance(RENTAL + HOLD);
        settled.insert(0, harness.settle().await.remove(0));
    }
    let request = |page_size, page_token: &str| ListSettlementsRequest {
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let first = harness.list_settlements(host, request(2, "")).await.unwrap();
    assert_eq!(
        (first.settlements.as_slice(), first.total_size),
        (&settled[..2], None)
    );
    let token = first.next_page_token.as_str();
    let last = harness.list_settlements(host, request(2, token)).await.unwrap();
    assert_eq!(last.settlements, settled[2..]);
    assert_eq!(last.next_page_token, "");

    let filtered = ListSettlementsRequest {
        status: SettlementStatus::Created.into(),
        ..request(2, token)
    };
    for (person, request, field) in [
        (host, filtered, "page_token"),
        (harness.host(), request(2, token), "page_token"),
        (harness.person("admin"), request(2, token), "page_token"),
        (host, request(2, "x"), "page_token"),
        (host, request(201, ""), "page_size"),
        (host, request(-1, ""), "page_size"),
    ] {
        let refused = harness.list_settlements(person, request.clone()).await;
        let error = assert_reason(refused, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field, "{request:?}");
    }
    harness.finish().await;
}
