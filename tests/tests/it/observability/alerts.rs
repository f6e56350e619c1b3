//! The rules of Prometheus name metrics that the processes export; each alert has a runbook and a test of both of its states.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use carshare_chassis::method_registry;
use carshare_proto::DESCRIPTOR_POOL;

use super::promql;

const OPERATING_PAGE: &str = include_str!("../../../../docs/OPERATING.md");

/// A folder of the repository.
pub fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The files of a folder, by name.
pub fn files(path: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder(path)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a text"))
        })
        .collect()
}

/// The values of a key in files of YAML, one a line, also in `{ … }`, where they end with a quote.
fn values(files: &BTreeMap<String, String>, key: &str) -> Vec<String> {
    let marker = format!("{key}: ");
    let lines = files.values().flat_map(|text| text.lines());
    let written = lines.filter(|line| !line.trim_start().starts_with('#'));
    let found = written.filter_map(|line| {
        let (before, value) = line.split_once(&marker)?;
        before
            .chars()
            .all(|c| " -{".contains(c) || !before.trim().is_empty() && before.contains('{'))
            .then_some(value)
    });
    found
        .map(|value| match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
            None => value.to_owned(),
        })
        .collect()
}

fn rules() -> BTreeMap<String, String> {
    files("deploy/observability/prometheus/rules")
}

/// Names of the recorded metrics.
pub fn recorded() -> Vec<String> {
    values(&rules(), "record")
}

#[test]
fn rules_name_exported_metrics_and_labels() {
    let (rules, recorded) = (rules(), recorded());
    let expressions = values(&rules, "expr");
    assert!(expressions.len() >= 48, "{}", expressions.len());
    for expression in &expressions {
        let (metrics, labels) = promql::names(expression);
        assert!(
            !metrics.is_empty() || expression.starts_with("vector("),
            "{expression}"
        );
        for name in &metrics {
            promql::assert_exported(name, &recorded);
        }
        for label in &labels {
            promql::assert_label(label);
        }
    }
}

#[test]
fn alerts_have_a_severity_a_summary_and_a_section_in_the_runbooks() {
    let rules = rules();
    let alerts = values(&rules, "alert");
    let distinct: BTreeSet<&String> = alerts.iter().collect();
    assert_eq!(distinct.len(), alerts.len(), "{alerts:?}");
    let severities = values(&rules, "labels");
    let severities = severities.iter().filter(|labels| labels.contains("severity"));
    assert!(
        severities
            .clone()
            .all(|labels| ["{ severity: page }", "{ severity: ticket }"].contains(&labels.as_str()))
    );
    assert_eq!(
        (severities.count(), values(&rules, "summary").len()),
        (alerts.len(), alerts.len())
    );

    let runbooks = files("docs/runbooks");
    let sections: BTreeSet<String> = runbooks
        .iter()
        .flat_map(|(file, text)| {
            let titles = text.lines().filter_map(|line| line.strip_prefix("## "));
            titles.map(move |title| {
                format!(
                    "{{{{ $externalLabels.runbooks }}}}/{file}#{}",
                    title.to_lowercase()
                )
            })
        })
        .collect();
    let urls = values(&rules, "runbook_url");
    assert_eq!(urls.len(), alerts.len());
    for (alert, url) in alerts.iter().zip(&urls) {
        assert!(
            url.ends_with(&format!("#{}", alert.to_lowercase())),
            "{alert}: {url}"
        );
    }
    assert_eq!(urls.into_iter().collect::<BTreeSet<_>>(), sections);
    for (file, text) in &runbooks {
        for section in text.split("\n## ").skip(1) {
            for part in ["**Means**", "**Impact**", "**Repair**"] {
                assert!(section.contains(part), "{file}: {part} is missing in {section}");
            }
        }
    }
}

#[test]
fn each_alert_is_tested_firing_and_quiet() {
    let tests = files("deploy/observability/prometheus/tests");
    let text: String = tests.into_values().collect();
    for alert in values(&rules(), "alert") {
        let cases = text.split("alertname: ").skip(1);
        let of_alert: Vec<&str> = cases
            .filter(|case| {
                case.starts_with([alert.as_str(), "\n"].concat().as_str())
                    || case.starts_with(&format!("{alert},"))
            })
            .collect();
        let quiet = of_alert
            .iter()
            .filter(|case| case.lines().take(3).any(|line| line.contains("exp_alerts: []")));
        let firing = of_alert
            .iter()
            .filter(|case| case.lines().take(4).any(|line| line.contains("exp_labels")));
        assert!(
            quiet.count() > 0 && firing.count() > 0,
            "{alert} is not tested in both states"
        );
    }
}

/// Streams last as long as their client wants, so the objectives of latency are not theirs.
#[test]
fn objectives_of_latency_leave_out_all_streams() {
    let services = DESCRIPTOR_POOL.services();
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let streams = methods.filter(|method| method.is_server_streaming() || method.is_client_streaming());
    let mut spans: Vec<&str> = streams
        .filter_map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            method_registry::find(&path)
        })
        .map(method_registry::Method::span)
        .collect();
    spans.sort_unstable();
    let excluded = format!("rpc!~\"none|{}\"", spans.join("|"));
    let rules = rules();
    let expressions = values(&rules, "expr");
    let of_edge = expressions
        .iter()
        .filter(|expression| expression.contains("rpc!~"));
    assert_eq!(of_edge.clone().count(), 2);
    for expression in of_edge {
        assert_eq!(
            expression.matches(&excluded).count(),
            expression.matches("rpc!~").count(),
            "{expression}: {excluded}"
        );
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
    assert_eq!(names.len(), 34, "{names:?}");
    for name in names {
        promql::assert_exported(name, &[]);
    }
}
