//! The panics that a process has counted, in its metrics.

/// Counters of panics: of the gateway's requests; of tasks, RPCs, jobs and event handlers.
const COUNTERS: [&str; 2] = ["edge_panics_total", "task_panics_total"];

/// A counter that every process has which serves, so that metrics without any are not taken for none.
const OTHER: &str = "rpc_server_calls_total";

/// Returns the counters of panics that are not zero.
pub fn counted(metrics: &str) -> Vec<&str> {
    assert!(metrics.contains(OTHER), "these are no metrics: {metrics}");
    let is_panic = |line: &&str| {
        let name = line.split([' ', '{']).next().unwrap_or_default();
        COUNTERS.contains(&name) && !line.ends_with(" 0")
    };
    metrics.lines().filter(is_panic).collect()
}

#[test]
fn panics_are_found_in_metrics() {
    let clean = "# TYPE task_panics_total counter\ntask_panics_total{task=\"rpc\"} 0\nrpc_server_calls_total{code=\"ok\"} 7";
    assert_eq!(counted(clean), Vec::<&str>::new());
    for panic in ["task_panics_total{task=\"rpc\"} 1", "edge_panics_total 10"] {
        assert_eq!(counted(&format!("{clean}\n{panic}\n")), [panic]);
    }
}
