//! `ListPaymentMethods`: the cards of the guest, the default first.

use carshare_chassis::rpc::Context;
use carshare_proto::payment::v1 as pb;

use super::convert;
use crate::App;
use crate::domain::ids::GuestId;
use crate::error::Error;
use crate::store::methods;

/// Answers.
pub(super) async fn handle(
    app: &App,
    ctx: Context,
    _: pb::ListPaymentMethodsRequest,
) -> Result<pb::ListPaymentMethodsResponse, Error> {
    let methods = methods::list(app.db.read(), GuestId(ctx.user()?.id)).await?;
    let payment_methods = methods
        .iter()
        .enumerate()
        .map(|(index, method)| convert::method(method, index == 0))
        .collect();
    Ok(pb::ListPaymentMethodsResponse { payment_methods })
}
