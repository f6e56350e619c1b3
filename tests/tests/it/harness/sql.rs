//! A look into the schemas of a mesh, across services, with the superuser's eyes. No service could see this.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use super::running::Running;

pub struct Sql(PgPool);

impl Sql {
    pub fn of(mesh: &impl Running) -> Self {
        let url = mesh.dependencies().admin_url().expect("a URL");
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy(&url);
        Self(pool.expect("a usable URL"))
    }

    /// The first column of every row, which is text.
    pub async fn texts(&self, query: &'static str) -> Vec<String> {
        sqlx::query_scalar(query)
            .fetch_all(&self.0)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The one number that the query gives.
    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.0)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// How many events there have been: whatever happens adds to them.
    pub async fn published(&self) -> i64 {
        self.count(
            "SELECT (SELECT count(*) FROM auth.outbox) + (SELECT count(*) FROM vehicle.outbox) \
                  + (SELECT count(*) FROM booking.outbox) + (SELECT count(*) FROM payment.outbox)",
        )
        .await
    }

    /// Where a booking and its money stand: `approved paid`.
    pub async fn standing(&self, booking_id: &str) -> String {
        let query = "SELECT status || ' ' || payment_status FROM booking.bookings WHERE id = $1::uuid";
        sqlx::query_scalar(query)
            .bind(booking_id)
            .fetch_one(&self.0)
            .await
            .expect("a booking")
    }

    /// What a person was told about a booking, in alphabetical order.
    pub async fn told(&self, person: &str, booking_id: &str) -> Vec<String> {
        let query = "SELECT kind FROM notification.notifications \
                     WHERE user_id = $1::uuid AND data->>'booking_id' = $2 ORDER BY kind";
        sqlx::query_scalar(query)
            .bind(person)
            .bind(booking_id)
            .fetch_all(&self.0)
            .await
            .expect("an answer")
    }

    /// What a person was told in all, in alphabetical order.
    pub async fn feed(&self, person: &str) -> Vec<String> {
        let query = "SELECT kind FROM notification.notifications WHERE user_id = $1::uuid ORDER BY kind";
        sqlx::query_scalar(query)
            .bind(person)
            .fetch_all(&self.0)
            .await
            .expect("an answer")
    }

    /// Changes what no service would change.
    pub async fn tamper(&self, statements: &'static str) {
        sqlx::raw_sql(statements)
            .execute(&self.0)
            .await
            .expect("it is changed");
    }

    /// Stops every writer of a table at its door, until [`Frozen::thaw`].
    pub async fn freeze(&self, table: Table) -> Frozen<'_> {
        let mut holding = self.0.begin().await.expect("a transaction");
        let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", table.0);
        sqlx::query(AssertSqlSafe(lock))
            .execute(&mut *holding)
            .await
            .expect("the lock");
        Frozen {
            holding,
            table,
            pool: &self.0,
        }
    }
}

/// A table that can be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(&'static str);

pub const BOOKINGS: Table = Table("booking.bookings");
pub const IMAGES: Table = Table("vehicle.vehicle_images");
pub const OCCUPANCIES: Table = Table("vehicle.occupancies");
pub const USERS: Table = Table("auth.users");
pub const VEHICLES: Table = Table("vehicle.vehicles");

/// A table whose writers wait: whoever is killed now is killed in the middle of a transaction.
pub struct Frozen<'a> {
    holding: Transaction<'a, Postgres>,
    table: Table,
    pool: &'a PgPool,
}

impl Frozen<'_> {
    /// How many wait at the door.
    pub async fn waiting(&self) -> i64 {
        let query = "SELECT count(*) FROM pg_locks WHERE relation = $1::regclass AND NOT granted";
        sqlx::query_scalar(query)
            .bind(self.table.0)
            .fetch_one(self.pool)
            .await
            .expect("an answer")
    }

    pub async fn thaw(self) {
        self.holding.rollback().await.expect("the lock is given back");
    }
}
