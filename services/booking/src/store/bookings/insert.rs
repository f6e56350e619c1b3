//! Insertion of a booking: one statement for its row, its history and the limits of its guest.

use carshare_proto::auth::v1::UserProfile;
use carshare_proto::options::v1::Role;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::search;
use crate::domain::{Actor, Booking, CancellationPolicy, Party};
use crate::error::Error;
use crate::guest_limits::GuestLimits;
use crate::store::cancellation_policies;
use crate::store::status_history::Origin;

/// The count is a function, which sees what was committed while it waited for the lock. The policy is the quoted one, or else that of the
/// host at this time.
const INSERT: &str = "\
    WITH live AS MATERIALIZED (SELECT open, overlapping FROM lock_live_bookings($3, tstzrange($5, $6))), \
    terms AS MATERIALIZED ( \
        SELECT t.policy, r.full_until_s, r.part_until_s, r.part_bps \
        FROM (SELECT coalesce($11::jsonb, current_cancellation_policy($4)) AS policy) t, refund_columns(t.policy) r \
    ), \
    booked AS ( \
        INSERT INTO bookings (id, vehicle_id, guest_id, host_id, starts_at, ends_at, hourly_rate_krw, total_krw, \
            platform_fee_krw, price_lines, policy, refund_full_until_s, refund_part_until_s, refund_part_bps, \
            vehicle_snapshot, guest_message, respond_by, created_at, updated_at, version, status, payment_status, search_text) \
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, policy, full_until_s, part_until_s, part_bps, \
            $12, $13, $14, $15, $15, $16, $17, $18, $24 \
        FROM live, terms WHERE open < $20 AND overlapping < $21 \
        RETURNING id \
    ), \
    recorded AS ( \
        INSERT INTO status_history (booking_id, version, to_status, payment_status, actor, actor_id, changed_at, \
            correlation_id, traceparent) \
        SELECT id, $16, $17, $18, $19, $3, $15, $22, $23 FROM booked \
    ) \
    SELECT (SELECT profile FROM user_profiles WHERE user_id = $3), open, EXISTS (SELECT FROM booked), policy FROM live, terms";

/// Inserts a new booking and the first entry of its history, and returns the profile of its guest. A booking whose policy is undecided has
/// that of its host afterwards. Nothing is inserted above a limit:
/// [`Error::TooManyOpenRequests`], [`Error::TooManyOverlappingBookings`]. The guest's other insertions wait until the transaction ends.
pub async fn insert(
    conn: &impl ConnectionTrait,
    booking: &mut Booking,
    limits: GuestLimits,
) -> Result<UserProfile, Error> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, INSERT, values(booking, limits));
    let row = conn.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("the insertion returned no row")))?;
    if !row.try_get_by_index(2)? {
        let open: i64 = row.try_get_by_index(1)?;
        return Err(if open < i64::from(limits.open) {
            Error::TooManyOverlappingBookings {
                limit: limits.overlapping,
            }
        } else {
            Error::TooManyOpenRequests { limit: limits.open }
        });
    }
    booking.policy = cancellation_policies::read(row.try_get_by_index(3)?)?;
    let profile: Option<Vec<u8>> = row.try_get_by_index(0)?;
    Ok(carshare_profiles::decode(
        Role::Guest,
        booking.guest_id.0,
        profile.as_deref(),
    )?)
}

fn values(booking: &Booking, limits: GuestLimits) -> [Value; 24] {
    let origin = Origin::current();
    let is_decided = booking.policy != CancellationPolicy::UNDECIDED;
    [
        booking.id.0.into(),
        booking.vehicle_id.0.into(),
        booking.guest_id.0.into(),
        booking.host_id.0.into(),
        booking.period.start().into(),
        booking.period.end().into(),
        booking.price.hourly_rate_krw.into(),
        booking.price.total_krw.into(),
        booking.price.platform_fee_krw.into(),
        serde_json::json!(booking.price.lines).into(),
        is_decided.then(|| serde_json::json!(booking.policy)).into(),
        booking.vehicle_snapshot.clone().into(),
        booking.guest_message.clone().into(),
        booking.respond_by.into(),
        booking.created_at.into(),
        booking.version.into(),
        booking.status.as_str().into(),
        booking.payment_status.as_str().into(),
        Actor::Person(Party::Guest, booking.guest_id).as_str().into(),
        i64::from(limits.open).into(),
        i64::from(limits.overlapping).into(),
        origin.correlation_id.into(),
        origin.traceparent.into(),
        search::text_of(booking).into(),
    ]
}
