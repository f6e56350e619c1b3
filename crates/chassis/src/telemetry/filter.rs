//! Filters log events as the configuration says, and keeps the spans of this workspace at any log level if they are exported. Without
//! a collector no span is made, except for the text log, which names the spans around a line.
//!
//! It is one filter for logs and traces. Filters of single layers store their decision until the next span or event, and when a
//! library only checks a level (`log_enabled!`, as sqlx does in every query), they apply it to the next one, which is lost.

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

use crate::config::{LogFormat, Telemetry};

/// Libraries that log every frame at debug level.
const VERBOSE: [&str; 7] = ["h2", "hyper", "hyper_util", "tower", "rustls", "sqlx", "tonic"];

pub(super) struct Filter {
    events: Targets,
    spans: bool,
}

impl Filter {
    /// Verbose libraries log warnings only, unless the configuration names them.
    pub(super) fn new(config: &Telemetry) -> anyhow::Result<Self> {
        let named: Targets = config.log.parse().context("telemetry.log is not a filter")?;
        let quiet = named
            .default_level()
            .unwrap_or(LevelFilter::OFF)
            .min(LevelFilter::WARN);
        let unnamed = VERBOSE.into_iter().filter(|name| !config.log.contains(name));
        let events = unnamed.fold(named, |all, name| all.with_target(name, quiet));
        let spans = config.otlp_endpoint.is_some() || config.format == LogFormat::Text;
        Ok(Self { events, spans })
    }

    fn is_enabled(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            self.spans && metadata.target().starts_with("carshare") && *metadata.level() <= Level::INFO
        } else {
            self.events.would_enable(metadata.target(), metadata.level())
        }
    }
}

impl<S: Subscriber> Layer<S> for Filter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let of_events = <Targets as Layer<S>>::max_level_hint(&self.events);
        if self.spans {
            of_events.max(Some(LevelFilter::INFO))
        } else {
            of_events
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::sink;

    use super::*;
    use crate::clock::Clock;
    use crate::telemetry::subscriber;
    use crate::trace_context;

    fn of(log: &str) -> anyhow::Result<Filter> {
        Filter::new(&Telemetry {
            log: log.to_owned(),
            ..Telemetry::default()
        })
    }

    #[test]
    fn verbose_libraries_log_warnings_unless_named() {
        let filter = of("debug,h2=trace").unwrap();
        for (target, level, enabled) in [
            ("carshare_booking", Level::DEBUG, true),
            ("carshare_booking", Level::TRACE, false),
            ("h2::codec", Level::TRACE, true),
            ("sqlx::query", Level::DEBUG, false),
            ("sqlx::query", Level::WARN, true),
        ] {
            assert_eq!(
                filter.events.would_enable(target, &level),
                enabled,
                "{target} {level}"
            );
        }
        assert!(of("a=b=c").is_err());
    }

    #[tokio::test]
    async fn checked_level_and_disabled_log_drop_no_exported_span() {
        for log in ["debug", "info", "off"] {
            let config = Telemetry {
                log: log.to_owned(),
                otlp_endpoint: Some("http://127.0.0.1:1".to_owned()),
                ..Telemetry::default()
            };
            let (subscriber, guard) = subscriber("test", &config, &Clock::system(), sink).unwrap();
            let _here = tracing::subscriber::set_default(subscriber);
            for _ in 0..3 {
                // As the bridge of the `log` crate checks a level, without an event.
                let debug = tracing::enabled!(target: "sqlx::query", Level::DEBUG);
                let warn = tracing::enabled!(target: "sqlx::query", Level::WARN);
                assert_eq!((debug, warn), (false, log != "off"));
                let span = tracing::info_span!("work");
                assert!(trace_context::of_span(&span).is_some(), "{log}");
            }
            drop(guard);
        }
    }

    #[test]
    fn spans_are_made_for_a_collector_and_for_the_text_log_only() {
        let spans = |otlp_endpoint: Option<&str>, format| {
            let config = Telemetry {
                otlp_endpoint: otlp_endpoint.map(str::to_owned),
                format,
                ..Telemetry::default()
            };
            Filter::new(&config).unwrap().spans
        };
        assert!(!spans(None, LogFormat::Json));
        assert!(spans(None, LogFormat::Text));
        assert!(spans(Some("http://127.0.0.1:1"), LogFormat::Json));
    }
}
