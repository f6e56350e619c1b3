//! No secret and no personal data in logs at debug level, traces, metrics or output of subcommands.

use serde_json::Value;

use super::capture::{CAPTURE, PROCESSES};

/// The secrets in a text.
fn leaks(place: &str, text: &str) -> Vec<String> {
    let found = CAPTURE
        .secrets
        .iter()
        .filter(|secret| text.contains(&secret.text));
    found
        .map(|secret| format!("{place}: {} {:?} in {text}", secret.what, secret.text))
        .collect()
}

fn assert_none(leaks: impl IntoIterator<Item = String>) {
    let leaks: Vec<String> = leaks.into_iter().collect();
    assert!(leaks.is_empty(), "{} leaks: {leaks:#?}", leaks.len());
}

#[test]
fn leak_detector_finds_every_secret() {
    assert!(CAPTURE.secrets.len() > 40, "{}", CAPTURE.secrets.len());
    for secret in &CAPTURE.secrets {
        assert!(
            !leaks("here", &format!("what: {}!", secret.text)).is_empty(),
            "{secret:?}"
        );
    }
}

#[test]
fn every_log_line_is_json_with_time_level_and_target() {
    for name in PROCESSES {
        let logs = &CAPTURE.logs[name];
        let (lines, parsed) = (logs.lines(), logs.json());
        let broken: Vec<_> = lines
            .iter()
            .filter(|line| serde_json::from_str::<Value>(line).is_err())
            .collect();
        assert!(broken.is_empty(), "{name}: {broken:?}");
        for line in &parsed {
            assert_eq!(line["service"], name, "{line}");
            for field in ["time", "level", "target"] {
                assert!(line[field].is_string(), "{name} {field}: {line}");
            }
        }
        assert!(
            parsed.iter().any(|line| line["level"] == "DEBUG"),
            "{name} does not log everything"
        );
    }
}

#[test]
fn logs_contain_no_secrets() {
    let lines = PROCESSES.into_iter().flat_map(|name| {
        let lines = CAPTURE.logs[name].lines();
        lines.into_iter().flat_map(move |line| leaks(name, &line))
    });
    assert_none(lines);
}

#[test]
fn traces_contain_no_secrets() {
    let texts = CAPTURE
        .spans
        .iter()
        .map(|span| (span, format!("{} {}", span.name, span.details)));
    assert_none(texts.flat_map(|(span, text)| leaks(&span.service, &text)));
}

#[test]
fn metrics_contain_no_secrets() {
    let lines = CAPTURE
        .metrics
        .iter()
        .flat_map(|(name, text)| text.lines().map(move |line| (name, line)));
    assert_none(lines.flat_map(|(name, line)| leaks(name, line)));
}

#[test]
fn subcommands_print_no_secrets() {
    let lines = CAPTURE
        .commands
        .iter()
        .flat_map(|ran| ran.lines.iter().map(move |line| (ran.service, line)));
    assert_none(lines.flat_map(|(name, line)| leaks(name, line)));
}
