//! Reads the publisher's log by position: every event that Redis did not deliver arrives here within seconds.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_chassis::Shutdown;
use carshare_chassis::client::PeerChannel;
use carshare_proto::event_log::v1 as pb;
use carshare_proto::event_log::v1::event_log_service_client::EventLogServiceClient;

use super::delivery::{Batch, Delivered};
use super::{Shared, pause};
use crate::envelope::Envelope;

/// How often the log is read while the streams deliver, before jitter that keeps replicas apart.
pub(super) const INTERVAL: Duration = Duration::from_secs(15);
/// The same after they did not: Redis failed, a predecessor was missing, or the log had an event first.
const DOUBT_INTERVAL: Duration = Duration::from_secs(3);
/// How long the streams are in doubt.
const DOUBT_DURATION: Duration = Duration::from_secs(30);
/// Events per page, and at most in one transaction.
const PAGE_SIZE: i32 = 200;

impl Shared {
    /// Reads the log of `source` until `shutdown`.
    pub(super) async fn catch_up(&self, source: &'static str, channel: PeerChannel, shutdown: &Shutdown) {
        let mut client = EventLogServiceClient::new(channel);
        metrics::counter!("event_log_failures_total", "group" => self.group, "source" => source).increment(0);
        let mut failed = false;
        let mut doubted_at = self.doubted_at.subscribe();
        // Known from the last page; another replica may have moved it meanwhile.
        let mut position = None;
        while !shutdown.is_cancelled() {
            let doubted = doubted_at.borrow_and_update().elapsed() < DOUBT_DURATION;
            match self.read_log(source, &mut client, &mut position, shutdown).await {
                Ok(()) => failed = false,
                Err(error) => {
                    position = None;
                    metrics::counter!("event_log_failures_total", "group" => self.group, "source" => source)
                        .increment(1);
                    // A publisher that restarts is no news each time; Redis delivers meanwhile.
                    if !std::mem::replace(&mut failed, true) {
                        let error = format!("{error:#}");
                        tracing::warn!(group = self.group, source, error, "cannot read the event log");
                    }
                }
            }
            let jitter = 0.75 + self.db.environment().random.unit() / 2.0;
            if doubted || failed {
                pause(DOUBT_INTERVAL.mul_f64(jitter), shutdown).await;
            } else {
                tokio::select! {
                    () = pause(INTERVAL.mul_f64(jitter), shutdown) => {}
                    _ = doubted_at.changed() => {}
                }
            }
        }
    }

    /// Reads pages until there are no more.
    async fn read_log(
        &self,
        source: &'static str,
        client: &mut EventLogServiceClient<PeerChannel>,
        known: &mut Option<i64>,
        shutdown: &Shutdown,
    ) -> Result<()> {
        while !shutdown.is_cancelled() {
            let stored = self.db.inbox_position(source);
            let position = match *known {
                Some(position) => position,
                None => stored.await.context("cannot read the position")?,
            };
            *known = Some(position);
            let request = pb::ListEventsRequest {
                after_position: position,
                page_size: PAGE_SIZE,
            };
            let page = client.list_events(request).await?.into_inner();
            let lag = (page.last_position - position).max(0);
            metrics::gauge!("event_log_lag", "group" => self.group, "source" => source).set(lag as f64);
            let Some(last) = page.events.last().map(|event| event.position) else {
                return Ok(());
            };
            let full = page.events.len() == PAGE_SIZE as usize;
            let events: Result<Vec<Envelope>> = page.events.into_iter().map(Envelope::from_proto).collect();
            let batch = Batch::from_log(
                source,
                position..last,
                events.context("invalid event in the log")?,
            );
            let delivered = self
                .deliver(&Arc::new(batch))
                .await
                .context("cannot store events")?;
            *known = (delivered != Delivered::ReadByAnother).then_some(last);
            if known.is_none() {
                return Ok(());
            }
            if !full {
                metrics::gauge!("event_log_lag", "group" => self.group, "source" => source).set(0.0);
                return Ok(());
            }
        }
        Ok(())
    }
}
