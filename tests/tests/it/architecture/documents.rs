//! Generated pages are current, and every service has a README.

use std::fs;

use super::dependencies::root;

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
