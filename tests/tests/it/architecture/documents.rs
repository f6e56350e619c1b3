//! Generated pages are current, every service has a README, and the tests that pages name exist.

use std::fs;

use super::dependencies::root;
use super::source::sources;

#[test]
fn error_catalogue_is_current() {
    let page = fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    assert_eq!(page, carshare_proto::errors::markdown(), "run `make docs`");
}

#[test]
fn every_service_has_a_readme() {
    for service in fs::read_dir(root().join("services")).expect("services/") {
        let readme = service.expect("an entry").path().join("README.md");
        let text = fs::read_to_string(&readme).unwrap_or_else(|_| panic!("{} is missing", readme.display()));
        assert!(text.lines().count() >= 20, "{} says too little", readme.display());
    }
}

/// Returns the names in backticks that look like those of tests: words joined by at least three underscores.
fn named_tests(page: &str) -> Vec<&str> {
    let quoted = page.split('`').skip(1).step_by(2);
    let is_name = |name: &&str| {
        name.bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
    };
    quoted
        .filter(is_name)
        .filter(|name| name.matches('_').count() >= 3)
        .collect()
}

#[test]
fn words_joined_by_underscores_are_names_of_tests() {
    let page =
        "| `a_test_of_tokens`, `role_only` | `sessions.idle_ttl_of_token` | `another_test_with_2_replicas` |";
    assert_eq!(
        named_tests(page),
        ["a_test_of_tokens", "another_test_with_2_replicas"]
    );
}

#[test]
fn tests_named_by_the_security_page_exist() {
    let page = fs::read_to_string(root().join("docs/SECURITY.md")).expect("docs/SECURITY.md");
    let names = named_tests(&page);
    assert!(names.len() > 50, "only {} tests are named", names.len());
    let sources = sources();
    let missing: Vec<_> = names
        .into_iter()
        .filter(|name| {
            !sources
                .iter()
                .any(|source| source.text.contains(&format!("fn {name}(")))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
