//! `ListPayments`: filters, order and totals.

use std::time::Duration;

use carshare_proto::booking::v1 as booking;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use tonic::Status;

use crate::harness::*;

impl Harness {
    async fn list(
        &self,
        person: Person,
        request: ListPaymentsRequest,
    ) -> Result<ListPaymentsResponse, Status> {
        let call = self.request(person, request);
        into_message(self.client.clone().list_payments(call).await)
    }

    /// Approves bookings of the guest, a minute apart.
    async fn approved_in_turn<const N: usize>(&self, guest: Person) -> [Booking; N] {
        let mut approved = Vec::new();
        for _ in 0..N {
            approved.push(self.approved(guest).await);
            self.clock.advance(Duration::from_mins(1));
        }
        approved.try_into().unwrap()
    }
}

fn bookings(page: &ListPaymentsResponse) -> Vec<&str> {
    page.payments
        .iter()
        .map(|payment| payment.booking_id.as_str())
        .collect()
}

#[tokio::test]
async fn list_payments_filters_by_status_and_booking() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let [a, b, c] = harness.approved_in_turn(guest).await;
    for pending in [&a, &b, &c] {
        harness.until(pending, "requested").await;
    }
    harness.cancel(&b, 0, booking::PaymentStatus::Pending).await;
    harness.until(&b, "failed").await;
    let of = |status: PaymentStatus, booking: Option<&Booking>| ListPaymentsRequest {
        status: status.into(),
        booking_id: booking.map(|booking| booking.id.clone()),
        include_total: true,
        ..Default::default()
    };
    let [a_id, b_id, c_id] = [&a, &b, &c].map(|booking| booking.id.as_str());
    for (person, request, expected) in [
        (
            guest,
            of(PaymentStatus::Unspecified, None),
            vec![c_id, b_id, a_id],
        ),
        (guest, of(PaymentStatus::Pending, None), vec![c_id, a_id]),
        (guest, of(PaymentStatus::Failed, None), vec![b_id]),
        (guest, of(PaymentStatus::Completed, None), vec![]),
        (guest, of(PaymentStatus::Refunded, None), vec![]),
        (guest, of(PaymentStatus::Unspecified, Some(&b)), vec![b_id]),
        (guest, of(PaymentStatus::Pending, Some(&b)), vec![]),
        (b.host, of(PaymentStatus::Unspecified, Some(&b)), vec![b_id]),
        (b.host, of(PaymentStatus::Unspecified, Some(&a)), vec![]),
        (
            harness.person("admin"),
            of(PaymentStatus::Unspecified, None),
            vec![],
        ),
    ] {
        let page = harness.list(person, request.clone()).await.unwrap();
        assert_eq!(bookings(&page), expected, "{request:?}");
        assert_eq!(page.total_size, Some(expected.len() as i64), "{request:?}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_payments_filters_by_the_time_of_the_approval() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let [a, b, c] = harness.approved_in_turn(guest).await;
    let [a_id, b_id, c_id] = [&a, &b, &c].map(|booking| booking.id.as_str());
    let all = harness.list(guest, ListPaymentsRequest::default()).await.unwrap();
    let created = |newest: usize| all.payments[newest].created_at;
    for (created_from, created_before, expected) in [
        (created(1), None, vec![c_id, b_id]),
        (None, created(1), vec![a_id]),
        (created(2), created(0), vec![b_id, a_id]),
        // Empty and inverted ranges match nothing.
        (created(1), created(1), vec![]),
        (created(0), created(2), vec![]),
    ] {
        let request = ListPaymentsRequest {
            created_from,
            created_before,
            page_size: 1,
            include_total: true,
            ..Default::default()
        };
        // The total ignores the page.
        let page = harness.list(guest, request.clone()).await.unwrap();
        assert_eq!(page.total_size, Some(expected.len() as i64), "{request:?}");
        let whole = ListPaymentsRequest {
            page_size: 0,
            include_total: false,
            ..request
        };
        let page = harness.list(guest, whole.clone()).await.unwrap();
        assert_eq!((bookings(&page), page.total_size), (expected, None), "{whole:?}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_payments_oldest_first_continues_after_its_page_despite_changes() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let [a, b, c] = harness.approved_in_turn(guest).await;
    let page = |page_token: &str| ListPaymentsRequest {
        order_by: PaymentOrder::CreatedAsc.into(),
        page_size: 2,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let first = harness.list(guest, page("")).await.unwrap();
    assert_eq!(bookings(&first), [a.id.as_str(), &b.id]);
    let [d] = harness.approved_in_turn(guest).await;
    let second = harness.list(guest, page(&first.next_page_token)).await.unwrap();
    assert_eq!(
        (bookings(&second), second.next_page_token.as_str()),
        (vec![c.id.as_str(), &d.id], "")
    );
    let newest = ListPaymentsRequest {
        order_by: PaymentOrder::CreatedDesc.into(),
        ..page("")
    };
    let newest_first = harness.list(guest, newest.clone()).await.unwrap();
    assert_eq!(bookings(&newest_first), [d.id.as_str(), &c.id]);
    // A token is bound to its order.
    let mixed = ListPaymentsRequest {
        page_token: first.next_page_token,
        ..newest
    };
    let error = assert_reason(harness.list(guest, mixed).await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "page_token");
    harness.finish().await;
}

#[tokio::test]
async fn list_payments_with_an_invalid_order_or_filter_names_it() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let request = ListPaymentsRequest::default;
    for (request, field) in [
        (
            ListPaymentsRequest {
                status: 9,
                ..request()
            },
            "status",
        ),
        (
            ListPaymentsRequest {
                order_by: 9,
                ..request()
            },
            "order_by",
        ),
        (
            ListPaymentsRequest {
                booking_id: Some("one".into()),
                ..request()
            },
            "booking_id",
        ),
    ] {
        let error = assert_reason(harness.list(guest, request).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field);
    }
    harness.finish().await;
}
