//! A guest without a card pays in the window, and those who confirm it die when Toss has the money: the app asks again, and
//! the guest has paid once.

use carshare_sandbox::{Fault, PaymentStatus, Provider};
use carshare_testkit::{eventually, eventually_true};
use serde_json::{Value, json};

use super::setup::{Call, Setup};
use crate::harness::{Guest, Rest, TIMEOUT, invariants, next_slot};

const CONFIRM: &str = "/v1/payments/confirm";

#[tokio::test(flavor = "multi_thread")]
async fn a_window_payment_is_taken_once_whoever_dies_meanwhile() {
    let mut stage = Setup::set().await;
    let guest = Guest::register(&stage.fleet).await;
    for victims in [&["payment"][..], &["gateway"], &["booking", "payment", "gateway"]] {
        println!("{}", victims.join(", "));
        let charges = stage.fleet.sandbox().payments().len();
        let (id, paid) = ready_to_pay(&stage, &guest).await;

        stage
            .fleet
            .sandbox()
            .inject(Fault::lost_reply(Provider::Toss, CONFIRM));
        let processing = Call::post(&guest.rest, "/v1/payments/process", paid).made();
        let dying = async {
            eventually_true(TIMEOUT, || async {
                let payments = stage.fleet.sandbox().payments();
                payments[charges].status == PaymentStatus::Done
            })
            .await;
            stage.die(victims);
        };
        let (answer, ()) = tokio::join!(processing, dying);
        assert_eq!(answer.ok(200)["status"], "completed");
        guest.confirmed(&id).await;
        assert_eq!(stage.fleet.sandbox().payments().len(), charges + 1);
        invariants::hold(&stage.fleet).await;
    }
}

/// An approved booking, and what the guest did in Toss's window, as the app sends it on.
async fn ready_to_pay(stage: &Setup, guest: &Guest) -> (String, Value) {
    let slot = next_slot(carshare_chassis::Clock::system().now());
    let booking = guest.book(&stage.car, slot).await.ok(201);
    let id = booking["id"].as_str().expect("an id").to_owned();
    stage.host.approve(&id).await.ok(200);
    let payment = eventually(TIMEOUT, || async {
        let answer = guest.rest.get(&format!("/v1/payments/bookings/{id}")).await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    let (order, amount) = (&payment["order_id"], &payment["amount"]);
    let checkout = json!({ "orderId": order, "amount": amount, "orderName": "G80" });
    let window = Rest::new(stage.fleet.sandbox().url())
        .post("/toss/sandbox/checkout", &checkout)
        .await
        .ok(201);
    let paid =
        json!({ "booking_id": id, "payment_key": window["paymentKey"], "order_id": order, "amount": amount });
    (id, paid)
}
