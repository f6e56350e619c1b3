//! The dashboards of Grafana query metrics and labels that the processes export, and lay out their panels without overlaps.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{alerts, promql};

fn dashboards() -> Vec<(String, Value)> {
    let files = alerts::files("deploy/observability/grafana/dashboards");
    files
        .into_iter()
        .map(|(name, text)| (name, serde_json::from_str(&text).expect("JSON")))
        .collect()
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().expect("panels")
}

#[test]
fn panels_query_exported_metrics_and_labels() {
    let (mut queries, recorded) = (0, alerts::recorded());
    for (file, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            let targets = panel["targets"].as_array().expect("targets");
            assert!(!targets.is_empty(), "{file}: {panel}");
            for target in targets {
                let expression = target["expr"].as_str().expect("an expression");
                let (metrics, labels) = promql::names(expression);
                assert!(!metrics.is_empty(), "{file}: {expression}");
                for name in &metrics {
                    promql::assert_exported(name, &recorded);
                }
                for label in &labels {
                    promql::assert_label(label);
                }
                queries += 1;
            }
        }
    }
    assert!(queries >= 60, "{queries} queries");
}

#[test]
fn dashboards_are_distinct_and_their_panels_do_not_overlap() {
    let dashboards = dashboards();
    let ids: BTreeSet<&str> = dashboards
        .iter()
        .map(|(_, dashboard)| dashboard["uid"].as_str().expect("a uid"))
        .collect();
    assert_eq!(ids.len(), dashboards.len());
    for (file, dashboard) in &dashboards {
        assert!(dashboard["title"].is_string(), "{file}");
        let mut taken = BTreeSet::new();
        for panel in panels(dashboard) {
            assert!(
                panel["title"].is_string() && panel["type"].is_string(),
                "{file}: {panel}"
            );
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a place"));
            assert!(x + w <= 24, "{file}: {panel}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{file}: {} overlaps", panel["title"]);
            }
        }
    }
}
