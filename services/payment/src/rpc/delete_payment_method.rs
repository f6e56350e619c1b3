//! `DeletePaymentMethod`: deletes a card of the guest. A charge with it that has begun is completed: its outcome may be
//! unknown, and it is repeated under its idempotency key until it is known. Then its billing key is deleted, at the provider too.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use crate::domain::ids::{GuestId, PaymentMethodId};
use crate::error::Error;
use crate::store::{customers, payment_methods};
use crate::{App, jobs};

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::DeletePaymentMethodRequest,
) -> Result<pb::DeletePaymentMethodResponse, Error> {
    let guest = GuestId(ctx.user()?.id);
    let id = PaymentMethodId(uuid("payment_method_id", &request.payment_method_id)?);
    app.db
        .idempotent(&ctx, "payment_methods.delete", (guest, id), delete)
        .await
}

async fn delete(
    tx: &Tx,
    &(guest, id): &(GuestId, PaymentMethodId),
) -> Result<pb::DeletePaymentMethodResponse, Error> {
    customers::lock(tx, guest).await?;
    if payment_methods::delete(tx, guest, id).await? {
        tx.notify_job(jobs::KEY_REMOVALS);
        Ok(pb::DeletePaymentMethodResponse {})
    } else {
        Err(Error::PaymentMethodNotFound)
    }
}
