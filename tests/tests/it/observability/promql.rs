//! Names of metrics and labels in expressions of PromQL, as far as rules and dashboards use the language.

/// Sources that describe the metrics.
const METRIC_SOURCES: [&str; 12] = [
    include_str!("../../../../mesh/src/reconcile.rs"),
    include_str!("../../../../crates/chassis/src/telemetry/metrics.rs"),
    include_str!("../../../../crates/store/src/metrics.rs"),
    include_str!("../../../../crates/outbound/src/metrics.rs"),
    include_str!("../../../../crates/objects/src/photo.rs"),
    include_str!("../../../../crates/objects/src/store.rs"),
    include_str!("../../../../gateway/src/metrics.rs"),
    include_str!("../../../../services/auth/src/metrics.rs"),
    include_str!("../../../../services/booking/src/metrics.rs"),
    include_str!("../../../../services/notification/src/metrics.rs"),
    include_str!("../../../../services/payment/src/metrics.rs"),
    include_str!("../../../../services/vehicle/src/metrics.rs"),
];

/// Labels of the reconciler's metric, of panics, of the objectives, of the scrape, of the gateway's limits and of alerts.
const OTHER_LABELS: [&str; 9] = [
    "difference",
    "task",
    "slo",
    "instance",
    "job",
    "budget",
    "alertname",
    "severity",
    "alertstate",
];

/// Words that are neither a metric nor a function with its parenthesis.
const LANGUAGE: [&str; 9] = [
    "and", "or", "unless", "offset", "bool", "sum", "min", "max", "count",
];

/// Words that a list of labels follows.
const BEFORE_LABELS: [&str; 5] = ["by", "without", "on", "ignoring", "group_left"];

/// Asserts that a process exports the metric, or a rule of `recorded` does.
pub fn assert_exported(name: &str, recorded: &[String]) {
    let family = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix));
    let is_described = |name: &str| {
        METRIC_SOURCES
            .iter()
            .any(|source| source.contains(&format!("\"{name}\"")))
    };
    let is_known = recorded.iter().any(|record| record == name)
        || ["up", "ALERTS"].contains(&name)
        || is_described(name)
        || family.is_some_and(is_described);
    assert!(is_known, "no process exports {name}");
}

/// Asserts that metrics have the label.
pub fn assert_label(label: &str) {
    let is_known = super::metrics::LABELS.contains(&label) || OTHER_LABELS.contains(&label);
    assert!(is_known, "no metric has the label {label}");
}

/// Returns the names of metrics and of labels in an expression.
pub fn names(expression: &str) -> (Vec<String>, Vec<String>) {
    let code = expression.split('"').step_by(2).collect::<String>();
    let (mut metrics, mut labels) = (Vec::new(), Vec::new());
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_:$.".contains(c);
    let mut rest = code.as_str();
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end.max(1));
        rest = after;
        let closing = match first {
            '{' => Some('}'),
            '[' => Some(']'),
            _ if BEFORE_LABELS.contains(&word) => Some(')'),
            _ => None,
        };
        if let Some(closing) = closing {
            let (inside, after) = after.split_once(closing).expect("an end of the list");
            if closing != ']' {
                labels.extend(list(inside));
            }
            rest = after;
        } else if first.is_ascii_alphabetic()
            && !after.trim_start().starts_with('(')
            && !LANGUAGE.contains(&word)
        {
            metrics.push(word.to_owned());
        }
    }
    (metrics, labels)
}

/// The labels of a comma-separated list of labels or selectors.
fn list(text: &str) -> impl Iterator<Item = String> {
    let labels = text.split(',').map(|label| {
        label
            .split(['=', '!'])
            .next()
            .unwrap_or_default()
            .trim_matches([' ', '('])
    });
    labels.filter(|label| !label.is_empty()).map(str::to_owned)
}

#[test]
fn names_of_an_expression_are_found() {
    let expression = "histogram_quantile(0.99, sum by (rpc, le) (rate(a_bucket{peer=~\"x|y_z\",job=\"$job\"}[$__rate_interval]))) > 14.4 * on (slo) slo:b and c_total offset 10m or absent(up{code!=\"d\"})";
    let (metrics, labels) = names(expression);
    assert_eq!(metrics, ["a_bucket", "slo:b", "c_total", "up"]);
    assert_eq!(labels, ["rpc", "le", "peer", "job", "slo", "code"]);
}
