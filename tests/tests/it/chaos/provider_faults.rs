//! Faults of Toss and FCM, and refunds on Toss's dashboard.

use carshare_sandbox::{Fault, Payment, PaymentStatus, Provider};
use reqwest::Method;
use serde_json::json;

use super::Run;
use crate::harness::Dice;
use crate::harness::{Rest, fault_lasts};
use crate::load::Journal;

const PATHS: [&str; 4] = [
    "/v1/billing/bsbx",
    "/v1/payments/confirm",
    "/cancel",
    "/v1/payments/orders",
];

/// Injects one fault after the other until the run is over.
pub async fn inject(sandbox: &str, dice: Dice, journal: &Journal, run: &Run) {
    let sandbox = Rest::at(sandbox);
    while !run.is_over() {
        if dice.chance(0.15) {
            refund(&sandbox, &dice, journal, run).await;
        } else {
            let fault = random_fault(&dice);
            run.begins(&format!(
                "{:?} of {:?} {}",
                fault.kind, fault.provider, fault.path_contains
            ));
            let fault = serde_json::to_value(fault).expect("JSON");
            sandbox.post("/sandbox/faults", &fault).await.ok(201);
        }
        fault_lasts(dice.duration(300, 3_000)).await;
    }
}

fn random_fault(dice: &Dice) -> Fault {
    if dice.chance(0.2) {
        return Fault::error(Provider::Fcm, "messages:send", 503);
    }
    let path = dice.pick(&PATHS);
    match dice.below(4) {
        0 => Fault::lost_reply(Provider::Toss, path),
        1 => Fault::delay(Provider::Toss, path, 500 + dice.below(4_000) as u64),
        2 => Fault::error(Provider::Toss, path, 500),
        _ => Fault::refuse(Provider::Toss, path),
    }
}

/// Refunds a captured payment, as the operator of the shop can on the dashboard.
async fn refund(sandbox: &Rest, dice: &Dice, journal: &Journal, run: &Run) {
    let payments = sandbox.get("/toss/sandbox/payments").await.ok(200);
    let payments: Vec<Payment> = serde_json::from_value(payments).expect("payments");
    let captured: Vec<&Payment> = payments
        .iter()
        .filter(|payment| {
            payment.balance_amount > 0
                && matches!(
                    payment.status,
                    PaymentStatus::Done | PaymentStatus::PartialCanceled
                )
        })
        .collect();
    if captured.is_empty() {
        return;
    }
    let payment = dice.pick(&captured);
    let balance = payment.balance_amount;
    let amount = if dice.chance(0.5) {
        1 + dice.below(balance as usize) as i64
    } else {
        balance
    };
    run.begins(&format!("dashboard refund of {amount} on {}", payment.order_id));
    // Before the call, because its effect may be visible before its response.
    if amount == balance {
        journal.emptied_outside(&payment.order_id);
    }
    let secret = carshare_sandbox::Config::default().toss_secret_key;
    let path = format!("/toss/v1/payments/{}/cancel", payment.payment_key);
    let body = json!({ "cancelReason": "고객 요청", "cancelAmount": amount });
    let request = sandbox
        .request(Method::POST, &path)
        .basic_auth(secret, Some(""))
        .json(&body);
    // May meet a fault of the sandbox, or a refund that came first.
    let status = request.send().await.map(|response| response.status());
    println!("  dashboard: {status:?}");
    if status.is_ok_and(|status| status.is_success()) {
        journal.refunded_outside(&payment.order_id, amount);
    }
}
