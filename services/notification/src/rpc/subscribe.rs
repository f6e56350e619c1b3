//! `Subscribe`: streams the caller's notifications as they are written.
//!
//! Every message is read from the table, so that a client that resumes with a cursor on any replica misses nothing and
//! receives nothing twice.

use std::time::Duration;

use carshare_chassis::proto_types;
use carshare_chassis::rpc::CallContext;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_proto::notification::v1::subscribe_response::Event;
use chrono::{DateTime, Utc};
use futures::Stream;
use futures::stream::unfold;

use super::convert;
use crate::App;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::feed_watch::FeedWatcher;
use crate::store::{feeds, notifications};

/// Rows read at a time.
const BATCH_SIZE: u64 = 100;

/// Starts with a heartbeat, so that the client knows its cursor at once. The stream ends when the caller's token expires.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::SubscribeRequest,
) -> Result<impl Stream<Item = Result<pb::SubscribeResponse, Error>> + Send + 'static, Error> {
    let user = ctx.user()?;
    let user_id = UserId(user.id);
    // Before the feed is read, so that a commit in between is noticed.
    let watcher = app.feeds.watch(user_id);
    let last = feeds::find_last_seq(app.db.conn(), user_id).await?;
    let seq = start(&request.cursor, last)?;
    let feed = Feed {
        app: app.clone(),
        watcher,
        user_id,
        ends_at: user.expires_at,
        seq,
        unsent: Vec::new(),
        started: false,
    };
    Ok(unfold(Some(feed), |feed| async move {
        let mut feed = feed?;
        match feed.next().await {
            Ok(message) => Some((Ok(message), Some(feed))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// Returns the position after which the stream starts.
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
    watcher: FeedWatcher,
    user_id: UserId,
    ends_at: DateTime<Utc>,
    seq: i64,
    /// Rows read and not yet sent, in reverse.
    unsent: Vec<notifications::Model>,
    /// Whether the first heartbeat was sent.
    started: bool,
}

impl Feed {
    async fn next(&mut self) -> Result<pb::SubscribeResponse, Error> {
        if !self.started {
            self.started = true;
            return Ok(self.heartbeat());
        }
        loop {
            if let Some(row) = self.unsent.pop() {
                self.seq = row.seq;
                return Ok(self.message(Event::Notification(convert::notification(row))));
            }
            let mut rows =
                notifications::list_after(self.app.db.conn(), self.user_id, self.seq, BATCH_SIZE).await?;
            rows.reverse();
            self.unsent = rows;
            if self.unsent.is_empty() && !self.wait().await? {
                return Ok(self.heartbeat());
            }
        }
    }

    /// Waits until the feed may have grown (`true`) or a heartbeat is due (`false`). Fails when the token has expired.
    async fn wait(&mut self) -> Result<bool, Error> {
        let clock = &self.app.environment.clock;
        let left = (self.ends_at - clock.now()).to_std().unwrap_or(Duration::ZERO);
        if left.is_zero() {
            return Err(carshare_chassis::Error::new(Common::TokenExpired).into());
        }
        let timeout = self.app.config.live.heartbeat.min(left);
        tokio::select! {
            () = self.watcher.changed() => Ok(true),
            () = clock.sleep(timeout) => Ok(false),
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
    fn cursor_is_a_position_up_to_the_last_one() {
        assert_eq!(start("", 7).unwrap(), 7);
        assert_eq!(start("0", 7).unwrap(), 0);
        assert_eq!(start("7", 7).unwrap(), 7);
        for cursor in ["8", "-1", "x", "1.0", "99999999999999999999"] {
            assert!(matches!(start(cursor, 7), Err(Error::InvalidCursor)), "{cursor}");
        }
    }
}
