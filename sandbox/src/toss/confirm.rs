//! `POST /v1/payments/confirm`: captures a payment that the guest has authenticated.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;

use super::error::Error;
use super::ledger::Ledger;
use super::params;
use super::payment::{Fresh, Payment, Status};
use super::webhook;
use crate::state::App;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirm {
    payment_key: String,
    order_id: String,
    amount: i64,
}

pub(super) async fn handle(State(app): State<App>, body: Bytes) -> Result<Json<Payment>, Error> {
    let request: Confirm = params::parse(&body)?;
    let fresh = Fresh::new(&app.environment);
    let charged = {
        let mut ledger = app.ledger();
        check(&mut ledger, &request)?;
        ledger.charge(&request.payment_key, &fresh, &app.public_url)
    };
    webhook::payment_changed(&app, &request.payment_key);
    charged.map(Json)
}

/// Checks that the payment belongs to this order, is authenticated, unprocessed and of exactly this amount.
fn check(ledger: &mut Ledger, request: &Confirm) -> Result<(), Error> {
    let record = ledger
        .by_key(&request.payment_key)
        .ok_or(Error::new("NOT_FOUND_PAYMENT"))?;
    let payment = &record.payment;
    if payment.order_id != request.order_id {
        return Err(Error::new("FORBIDDEN_REQUEST"));
    }
    match payment.status {
        Status::InProgress if payment.total_amount == request.amount => Ok(()),
        Status::InProgress => Err(Error::new("INVALID_REQUEST")),
        Status::Done | Status::Canceled | Status::PartialCanceled => {
            Err(Error::new("ALREADY_PROCESSED_PAYMENT"))
        }
        Status::Ready | Status::Aborted | Status::Expired => Err(Error::new("NOT_FOUND_PAYMENT_SESSION")),
    }
}
