//! `GetBookingPayment` and `ListPayments`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use tonic::Code;

use crate::harness::*;

impl Harness {
    async fn history(&self, person: Person, page_size: i32, page_token: &str) -> ListPaymentsResponse {
        let call = self.request(
            person,
            ListPaymentsRequest {
                page_size,
                page_token: page_token.to_owned(),
                ..Default::default()
            },
        );
        self.client
            .clone()
            .list_payments(call)
            .await
            .unwrap()
            .into_inner()
    }
}

fn bookings(page: &ListPaymentsResponse) -> Vec<&str> {
    page.payments
        .iter()
        .map(|payment| payment.booking_id.as_str())
        .collect()
}

#[tokio::test]
async fn get_booking_payment_is_visible_to_guest_host_and_admins() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "requested").await;
    let seen = harness.get(guest, &booking).await.unwrap();
    let expected = Payment {
        id: row.id.to_string(),
        booking_id: booking.id.clone(),
        order_id: row.order_id,
        amount: PRICE,
        platform_fee: 6_750,
        host_amount: 38_250,
        refunded_amount: 0,
        payment_method: String::new(),
        status: PaymentStatus::Pending.into(),
        failure_code: None,
        paid_at: None,
        created_at: Some(carshare_chassis::proto_types::timestamp(harness.clock.now())),
        charge_id: None,
        settled_at: None,
    };
    assert_eq!(seen, expected);
    for person in [booking.host, harness.person("admin")] {
        assert_eq!(harness.get(person, &booking).await.unwrap(), expected);
    }
    for other in [harness.person("guest"), harness.person("host")] {
        assert_reason(harness.get(other, &booking).await, ErrorReason::PaymentNotFound);
    }
    assert_reason(
        harness.get(guest, &harness.booking(guest)).await,
        ErrorReason::PaymentNotFound,
    );
    let anonymous = GetBookingPaymentRequest {
        booking_id: booking.id.clone(),
    };
    assert_code(
        harness.client.clone().get_booking_payment(anonymous).await,
        Code::Unauthenticated,
    );
    harness.finish().await;
}

#[tokio::test]
async fn list_payments_returns_own_payments_newest_first_in_pages() {
    let harness = Harness::start().await;
    let (guest, other) = (harness.person("guest"), harness.person("guest"));
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.push(harness.approved(guest).await);
        harness.approved(other).await;
    }
    let newest_first: Vec<&str> = mine.iter().rev().map(|booking| booking.id.as_str()).collect();

    let all = harness.history(guest, 0, "").await;
    assert_eq!(
        (bookings(&all), all.next_page_token.as_str()),
        (newest_first.clone(), "")
    );
    let first = harness.history(guest, 2, "").await;
    let second = harness.history(guest, 2, &first.next_page_token).await;
    let third = harness.history(guest, 2, &second.next_page_token).await;
    assert_eq!(
        [bookings(&first), bookings(&second), bookings(&third)].concat(),
        newest_first
    );
    assert_eq!(third.next_page_token, "");
    let exact = harness.history(guest, 5, "").await;
    assert_eq!((exact.payments.len(), exact.next_page_token.as_str()), (5, ""));
    assert_eq!(
        bookings(&harness.history(mine[0].host, 0, "").await),
        [mine[0].id.as_str()]
    );
    harness.finish().await;
}

#[tokio::test]
async fn list_payments_rejects_invalid_pages() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    for (page_size, page_token, field) in [
        (-1, "", "page_size"),
        (201, "", "page_size"),
        (0, "nonsense", "page_token"),
    ] {
        let call = harness.request(
            guest,
            ListPaymentsRequest {
                page_size,
                page_token: page_token.to_owned(),
                ..Default::default()
            },
        );
        let error = assert_reason(
            harness.client.clone().list_payments(call).await,
            Common::InvalidArgument,
        );
        assert_eq!(error.violations()[0].field, field);
    }
    harness.finish().await;
}
