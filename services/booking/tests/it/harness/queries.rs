//! Queries of the service's tables.

use carshare_proto::booking::v1::Booking;
use carshare_proto::events::EventMessage;
use carshare_service_testkit::WAIT_TIMEOUT;
use carshare_testkit::eventually;
use redis::AsyncCommands as _;
use redis::streams::StreamRangeReply;
use sea_orm::FromQueryResult;

use super::Harness;

impl Harness {
    /// Returns all events of a type that the service has published, in order.
    pub async fn published<E: EventMessage>(&self) -> Vec<E> {
        (**self).events().await
    }

    pub async fn booking_count(&self) -> i64 {
        self.row_count("bookings").await
    }

    /// Returns the names of all events of a booking in the stream, in order. The outbox keeps published events for days only.
    pub async fn events(&self, booking: &Booking) -> Vec<String> {
        let published = format!(
            "SELECT coalesce(max(last_seq), 0) AS count FROM event_sequences WHERE key = '{}'",
            booking.id
        );
        let published = self.count(&published).await;
        eventually(WAIT_TIMEOUT, || async {
            let names = self.streamed(booking).await;
            (names.len() as i64 >= published).then_some(names)
        })
        .await
    }

    async fn streamed(&self, booking: &Booking) -> Vec<String> {
        let mut redis = self.redis.clone();
        let stream: StreamRangeReply = redis.xrange_all("carshare:events:booking").await.unwrap();
        let of_booking = stream
            .ids
            .iter()
            .filter(|entry| entry.get::<String>("key").as_deref() == Some(booking.id.as_str()));
        of_booking.map(|entry| entry.get("name").unwrap()).collect()
    }

    /// Returns the history of a booking: `pending→approved pending by host`.
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
}

#[derive(FromQueryResult)]
struct Line {
    from_status: Option<String>,
    to_status: String,
    payment_status: String,
    actor: String,
}
