//! Logs, traces and metrics of a process.
//!
//! `main` calls [`init`] once. Libraries use the macros of `tracing` and `metrics` only.

mod filter;
pub(crate) mod log_writer;
pub mod logs;
mod metrics;
pub mod pool_usage;
pub mod prometheus;
pub(crate) mod rpc_metrics;
mod traces;

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::{config, task};
use filter::Filter;
use log_writer::{LogWriter, flush_log};

/// Owner of the trace exporter, if there is one. [`Guard::flush`] sends the spans and writes the lines that are still buffered.
#[must_use = "telemetry ends with its guard"]
pub struct Guard(Option<SdkTracerProvider>);

/// Time for the last spans to reach the collector.
const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// Interval at which recorded samples are added to the buckets of their histograms: without it they pile up between two scrapes.
const METRICS_UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Starts logs on stdout, traces and the metrics recorder, once in a process and inside its runtime.
pub fn init(service: &'static str, config: &config::Telemetry, clock: &Clock) -> anyhow::Result<Guard> {
    let writer = LogWriter::start(std::io::stdout())?;
    let (subscriber, guard) = subscriber(service, config, clock, writer.clone())?;
    subscriber.try_init().context("telemetry was started before")?;
    log_writer::flush_at_exit(writer);
    flush_after_panics();
    let metrics = prometheus::recorder();
    task::spawn("metrics upkeep", async {
        loop {
            tokio::time::sleep(METRICS_UPKEEP_INTERVAL).await;
            metrics.run_upkeep();
        }
    });
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
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(traces::tracer(provider)));
    let subscriber = tracing_subscriber::registry()
        .with(Filter::new(config)?)
        .with(logs::layer(service, config.format, clock.clone(), writer))
        .with(traces);
    Ok((subscriber, Guard(provider)))
}

/// A panic may end the process.
fn flush_after_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        flush_log();
    }));
}

impl Guard {
    /// Sends the spans that are still buffered, for three seconds at most, and writes the last log lines.
    pub async fn flush(self) {
        if let Some(provider) = self.0.clone() {
            // The exporter's shutdown blocks.
            let flushed =
                tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FINAL_FLUSH_TIMEOUT))
                    .await;
            if !matches!(flushed, Ok(Ok(()))) {
                eprintln!("the last traces could not be sent");
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        flush_log();
    }
}
