//! Rows of the three schemas, read in pages by their own roles.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use anyhow::{Context as _, Result};
use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use uuid::Uuid;

use super::case::{Booking, Case, Change, Claim, Occupancy, Payment, Review};

/// Maximum number of bookings per query.
pub(super) const PAGE_SIZE: usize = 500;

/// Time to connect to an unreachable server.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A table whose rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Bookings,
    Occupancies,
    Payments,
}

pub(super) const TABLES: [Table; 3] = [Table::Bookings, Table::Occupancies, Table::Payments];

/// What changes have charged is not part of the first charge, what they have taken off is.
const BOOKINGS: &str = "SELECT id, vehicle_id, guest_id, host_id, starts_at, ends_at, status, payment_status, \
    total_krw + lowered_krw - (SELECT coalesce(sum((further ->> 'amount_krw')::bigint), 0)::bigint \
        FROM jsonb_array_elements(charges -> 'further') further) AS first_charge_krw, lowered_krw, \
    confirmed_at IS NOT NULL AS confirmed, refund_krw, refunded_krw, handover_is_intact(id) AS handover_intact, \
    booking_changes_agree(id) AS changes_agree \
    FROM bookings, LATERAL (SELECT coalesce((charges ->> 'lowered_krw')::bigint, 0) AS lowered_krw) changed WHERE id = ANY($1)";

/// Changes by their ids, which are also those of their occupancies, and by their bookings.
const CHANGES: &str = "SELECT id, booking_id, status, difference_krw FROM booking_changes WHERE id = ANY($1) OR booking_id = ANY($1)";

const CLAIMS: &str = "SELECT id, booking_id, status, approved_krw, refunded_krw FROM booking_claims WHERE booking_id = ANY($1)";

const OCCUPANCIES: &str = "SELECT ref_id, vehicle_id, lower(period) AS starts_at, upper(period) AS ends_at, expires_at \
    FROM occupancies WHERE ref_id = ANY($1)";

/// The ledger's balance of a payment is what the provider owes for it.
const PAYMENTS: &str = "SELECT p.booking_id, p.charge_id, p.guest_id, p.host_id, p.amount_krw, p.refunded_krw, p.order_id, p.payment_key AS provider_key, \
    p.last_attempt > 0 AS attempted, p.paid_at IS NOT NULL AS captured, p.state = 'failed' AS failed, p.updated_at, \
    (SELECT coalesce(sum(e.amount_krw), 0)::bigint FROM ledger_transactions t \
        JOIN ledger_entries e ON e.transaction_id = t.id JOIN ledger_accounts a ON a.id = e.account_id \
        WHERE t.payment_id = p.id AND a.code = 'provider_clearing') AS ledger_krw \
    FROM payments p WHERE p.booking_id = ANY($1)";

const REVIEWS: &str = "SELECT booking_id, id, posted_at IS NOT NULL AND hidden_at IS NULL AS is_shown \
    FROM reviews WHERE author = 'guest' AND booking_id = ANY($1)";

const COUNTED_REVIEWS: &str = "SELECT review_id FROM vehicle_reviews WHERE is_shown AND review_id = ANY($1)";

/// Connections to the schemas of booking, vehicle and payment.
pub struct Source {
    booking: PgPool,
    vehicle: PgPool,
    payment: PgPool,
}

impl Source {
    /// Opens the connections at first use. The URLs are those of the services (`BOOKING__DATABASE__URL` …).
    pub fn new(booking_url: &str, vehicle_url: &str, payment_url: &str) -> Result<Self> {
        let pool = |url: &str| {
            let options = PgPoolOptions::new()
                .max_connections(1)
                .acquire_timeout(ACQUIRE_TIMEOUT);
            options.connect_lazy(url).context("a database URL is invalid")
        };
        Ok(Self {
            booking: pool(booking_url)?,
            vehicle: pool(vehicle_url)?,
            payment: pool(payment_url)?,
        })
    }

    /// Returns the next booking ids of a table after `after`, in order.
    pub(super) async fn page(&self, table: Table, after: Uuid) -> Result<Vec<Uuid>> {
        let (pool, sql) = match table {
            Table::Bookings => (
                &self.booking,
                "SELECT id FROM bookings WHERE id > $1 ORDER BY id LIMIT $2",
            ),
            Table::Occupancies => (
                &self.vehicle,
                "SELECT ref_id FROM occupancies WHERE ref_id > $1 ORDER BY ref_id LIMIT $2",
            ),
            Table::Payments => (
                &self.payment,
                "SELECT DISTINCT booking_id FROM payments WHERE booking_id > $1 ORDER BY booking_id LIMIT $2",
            ),
        };
        let ids = sqlx::query_scalar(sql).bind(after).bind(PAGE_SIZE as i64);
        ids.fetch_all(pool)
            .await
            .with_context(|| format!("{table:?} cannot be read"))
    }

    /// Reads the rows of these bookings.
    pub(super) async fn cases(&self, ids: &[Uuid]) -> Result<Vec<Case>> {
        let (mut bookings, mut occupancies, payments, changes, claims, mut reviews) = tokio::try_join!(
            by_key(&self.booking, BOOKINGS, ids, |row: &Booking| row.id),
            by_key(&self.vehicle, OCCUPANCIES, ids, |row: &Occupancy| row.ref_id),
            rows::<Payment>(&self.payment, PAYMENTS, ids),
            rows::<Change>(&self.booking, CHANGES, ids),
            rows::<Claim>(&self.booking, CLAIMS, ids),
            self.reviews(ids),
        )?;
        let cases = ids.iter().map(|id| {
            let payments = payments
                .iter()
                .filter(|payment| payment.booking_id == *id)
                .cloned();
            let (charges, payment): (Vec<_>, Vec<_>) =
                payments.partition(|payment| payment.charge_id.is_some());
            Case {
                booking_id: *id,
                booking: bookings.remove(id),
                occupancy: occupancies.remove(id),
                payment: payment.into_iter().next(),
                charges,
                changes: changes
                    .iter()
                    .filter(|change| change.booking_id == *id)
                    .cloned()
                    .collect(),
                claims: claims
                    .iter()
                    .filter(|claim| claim.booking_id == *id)
                    .cloned()
                    .collect(),
                own_change: changes.iter().find(|change| change.id == *id).cloned(),
                review: reviews.remove(id),
            }
        });
        Ok(cases.collect())
    }

    /// Reads the reviews of the guests of these bookings, and which of them vehicle counts.
    async fn reviews(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Review>> {
        let mut reviews = by_key(&self.booking, REVIEWS, ids, |row: &Review| row.booking_id).await?;
        let of_vehicle: Vec<Uuid> = reviews.values().map(|review| review.id).collect();
        let counted = sqlx::query_scalar(COUNTED_REVIEWS).bind(of_vehicle);
        let counted: Vec<Uuid> = counted
            .fetch_all(&self.vehicle)
            .await
            .context("rows cannot be read")?;
        let counted: HashSet<Uuid> = counted.into_iter().collect();
        for review in reviews.values_mut() {
            review.is_counted = counted.contains(&review.id);
        }
        Ok(reviews)
    }
}

async fn by_key<R, K>(
    pool: &PgPool,
    sql: &'static str,
    ids: &[Uuid],
    key: impl Fn(&R) -> K,
) -> Result<HashMap<K, R>>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    K: Eq + Hash,
{
    let rows = rows(pool, sql, ids).await?;
    Ok(rows.into_iter().map(|row| (key(&row), row)).collect())
}

async fn rows<R>(pool: &PgPool, sql: &'static str, ids: &[Uuid]) -> Result<Vec<R>>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(ids);
    rows.fetch_all(pool).await.context("rows cannot be read")
}
