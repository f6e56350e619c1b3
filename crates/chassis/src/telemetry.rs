//! Logs, traces and metrics of a process.
//!
//! `main` calls [`init`] once. Libraries use the macros of `tracing` and `metrics` only.

mod filter;
pub mod logs;
mod metrics;
pub mod prometheus;
mod traces;

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::config;
use filter::Filter;

/// Owner of the trace exporter. [`Guard::flush`] sends the spans that are still buffered.
#[must_use = "telemetry ends with its guard"]
pub struct Guard(SdkTracerProvider);

/// Time for the last spans to reach the collector.
const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Starts logs on stdout, traces and the metrics recorder, once in a process and inside its runtime.
pub fn init(service: &'static str, config: &config::Telemetry, clock: &Clock) -> anyhow::Result<Guard> {
    let (subscriber, guard) = subscriber(service, config, clock, std::io::stdout)?;
    subscriber.try_init().context("telemetry was started before")?;
    prometheus::recorder();
    Ok(guard)
}

/// Returns the subscriber that [`init`] installs, with its logs in `writer`: for tests, which install it for their thread.
pub fn subscriber<W>(
    service: &'static str,
    config: &config::Telemetry,
    clock: &Clock,
    writer: W,
) -> anyhow::Result<(impl Subscriber + Send + Sync + 'static, Guard)>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let provider = traces::provider(service, config)?;
    let subscriber = tracing_subscriber::registry()
        .with(Filter::new(config)?)
        .with(logs::layer(service, config.format, clock.clone(), writer))
        .with(tracing_opentelemetry::layer().with_tracer(traces::tracer(&provider)));
    Ok((subscriber, Guard(provider)))
}

impl Guard {
    /// Sends the spans that are still buffered, for three seconds at most.
    pub async fn flush(self) {
        let provider = self.0;
        // The exporter's shutdown blocks.
        let flushed =
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FINAL_FLUSH_TIMEOUT)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            eprintln!("the last traces could not be sent");
        }
    }
}
