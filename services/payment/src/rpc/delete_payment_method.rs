//! `DeletePaymentMethod`: deletes a card of the guest. A charge with it that has begun is completed: its outcome may be
//! unknown, and it is repeated under its idempotency key until it is known.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::ids::{GuestId, PaymentMethodId};
use crate::error::Error;
use crate::store::payment_methods;

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
    if payment_methods::delete(tx, guest, id).await? {
        Ok(pb::DeletePaymentMethodResponse {})
    } else {
        Err(Error::PaymentMethodNotFound)
    }
}
