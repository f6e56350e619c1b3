//! What is recorded at all: events as the configuration says, and our own spans whatever the logs say, for a quiet log must
//! not cut traces.
//!
//! One filter for logs and traces. Filters of single layers keep their verdict until the next span or event comes, and when a
//! library only asks (`log_enabled!`, as sqlx does at every query) they take it for the verdict on something else, which is
//! lost.

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

use crate::config::Telemetry;

/// Libraries that talk of every frame at debug level; ask for them by name.
const CHATTY: [&str; 7] = ["h2", "hyper", "hyper_util", "tower", "rustls", "sqlx", "tonic"];

/// The filter of a process.
pub(super) struct Admission {
    events: Targets,
}

impl Admission {
    /// As the configuration says. Chatty libraries say no more than warnings unless it names them.
    pub(super) fn new(config: &Telemetry) -> anyhow::Result<Self> {
        let named: Targets = config.log.parse().context("telemetry.log is not a filter")?;
        let quiet = named
            .default_level()
            .unwrap_or(LevelFilter::OFF)
            .min(LevelFilter::WARN);
        let unnamed = CHATTY.into_iter().filter(|name| !config.log.contains(name));
        let events = unnamed.fold(named, |all, name| all.with_target(name, quiet));
        Ok(Self { events })
    }

    fn admits(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            metadata.target().starts_with("carshare") && *metadata.level() <= Level::INFO
        } else {
            self.events.would_enable(metadata.target(), metadata.level())
        }
    }
}

impl<S: Subscriber> Layer<S> for Admission {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.admits(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.admits(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let of_events = <Targets as Layer<S>>::max_level_hint(&self.events);
        of_events.max(Some(LevelFilter::INFO))
    }
}

#[cfg(test)]
mod tests {
    use std::io::sink;

    use super::*;
    use crate::clock::Clock;
    use crate::telemetry::subscriber;
    use crate::trace_context;

    fn of(log: &str) -> anyhow::Result<Admission> {
        Admission::new(&Telemetry {
            log: log.to_owned(),
            ..Telemetry::default()
        })
    }

    #[test]
    fn chatty_libraries_are_quiet_unless_named() {
        let admission = of("debug,h2=trace").unwrap();
        for (target, level, admitted) in [
            ("carshare_booking", Level::DEBUG, true),
            ("carshare_booking", Level::TRACE, false),
            ("h2::codec", Level::TRACE, true),
            ("sqlx::query", Level::DEBUG, false),
            ("sqlx::query", Level::WARN, true),
        ] {
            assert_eq!(
                admission.events.would_enable(target, &level),
                admitted,
                "{target} {level}"
            );
        }
        assert!(of("a=b=c").is_err());
    }

    #[test]
    fn a_question_costs_nobody_a_span_and_a_quiet_log_cuts_no_trace() {
        for log in ["debug", "info", "off"] {
            let config = Telemetry {
                log: log.to_owned(),
                ..Telemetry::default()
            };
            let (subscriber, guard) = subscriber("test", &config, &Clock::system(), sink).unwrap();
            let _here = tracing::subscriber::set_default(subscriber);
            for _ in 0..3 {
                // As the bridge from the `log` crate asks: the answer is no, and nothing follows.
                let asked = tracing::enabled!(target: "sqlx::query", Level::DEBUG);
                let wanted = tracing::enabled!(target: "sqlx::query", Level::WARN);
                assert_eq!((asked, wanted), (false, log != "off"));
                let span = tracing::info_span!("work");
                assert!(trace_context::of_span(&span).is_some(), "{log}");
            }
            drop(guard);
        }
    }
}
