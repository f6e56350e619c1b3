//! `CheckPaymentMethod`: returns whether a guest has an enabled card.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;

use crate::App;
use crate::domain::ids::GuestId;
use crate::error::Error;
use crate::store::payment_methods;

pub(super) async fn handle(
    app: &App,
    _: CallContext,
    request: pb::CheckPaymentMethodRequest,
) -> Result<pb::CheckPaymentMethodResponse, Error> {
    let guest = GuestId::parse("guest_id", &request.guest_id)?;
    let found = payment_methods::find_default(app.db.conn(), guest).await?;
    Ok(pb::CheckPaymentMethodResponse {
        is_registered: found.is_some(),
    })
}
