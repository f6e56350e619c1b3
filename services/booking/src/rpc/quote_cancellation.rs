//! `QuoteCancellation`: what `CancelBooking` would refund now, for the side of the caller.

use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;

use super::{authorization, convert};
use crate::App;
use crate::domain::BookingId;
use crate::error::Error;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::QuoteCancellationRequest,
) -> Result<pb::CancellationQuote, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let (booking, party) = authorization::find(app, id, authorization::caller(&ctx)?).await?;
    let quote = booking.quote_cancellation(party, app.environment.clock.now())?;
    Ok(pb::CancellationQuote {
        booking_id: booking.id.to_string(),
        refund_amount: quote.refund_krw,
        kept_amount: quote.kept_krw,
        step: quote
            .step
            .map(|step| convert::step(&step, Some(booking.period.start()))),
        valid_until: Some(timestamp(quote.valid_until)),
        compensation_amount: quote.compensation_krw,
    })
}
