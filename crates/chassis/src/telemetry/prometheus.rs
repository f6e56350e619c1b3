//! Metrics recorder of the process, and its text for Prometheus.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Buckets of all histograms in seconds: 1 ms to 30 s.
const BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder on first call; all services of a process share it.
pub fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed: /metrics will be empty");
        }
        super::metrics::describe();
        handle
    })
}

/// Returns all metrics in the text format of Prometheus.
pub fn render() -> String {
    recorder().run_upkeep();
    recorder().render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_rendered_with_buckets_for_seconds() {
        recorder();
        metrics::counter!("chassis_test_total", "kind" => "a").increment(2);
        metrics::histogram!("chassis_test_seconds").record(0.004);
        let text = render();
        assert!(text.contains("chassis_test_total{kind=\"a\"} 2"), "{text}");
        assert!(
            text.contains("chassis_test_seconds_bucket{le=\"0.0025\"} 0"),
            "{text}"
        );
        assert!(
            text.contains("chassis_test_seconds_bucket{le=\"0.005\"} 1"),
            "{text}"
        );
    }
}
