//! The price of a rental at the present rates of its car, with a coupon if there is one.

use carshare_proto::vehicle::v1::Vehicle;

use super::convert;
use crate::App;
use crate::domain::coupon::{CouponCode, CouponUse};
use crate::domain::{CouponRefusal, Price, UserId};
use crate::error::Error;
use crate::hold::HoldRequest;
use crate::store::coupons;

/// Returns the price of a rental. A coupon is read in one statement, and refused if the guest cannot use it for this rental now. A car
/// without a valid price is a defect.
pub async fn calculate(
    app: &App,
    rental: &HoldRequest,
    vehicle: &Vehicle,
    code: Option<&CouponCode>,
) -> Result<Price, Error> {
    let rates = convert::rates(vehicle)?;
    let no_price = || Error::internal(anyhow::anyhow!("no price of the car {}", vehicle.id));
    let price = Price::quote(&rental.period, &rates, None).ok_or_else(no_price)?;
    let Some(code) = code else {
        return Ok(price);
    };
    let found = coupons::find(app.db.conn(), code, rental.guest).await?;
    let found = found.ok_or(CouponRefusal::NotFound)?;
    let wanted = CouponUse {
        vehicle_id: rental.vehicle,
        host_id: UserId::parse("owner_id", &vehicle.owner_id).map_err(Error::internal)?,
        guest_id: rental.guest,
        price_krw: price.total_krw,
        is_redeemed: found.is_redeemed,
    };
    let terms = found.coupon.use_for(wanted, app.environment.clock.now())?;
    Price::quote(&rental.period, &rates, Some(terms)).ok_or_else(no_price)
}
