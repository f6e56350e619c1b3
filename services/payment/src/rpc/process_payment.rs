//! `ProcessPayment`: confirms what the guest paid in the payment window. Amount and order are compared with what is owed
//! before the provider hears of it: they came by the guest's browser.
//!
//! The call and its conclusion run to their end even when the client has gone. A client that is told that the outcome is not
//! known may ask again with the same window result; the guest is charged once.

use carshare_chassis::rpc::CallContext;
use carshare_chassis::task;
use carshare_proto::payment::v1 as pb;
use carshare_store::{Claim, Tx};
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::collect::{self, Seen, WindowResult};
use crate::domain::finding::{Refusal, Verdict};
use crate::domain::ids::{BookingId, GuestId};
use crate::error::Error;
use crate::store::payments;

/// Answers.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::ProcessPaymentRequest,
) -> Result<pb::Payment, Error> {
    if let Claim::Replayed(payment) = app.db.claim(&ctx).await? {
        return Ok(payment);
    }
    let booking_id = Uuid::try_parse(&request.booking_id)
        .map(BookingId)
        .map_err(|_| Error::PaymentNotFound)?;
    let result = WindowResult {
        booking_id,
        guest_id: GuestId(ctx.user()?.id),
        payment_key: request.payment_key,
        order_id: request.order_id,
        amount_krw: request.amount,
    };
    match confirm(app, &ctx, result).await? {
        Seen::Paid => {}
        Seen::Refused(refusal) => return Err(refused(refusal)),
        Seen::Repeat => {
            return Err(Error::ProviderUnavailable {
                code: "REPEAT".to_owned(),
            });
        }
        Seen::Doubt { code } => return Err(Error::ProviderUnavailable { code }),
    }
    app.db
        .idempotent(&ctx, "payments.process", booking_id, reply)
        .await
}

async fn confirm(app: &App, ctx: &CallContext, result: WindowResult) -> Result<Seen, Error> {
    let begun = collect::begin_window(app, result).await?;
    let at_work = app.clone();
    let confirming = task::spawn("process_payment", async move {
        collect::run_window(&at_work, begun).await
    });
    match tokio::time::timeout_at(ctx.deadline.for_next_hop().instant(), confirming).await {
        Ok(done) => done.map_err(|error| Error::Internal(error.into()))?,
        Err(_) => Err(Error::ProviderUnavailable {
            code: "SLOW".to_owned(),
        }),
    }
}

async fn reply(tx: &Tx, &booking: &BookingId) -> Result<pb::Payment, Error> {
    let payment = payments::find_by_booking(tx.conn(), booking)
        .await?
        .ok_or(Error::PaymentNotFound)?;
    Ok(convert::payment(&payment))
}

fn refused(refusal: Refusal) -> Error {
    let code = refusal.code;
    match refusal.verdict {
        Verdict::Mismatch | Verdict::NotFound => Error::AmountMismatch,
        Verdict::Declined | Verdict::KeyUnusable | Verdict::SessionOver => Error::Declined { code },
        Verdict::OurFault | Verdict::Unknown { .. } => Error::ProviderUnavailable { code },
    }
}
