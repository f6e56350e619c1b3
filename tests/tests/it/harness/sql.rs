//! Queries across the schemas of a mesh as PostgreSQL's superuser. No service has these rights.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use super::deployment::Deployment;

#[derive(Clone)]
pub struct Sql(PgPool);

/// Number of events that were published so far.
const PUBLISHED: &str = "SELECT (SELECT count(*) FROM auth.outbox) + (SELECT count(*) FROM vehicle.outbox) \
                              + (SELECT count(*) FROM booking.outbox) + (SELECT count(*) FROM payment.outbox)";

impl Sql {
    pub fn of(mesh: &impl Deployment) -> Self {
        let url = mesh.dependencies().admin_url().expect("a URL");
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy(&url);
        Self(pool.expect("a usable URL"))
    }

    /// The first column of every row, which is text.
    pub async fn texts(&self, query: &'static str) -> Vec<String> {
        self.texts_of(query, &[]).await
    }

    /// The same for a query with text parameters.
    pub async fn texts_of(&self, query: &'static str, parameters: &[&str]) -> Vec<String> {
        let query_as = parameters
            .iter()
            .fold(sqlx::query_scalar(query), |query, value| query.bind(*value));
        let rows = query_as.fetch_all(&self.0).await;
        rows.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The same for a query made at run time, from names that the test knows.
    pub async fn query(&self, query: String) -> Vec<String> {
        let rows = sqlx::query_scalar(AssertSqlSafe(query.clone()))
            .fetch_all(&self.0)
            .await;
        rows.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The one number that the query gives.
    pub async fn count(&self, query: &'static str) -> i64 {
        let row = sqlx::query_scalar(query).fetch_one(&self.0).await;
        row.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    pub async fn published(&self) -> i64 {
        self.count(PUBLISHED).await
    }

    /// Status and payment status of a booking: `approved paid`.
    pub async fn booking_state(&self, booking_id: &str) -> String {
        let query = "SELECT status || ' ' || payment_status FROM booking.bookings WHERE id = $1::uuid";
        self.texts_of(query, &[booking_id]).await.remove(0)
    }

    /// Kinds of a user's notifications about a booking, in alphabetical order.
    pub async fn notification_kinds(&self, user_id: &str, booking_id: &str) -> Vec<String> {
        let query = "SELECT kind FROM notification.notifications \
                     WHERE user_id = $1::uuid AND data->>'booking_id' = $2 ORDER BY kind";
        self.texts_of(query, &[user_id, booking_id]).await
    }

    /// Kinds of all notifications of a user, in alphabetical order.
    pub async fn all_notification_kinds(&self, user_id: &str) -> Vec<String> {
        let query = "SELECT kind FROM notification.notifications WHERE user_id = $1::uuid ORDER BY kind";
        self.texts_of(query, &[user_id]).await
    }

    pub async fn execute(&self, statements: &'static str) {
        let done = sqlx::raw_sql(statements).execute(&self.0).await;
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Locks the row of a booking until the transaction ends.
    pub async fn lock_booking(&self, booking_id: &str) -> Transaction<'static, Postgres> {
        let mut transaction = self.0.begin().await.expect("a transaction");
        sqlx::query("SELECT FROM booking.bookings WHERE id = $1::uuid FOR UPDATE")
            .bind(booking_id)
            .execute(&mut *transaction)
            .await
            .expect("the lock");
        transaction
    }

    /// Blocks every writer of a table until [`TableLock::release`].
    pub async fn lock_table(&self, table: Table) -> TableLock {
        let mut transaction = self.0.begin().await.expect("a transaction");
        let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", table.0);
        sqlx::query(AssertSqlSafe(lock))
            .execute(&mut *transaction)
            .await
            .expect("the lock");
        TableLock {
            transaction,
            table,
            sql: self.clone(),
        }
    }
}

/// A table that can be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(&'static str);

pub const BOOKINGS: Table = Table("booking.bookings");
pub const IMAGES: Table = Table("vehicle.vehicle_images");
pub const OCCUPANCIES: Table = Table("vehicle.occupancies");
pub const USERS: Table = Table("auth.users");
pub const VEHICLES: Table = Table("vehicle.vehicles");

/// A locked table: a process that is killed while it waits is killed in the middle of a transaction.
pub struct TableLock {
    transaction: Transaction<'static, Postgres>,
    table: Table,
    sql: Sql,
}

impl TableLock {
    /// The `application_name` of every session that waits for the lock: of a fleet, `booking-0`.
    pub async fn waiters(&self) -> Vec<String> {
        let query = "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) \
                     WHERE relation = $1::regclass AND NOT granted";
        self.sql.texts_of(query, &[self.table.0]).await
    }

    pub async fn release(self) {
        self.transaction.rollback().await.expect("a rollback");
    }
}
