//! Logs, traces and metrics of a process.
//!
//! [`init`] once in `main`. Libraries only use the `tracing` and `metrics` macros.

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
use filter::Admission;

/// Keeps telemetry alive; [`Guard::flush`] at the end sends what is still buffered.
#[must_use = "telemetry ends with its guard"]
pub struct Guard(SdkTracerProvider);

/// Time the last spans have to reach the collector.
const FLUSH: Duration = Duration::from_secs(3);

/// Starts logs on stdout, traces, and the metrics recorder. Once in a process, inside its runtime.
pub fn init(service: &'static str, config: &config::Telemetry, clock: &Clock) -> anyhow::Result<Guard> {
    let (subscriber, guard) = subscriber(service, config, clock, std::io::stdout)?;
    subscriber.try_init().context("telemetry was started before")?;
    prometheus::recorder();
    Ok(guard)
}

/// What [`init`] installs, with the logs going to `writer`: for tests, which install it for their own thread.
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
        .with(Admission::new(config)?)
        .with(logs::layer(service, config.format, clock.clone(), writer))
        .with(tracing_opentelemetry::layer().with_tracer(traces::tracer(&provider)));
    Ok((subscriber, Guard(provider)))
}

impl Guard {
    /// Sends what is still buffered. Gives up after three seconds.
    pub async fn flush(self) {
        let provider = self.0;
        // The exporter's shutdown blocks.
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            eprintln!("the last traces could not be sent");
        }
    }
}
