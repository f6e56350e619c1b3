//! Allowed dependencies: service → {proto, chassis, store, profiles, outbound, objects}; gateway → {proto, chassis}; no service
//! depends on another; `domain/` modules import neither transport nor storage nor runtime.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata")
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// The workspace crates among the normal dependencies of a crate.
fn ours(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let package = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == name)
        .expect("in the workspace");
    let normal = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal
        .filter_map(|d| d.name.strip_prefix("carshare-").map(str::to_owned))
        .collect()
}

#[test]
fn crates_have_only_allowed_dependencies() {
    let law: [(&str, &[&str]); 18] = [
        ("proto", &[]),
        ("chassis", &["proto"]),
        ("store", &["proto", "chassis"]),
        ("profiles", &["proto", "chassis", "store"]),
        ("outbound", &["chassis"]),
        ("objects", &["chassis"]),
        // Profile images are in the object storage, as the design has it.
        ("auth", &["proto", "chassis", "store", "objects"]),
        (
            "vehicle",
            &["proto", "chassis", "store", "profiles", "outbound", "objects"],
        ),
        ("booking", &["proto", "chassis", "store", "profiles", "objects"]),
        ("payment", &["proto", "chassis", "store", "outbound"]),
        ("notification", &["proto", "chassis", "store", "outbound"]),
        ("gateway", &["proto", "chassis"]),
        ("sandbox", &["chassis"]),
        ("devservers", &[]),
        ("testkit", &["proto", "devservers"]),
        ("service-testkit", &["proto", "chassis", "store", "testkit"]),
        ("bench", &["proto", "chassis", "devservers", "mesh"]),
        ("tests", &[]),
    ];
    let metadata = metadata();
    for (name, allowed) in law {
        let allowed: BTreeSet<String> = allowed.iter().map(ToString::to_string).collect();
        let used = ours(&metadata, &format!("carshare-{name}"));
        assert!(
            used.is_subset(&allowed),
            "{name} must not depend on {:?}",
            used.difference(&allowed).collect::<Vec<_>>()
        );
    }
}

/// Crates with a test kit among their normal dependencies.
fn built_with_test_code(metadata: &Metadata) -> Vec<String> {
    let test_kits = ["testkit", "service-testkit"];
    let packages = metadata.packages.iter().map(|package| package.name.as_str());
    packages
        .filter(|name| !test_kits.contains(&name.trim_start_matches("carshare-")))
        .filter(|name| {
            ours(metadata, name)
                .iter()
                .any(|used| test_kits.contains(&used.as_str()))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn test_kits_are_dev_dependencies() {
    let mut metadata = metadata();
    assert_eq!(built_with_test_code(&metadata), Vec::<String>::new());
    let mesh = metadata
        .packages
        .iter_mut()
        .find(|package| package.name.as_str() == "carshare-mesh")
        .expect("in the workspace");
    let devservers = mesh
        .dependencies
        .iter_mut()
        .find(|dependency| dependency.name == "carshare-devservers")
        .expect("a dependency of mesh");
    devservers.name = "carshare-testkit".to_owned();
    assert_eq!(built_with_test_code(&metadata), ["carshare-mesh"]);
}

#[test]
fn domain_modules_import_neither_transport_nor_storage_nor_runtime() {
    let mut read = 0;
    for service in fs::read_dir(root().join("services")).expect("services/") {
        let src = service.expect("an entry").path().join("src");
        for file in rust_files(&src).into_iter().filter(|path| in_domain(path, &src)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for banned in ["tonic::", "sea_orm::", "sqlx::", "tokio::", "carshare_store"] {
                assert!(!text.contains(banned), "{} mentions {banned}", file.display());
            }
            read += 1;
        }
    }
    assert!(read >= 10, "only {read} domain files were found");
}

fn in_domain(path: &Path, src: &Path) -> bool {
    path.strip_prefix(src)
        .is_ok_and(|below| below.starts_with("domain") || below == Path::new("domain.rs"))
}

pub(super) fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
