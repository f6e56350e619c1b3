//! `SetDefaultPaymentMethod`: makes a card of the guest the default. It is read when a charge begins.

use carshare_chassis::proto_types::uuid;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::ids::{GuestId, PaymentMethodId};
use crate::error::Error;
use crate::store::payment_methods;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::SetDefaultPaymentMethodRequest,
) -> Result<pb::PaymentMethod, Error> {
    let guest = GuestId(ctx.user()?.id);
    let id = PaymentMethodId(uuid("payment_method_id", &request.payment_method_id)?);
    app.db
        .idempotent(&ctx, "payment_methods.set_default", (guest, id), set_default)
        .await
}

async fn set_default(tx: &Tx, &(guest, id): &(GuestId, PaymentMethodId)) -> Result<pb::PaymentMethod, Error> {
    let method = payment_methods::update_default(tx, guest, id).await?;
    let method = method.ok_or(Error::PaymentMethodNotFound)?;
    Ok(convert::method(&method, true))
}
