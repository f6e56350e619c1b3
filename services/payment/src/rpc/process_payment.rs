//! `ProcessPayment`: confirms what the guest paid in the payment window. Amount and order come from the guest's browser, so
//! they are compared with what is owed before the provider is called.
//!
//! The provider call and the transaction after it are finished even if the client disconnects. After `PROVIDER_UNAVAILABLE`
//! the client may repeat the call with the same payment key; the guest is charged once.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_chassis::task;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::charge::{self, AttemptResult, CheckoutResult};
use crate::domain::ids::{BookingId, GuestId};
use crate::domain::provider_report::{ErrorKind, ProviderError};
use crate::error::Error;
use crate::store::payments;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ProcessPaymentRequest,
) -> Result<pb::Payment, Error> {
    if let Some(payment) = app.db.find_reply(&ctx).await? {
        return Ok(payment);
    }
    let booking_id = BookingId(uuid("booking_id", &request.booking_id)?);
    let order = Order(request.order_id.clone());
    let result = CheckoutResult {
        booking_id,
        guest_id: GuestId(ctx.user()?.id),
        payment_key: request.payment_key,
        order_id: request.order_id,
        amount_krw: request.amount,
    };
    match confirm(app, &ctx, result).await? {
        AttemptResult::Captured => {}
        AttemptResult::Failed(error) => return Err(to_error(error)),
        AttemptResult::RetryCall => {
            return Err(Error::ProviderUnavailable {
                code: "REPEAT".to_owned(),
            });
        }
        AttemptResult::Unknown { code } => return Err(Error::ProviderUnavailable { code }),
    }
    app.db.idempotent(&ctx, "payments.process", order, reply).await
}

async fn confirm(app: &App, ctx: &CallContext, result: CheckoutResult) -> Result<AttemptResult, Error> {
    let begun = charge::begin_checkout(app, result).await?;
    let worker = app.clone();
    let confirming = task::spawn("process_payment", async move {
        charge::finish_checkout(&worker, begun).await
    });
    match tokio::time::timeout_at(ctx.deadline.for_next_hop().instant(), confirming).await {
        Ok(done) => done.map_err(|error| Error::Internal(error.into()))?,
        Err(_) => Err(Error::ProviderUnavailable {
            code: "SLOW".to_owned(),
        }),
    }
}

/// Order id of the payment.
struct Order(String);

async fn reply(tx: &Tx, Order(order_id): &Order) -> Result<pb::Payment, Error> {
    let payment = payments::find_by_provider(tx.conn(), Some(order_id), None)
        .await?
        .ok_or(Error::PaymentNotFound)?;
    Ok(convert::payment(&payment))
}

fn to_error(error: ProviderError) -> Error {
    let code = error.code;
    match error.kind {
        ErrorKind::Mismatch | ErrorKind::NotFound => Error::AmountMismatch,
        ErrorKind::Declined | ErrorKind::KeyUnusable | ErrorKind::SessionExpired => Error::Declined { code },
        ErrorKind::OurFault | ErrorKind::Unknown { .. } => Error::ProviderUnavailable { code },
    }
}
