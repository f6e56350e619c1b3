//! `QuoteBooking`: price and terms of a rental, and a token for which `CreateBooking` charges exactly that.
//!
//! The vehicle service is asked for the car and whether it is free; nothing is held or stored.

use carshare_chassis::proto_types::timestamp;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_proto::vehicle::v1::CheckHoldResponse;

use super::{authorization, convert, quote_token, rental_price};
use crate::App;
use crate::domain::coupon::CouponCode;
use crate::domain::{Quote, UserId};
use crate::error::Error;
use crate::hold::{self, HoldRequest};
use crate::store::cancellation_policies;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::QuoteBookingRequest,
) -> Result<pb::BookingQuote, Error> {
    let rental = HoldRequest {
        vehicle: convert::vehicle_id(&request.vehicle_id)?,
        guest: authorization::caller(&ctx)?,
        period: convert::period(request.start_datetime, request.end_datetime)?,
    };
    let now = app.environment.clock.now();
    if rental.period.start() <= now {
        return Err(Error::StartInPast);
    }
    let checked = hold::check(app, &rental).await?;
    let vehicle = checked.vehicle.clone().unwrap_or_default();
    let host = UserId::parse("owner_id", &vehicle.owner_id).map_err(Error::internal)?;
    let coupon = request.coupon_code.as_deref().map(CouponCode::new);
    let price = rental_price::calculate(app, &rental, &vehicle, coupon.as_ref()).await?;
    let policy = cancellation_policies::find_current(app.db.conn(), host).await?;
    let quote = Quote::new(price, policy, coupon, now);
    let token = quote_token::seal(app, &rental, &quote).await?;
    Ok(response(&rental, &checked, &quote, token))
}

fn response(
    rental: &HoldRequest,
    checked: &CheckHoldResponse,
    quote: &Quote,
    token: String,
) -> pb::BookingQuote {
    let availability = if checked.is_closed {
        pb::QuoteAvailability::VehicleClosed
    } else if checked.is_taken {
        pb::QuoteAvailability::SlotTaken
    } else {
        pb::QuoteAvailability::Free
    };
    let Quote {
        price,
        policy,
        expires_at,
        ..
    } = quote;
    pb::BookingQuote {
        vehicle_id: rental.vehicle.to_string(),
        start_datetime: Some(timestamp(rental.period.start())),
        end_datetime: Some(timestamp(rental.period.end())),
        price_lines: convert::price_lines(price),
        total_amount: price.total_krw,
        platform_fee: price.platform_fee_krw,
        vat_amount: price.vat_krw(),
        cancellation_policy: Some(convert::policy(policy, Some(rental.period.start()))),
        availability: availability.into(),
        quote_token: token,
        expires_at: Some(timestamp(*expires_at)),
    }
}
