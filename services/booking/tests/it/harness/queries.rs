//! Looking behind the service: its tables, and what it has events the others.

use carshare_proto::booking::v1::Booking;
use carshare_proto::events::EventMessage;
use redis::AsyncCommands as _;
use redis::streams::{StreamId, StreamRangeReply};
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement};

use super::{Harness, soon};

impl Harness {
    /// The number that a statement counts.
    pub async fn count(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.tables.get_database_backend(), sql);
        let row = self.tables.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "count").unwrap()
    }

    pub async fn bookings(&self) -> i64 {
        self.count("SELECT count(*) AS count FROM bookings").await
    }

    /// Names of all published events of a booking, in order.
    pub async fn events(&self, booking: &Booking) -> Vec<String> {
        let of_booking = self
            .published()
            .await
            .into_iter()
            .filter(|event| event.key == booking.id);
        of_booking.map(|event| event.name).collect()
    }

    /// The only event of a kind that was ever published.
    pub async fn event<E: EventMessage>(&self) -> E {
        let mut events = self.published().await;
        events.retain(|event| event.name == E::NAME);
        assert_eq!(events.len(), 1, "{}", E::NAME);
        E::decode(events.remove(0).data.as_slice()).unwrap()
    }

    /// Everything that was ever published, as it lies in the stream for the others.
    async fn published(&self) -> Vec<Published> {
        self.sent().await;
        let entries: StreamRangeReply = self
            .redis
            .clone()
            .xrange_all("carshare:events:booking")
            .await
            .unwrap();
        let read = |entry: StreamId| Published {
            name: entry.get("name").unwrap(),
            key: entry.get("key").unwrap(),
            data: entry.get("data").unwrap(),
        };
        entries.ids.into_iter().map(read).collect()
    }

    /// Waits until every event was sent.
    pub async fn sent(&self) {
        let unsent = "SELECT count(*) AS count FROM outbox WHERE sent_at IS NULL";
        soon(|| async { self.count(unsent).await == 0 }).await;
    }

    /// The history of a booking: `pending→approved pending by host`.
    pub async fn history(&self, booking: &Booking) -> Vec<String> {
        let sql = format!(
            "SELECT from_status, to_status, payment_status, actor FROM status_history WHERE booking_id = '{}' ORDER BY version",
            booking.id
        );
        let line = |row: Line| {
            let from = row.from_status.unwrap_or_default();
            format!("{from}→{} {} by {}", row.to_status, row.payment_status, row.actor)
        };
        self.rows::<Line>(&sql).await.into_iter().map(line).collect()
    }

    async fn rows<R: FromQueryResult>(&self, sql: &str) -> Vec<R> {
        let statement = Statement::from_string(self.tables.get_database_backend(), sql);
        R::find_by_statement(statement).all(&self.tables).await.unwrap()
    }
}

/// An event in the stream.
struct Published {
    name: String,
    key: String,
    data: Vec<u8>,
}

#[derive(FromQueryResult)]
struct Line {
    from_status: Option<String>,
    to_status: String,
    payment_status: String,
    actor: String,
}
