//! `POST /v1/payments/{paymentKey}/cancel`: cancels the balance or a part of it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::error::Error;
use super::params;
use super::payment::{CancelRequest, Fresh, Payment};
use super::webhook;
use crate::state::App;

const REASON_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    cancel_reason: String,
    cancel_amount: Option<i64>,
    refundable_amount: Option<i64>,
}

pub(super) async fn handle(
    State(app): State<App>,
    Path(payment_key): Path<String>,
    body: Bytes,
) -> Result<Json<Payment>, Error> {
    let request: Body = params::parse(&body)?;
    if request.cancel_reason.is_empty() || request.cancel_reason.chars().count() > REASON_MAX {
        return Err(Error::new("INVALID_REQUEST"));
    }
    let request = CancelRequest {
        reason: request.cancel_reason,
        amount: request.cancel_amount,
        refundable: request.refundable_amount,
    };
    let payment = {
        let mut ledger = app.ledger();
        let record = ledger
            .by_key(&payment_key)
            .ok_or(Error::new("NOT_FOUND_PAYMENT"))?;
        record.cancel(request, &Fresh::new(&app.environment))?;
        record.payment.clone()
    };
    webhook::payment_changed(&app, &payment_key);
    Ok(Json(payment))
}
