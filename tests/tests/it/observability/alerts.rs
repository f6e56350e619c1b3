//! The alert rules of deploy/alerts and the table of docs/OPERATING.md name metrics that the binaries export.

use std::collections::BTreeSet;

use super::metrics::LABELS;

/// Sources that describe the metrics of rules and table.
const METRIC_SOURCES: [&str; 7] = [
    include_str!("../../../../mesh/src/reconcile.rs"),
    include_str!("../../../../crates/chassis/src/telemetry/metrics.rs"),
    include_str!("../../../../crates/store/src/metrics.rs"),
    include_str!("../../../../crates/outbound/src/metrics.rs"),
    include_str!("../../../../gateway/src/metrics.rs"),
    include_str!("../../../../services/booking/src/metrics.rs"),
    include_str!("../../../../services/payment/src/metrics.rs"),
];

const OPERATING_PAGE: &str = include_str!("../../../../docs/OPERATING.md");
const RULES: &str = include_str!("../../../../deploy/alerts/carshare.yml");

/// Labels of the reconciler's metric and of the scrape.
const OTHER_LABELS: [&str; 2] = ["difference", "instance"];

fn assert_described(name: &str) {
    let is_described = METRIC_SOURCES
        .iter()
        .any(|source| source.contains(&format!("\"{name}\"")));
    assert!(is_described, "no process exports {name}");
}

/// The values of a key of the rules, one a line.
fn values(key: &str) -> Vec<&'static str> {
    let lines = RULES
        .lines()
        .map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)).collect()
}

/// The words of an expression outside of strings.
fn words(expression: &'static str) -> impl Iterator<Item = &'static str> {
    let code = expression.split('"').step_by(2);
    code.flat_map(|code| code.split(|c: char| !c.is_ascii_lowercase() && c != '_'))
        .filter(|word| !word.is_empty())
}

#[test]
fn alert_rules_name_exported_metrics_and_labels() {
    let expressions = values("expr: ");
    let names: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|expression| words(expression))
        .filter(|word| word.contains('_'))
        .collect();
    assert!(names.len() >= 18, "{names:?}");
    for name in names {
        assert_described(name);
    }
    for expression in expressions {
        let lists = ["{", "by ("]
            .iter()
            .flat_map(|open| expression.split(open).skip(1));
        for list in lists {
            let list = list.split(['}', ')']).next().expect("a part");
            for label in list.split(',') {
                let label = label.split(['=', '!']).next().expect("a part").trim();
                assert!(
                    LABELS.contains(&label) || OTHER_LABELS.contains(&label),
                    "{expression}: no metric has the label {label}"
                );
            }
        }
    }
}

#[test]
fn alert_rules_have_a_severity_and_a_summary() {
    let alerts = values("alert: ");
    let distinct: BTreeSet<&&str> = alerts.iter().collect();
    assert_eq!(distinct.len(), alerts.len(), "{alerts:?}");
    let severities = values("labels: ");
    assert!(
        severities
            .iter()
            .all(|label| ["{ severity: page }", "{ severity: ticket }"].contains(label)),
        "{severities:?}"
    );
    for key in ["expr: ", "labels: ", "summary: "] {
        assert_eq!(values(key).len(), alerts.len(), "{key}");
    }
}

#[test]
fn operating_page_names_existing_metrics() {
    let (table, _) = OPERATING_PAGE.split_once("**Logs**").expect("a table of metrics");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let names: Vec<&str> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.contains('_') && !name.contains(['.', ' ']))
        .collect();
    assert_eq!(names.len(), 25, "{names:?}");
    for name in names {
        assert_described(name);
    }
}
