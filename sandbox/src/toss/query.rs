//! `GET /v1/payments/{paymentKey}` and `GET /v1/payments/orders/{orderId}`: return the stored payment. Shops use them after an
//! unknown outcome.

use axum::Json;
use axum::extract::{Path, State};

use super::error::Error;
use super::payment::{Payment, Record};
use crate::state::App;

pub(super) async fn by_payment_key(
    State(app): State<App>,
    Path(payment_key): Path<String>,
) -> Result<Json<Payment>, Error> {
    found(app.ledger().by_key(&payment_key))
}

pub(super) async fn by_order_id(
    State(app): State<App>,
    Path(order_id): Path<String>,
) -> Result<Json<Payment>, Error> {
    found(app.ledger().by_order(&order_id))
}

fn found(record: Option<&mut Record>) -> Result<Json<Payment>, Error> {
    record
        .map(|record| Json(record.payment.clone()))
        .ok_or(Error::new("NOT_FOUND_PAYMENT"))
}
