//! `Subscribe`: the caller's feed as it grows.
//!
//! Every message is read from the table, never handed over in memory: whoever resumes with a cursor misses nothing and sees
//! nothing twice, on whichever replica, whatever was restarted meanwhile.

use std::time::Duration;

use carshare_chassis::proto_types;
use carshare_chassis::rpc::CallContext;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_proto::notification::v1::subscribe_response::Event;
use chrono::{DateTime, Utc};
use futures::Stream;
use futures::stream::unfold;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::error::Error;
use crate::feed_watch::Wakes;
use crate::store::notifications;

/// Rows read at a time while catching up.
const BATCH: u64 = 100;

/// Opens with a heartbeat, so that the client knows its cursor at once. Ends when the caller's token does.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::SubscribeRequest,
) -> Result<impl Stream<Item = Result<pb::SubscribeResponse, Error>> + Send + 'static, Error> {
    let user = ctx.user()?;
    // Listening begins before the feed is read: what is committed in between wakes us.
    let wakes = app.live.follow(user.id);
    let last = notifications::find_last_seq(app.db.conn(), user.id).await?;
    let seq = start(&request.cursor, last)?;
    let feed = Feed {
        app: app.clone(),
        wakes,
        user_id: user.id,
        ends_at: user.expires_at,
        seq,
        ready: Vec::new(),
        opened: false,
    };
    Ok(unfold(Some(feed), |feed| async move {
        let mut feed = feed?;
        match feed.next().await {
            Ok(message) => Some((Ok(message), Some(feed))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// The place to start after.
fn start(cursor: &str, last: i64) -> Result<i64, Error> {
    if cursor.is_empty() {
        return Ok(last);
    }
    let seq: i64 = cursor.parse().map_err(|_| Error::InvalidCursor)?;
    if (0..=last).contains(&seq) {
        Ok(seq)
    } else {
        Err(Error::InvalidCursor)
    }
}

struct Feed {
    app: App,
    wakes: Wakes,
    user_id: Uuid,
    ends_at: DateTime<Utc>,
    seq: i64,
    /// Rows read and not sent yet, in reverse.
    ready: Vec<notifications::Model>,
    opened: bool,
}

impl Feed {
    async fn next(&mut self) -> Result<pb::SubscribeResponse, Error> {
        if !self.opened {
            self.opened = true;
            return Ok(self.heartbeat());
        }
        loop {
            if let Some(row) = self.ready.pop() {
                self.seq = row.seq;
                return Ok(self.message(Event::Notification(convert::notification(row))));
            }
            let mut rows =
                notifications::list_after(self.app.db.conn(), self.user_id, self.seq, BATCH).await?;
            rows.reverse();
            self.ready = rows;
            if self.ready.is_empty() && !self.woken().await? {
                return Ok(self.heartbeat());
            }
        }
    }

    /// Waits for news (`true`) or for the time of a heartbeat (`false`).
    async fn woken(&mut self) -> Result<bool, Error> {
        let clock = &self.app.environment.clock;
        let left = (self.ends_at - clock.now()).to_std().unwrap_or(Duration::ZERO);
        if left.is_zero() {
            return Err(carshare_chassis::Error::new(Common::TokenExpired).into());
        }
        let pause = self.app.config.live.heartbeat.min(left);
        tokio::select! {
            () = self.wakes.next() => Ok(true),
            () = clock.sleep(pause) => Ok(false),
        }
    }

    fn heartbeat(&self) -> pb::SubscribeResponse {
        let time = Some(proto_types::timestamp(self.app.environment.clock.now()));
        self.message(Event::Heartbeat(pb::Heartbeat { time }))
    }

    fn message(&self, event: Event) -> pb::SubscribeResponse {
        pb::SubscribeResponse {
            cursor: self.seq.to_string(),
            event: Some(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_place_that_the_feed_has_reached() {
        assert_eq!(start("", 7).expect("from now on"), 7);
        assert_eq!(start("0", 7).expect("from the beginning"), 0);
        assert_eq!(start("7", 7).expect("the last"), 7);
        for cursor in ["8", "-1", "x", "1.0", "99999999999999999999"] {
            assert!(matches!(start(cursor, 7), Err(Error::InvalidCursor)), "{cursor}");
        }
    }
}
