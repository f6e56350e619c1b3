//! `ListPaymentMethods`: lists the guest's enabled cards, the default first.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::GuestId;
use crate::error::Error;
use crate::store::payment_methods;

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    _: pb::ListPaymentMethodsRequest,
) -> Result<pb::ListPaymentMethodsResponse, Error> {
    let methods = payment_methods::list(app.db.conn(), GuestId(ctx.user()?.id)).await?;
    let payment_methods = methods
        .iter()
        .enumerate()
        .map(|(index, method)| convert::method(method, index == 0))
        .collect();
    Ok(pb::ListPaymentMethodsResponse { payment_methods })
}
