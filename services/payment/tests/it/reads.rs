//! Looking at payments.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use tonic::Code;

use crate::bench::*;

impl Bench {
    async fn history(&self, person: Person, page_size: i32, page_token: &str) -> ListPaymentsResponse {
        let call = self.by(
            person,
            ListPaymentsRequest {
                page_size,
                page_token: page_token.to_owned(),
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
async fn the_payment_of_a_booking_is_for_its_guest_its_host_and_admins() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let booking = bench.approved(guest).await;
    let row = bench.until(&booking, "requested").await;
    let seen = bench.get(guest, &booking).await.unwrap();
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
        created_at: Some(carshare_chassis::proto_types::timestamp(bench.clock.now())),
    };
    assert_eq!(seen, expected);
    for person in [booking.host, bench.person("admin")] {
        assert_eq!(bench.get(person, &booking).await.unwrap(), expected);
    }
    for stranger in [bench.person("guest"), bench.person("host")] {
        refused(bench.get(stranger, &booking).await, ErrorReason::PaymentNotFound);
    }
    refused(
        bench.get(guest, &bench.booking(guest)).await,
        ErrorReason::PaymentNotFound,
    );
    let nobody = GetBookingPaymentRequest {
        booking_id: booking.id.clone(),
    };
    refused_as(
        bench.client.clone().get_booking_payment(nobody).await,
        Code::Unauthenticated,
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_history_is_ones_own_newest_first_page_by_page() {
    let bench = Bench::start().await;
    let (guest, other) = (bench.person("guest"), bench.person("guest"));
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.push(bench.approved(guest).await);
        bench.approved(other).await;
    }
    let newest_first: Vec<&str> = mine.iter().rev().map(|booking| booking.id.as_str()).collect();

    let all = bench.history(guest, 0, "").await;
    assert_eq!(
        (bookings(&all), all.next_page_token.as_str()),
        (newest_first.clone(), "")
    );
    let first = bench.history(guest, 2, "").await;
    let second = bench.history(guest, 2, &first.next_page_token).await;
    let third = bench.history(guest, 2, &second.next_page_token).await;
    assert_eq!(
        [bookings(&first), bookings(&second), bookings(&third)].concat(),
        newest_first
    );
    assert_eq!(third.next_page_token, "");
    let exact = bench.history(guest, 5, "").await;
    assert_eq!((exact.payments.len(), exact.next_page_token.as_str()), (5, ""));
    assert_eq!(
        bookings(&bench.history(mine[0].host, 0, "").await),
        [mine[0].id.as_str()]
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    for (page_size, page_token, field) in [
        (-1, "", "page_size"),
        (201, "", "page_size"),
        (0, "nonsense", "page_token"),
    ] {
        let call = bench.by(
            guest,
            ListPaymentsRequest {
                page_size,
                page_token: page_token.to_owned(),
            },
        );
        let error = refused(
            bench.client.clone().list_payments(call).await,
            Common::InvalidArgument,
        );
        assert_eq!(error.violations()[0].field, field);
    }
    bench.finish().await;
}
