//! Table `coupon_redemptions`: which booking has redeemed which coupon. Every statement locks the coupon first, so that a redemption and a
//! release of the same guest wait for each other in one order.

use carshare_store::Tx;
use sea_orm::{ConnectionTrait, raw_sql};

use crate::domain::coupon::{CouponCode, CouponRefusal};
use crate::domain::{Booking, BookingId};
use crate::error::Error;

/// Redeems a coupon for a booking that the transaction has inserted. [`CouponRefusal::UsedUp`] when its maximum is reached; a guest who has
/// redeemed it violates `coupon_redemptions_one_per_guest`. Whether it is valid is not decided here but with the price, which a quote keeps.
pub async fn insert(tx: &Tx, booking: &Booking, code: &CouponCode) -> Result<(), Error> {
    let (code, now) = (code.as_str(), tx.now());
    let (id, guest) = (booking.id.0, booking.guest_id.0);
    let amount_krw = booking.price.coupon_krw();
    let inserted = tx
        .conn()
        .execute_raw(raw_sql!(
            Postgres,
            r#"WITH counted AS (
                   UPDATE coupons SET redeemed = redeemed + 1
                   WHERE code = {code} AND (max_redemptions IS NULL OR redeemed < max_redemptions)
                   RETURNING code
               )
               INSERT INTO coupon_redemptions (booking_id, code, guest_id, amount_krw, created_at)
               SELECT {id}, code, {guest}, {amount_krw}, {now} FROM counted"#
        ))
        .await?;
    if inserted.rows_affected() == 0 {
        return Err(CouponRefusal::UsedUp.into());
    }
    Ok(())
}

/// Releases the redemption of a booking, if it has one that is not released. The caller has locked the booking.
pub async fn release(tx: &Tx, booking: BookingId) -> Result<(), Error> {
    let (id, now) = (booking.0, tx.now());
    let counted = raw_sql!(
        Postgres,
        r#"UPDATE coupons SET redeemed = redeemed - 1
           WHERE code = (SELECT code FROM coupon_redemptions WHERE booking_id = {id} AND released_at IS NULL)"#
    );
    tx.conn().execute_raw(counted).await?;
    let released = raw_sql!(
        Postgres,
        "UPDATE coupon_redemptions SET released_at = {now} WHERE booking_id = {id} AND released_at IS NULL"
    );
    tx.conn().execute_raw(released).await?;
    Ok(())
}
