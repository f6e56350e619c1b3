//! Released migrations never change, and later ones come after them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::dependencies::root;

/// Folders of migrations, by path from the root.
const FOLDERS: [&str; 6] = [
    "crates/store/migrations",
    "services/auth/migrations",
    "services/booking/migrations",
    "services/notification/migrations",
    "services/payment/migrations",
    "services/vehicle/migrations",
];

/// Checksums of the released migrations by path, as `sha384sum` prints them.
fn released() -> BTreeMap<String, String> {
    let list = fs::read_to_string(root().join("deploy/released/migrations.sha384")).expect("a list");
    let pairs = list.lines().filter_map(|line| line.split_once("  "));
    pairs
        .map(|(checksum, path)| (path.to_owned(), checksum.to_owned()))
        .collect()
}

/// Paths of all migrations from the root, in the order in which each folder's are applied.
fn present() -> Vec<String> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        let files = fs::read_dir(root().join(folder)).expect("a folder");
        paths.extend(files.map(|file| {
            let name = file.expect("an entry").file_name();
            format!("{folder}/{}", name.to_string_lossy())
        }));
    }
    paths.sort();
    paths
}

/// The checksum that sqlx stores and compares: SHA-384 of the file.
fn checksum(path: &Path) -> String {
    let sql = AssertSqlSafe(fs::read_to_string(path).expect("a migration")).into_sql_str();
    let migration = Migration::new(1, "".into(), MigrationType::Simple, sql, false);
    migration.checksum.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory");
        text
    })
}

#[test]
fn released_migrations_never_change() {
    let released = released();
    assert!(released.len() >= 48, "only {} migrations", released.len());
    for (path, expected) in &released {
        let found = root().join(path);
        assert!(found.exists(), "{path} was released and is missing");
        assert_eq!(&checksum(&found), expected, "{path} was released and has changed");
    }
}

#[test]
fn new_migrations_come_after_the_released_ones() {
    let released = released();
    for folder in FOLDERS {
        let of_folder = |path: &&String| path.starts_with(folder);
        let last = released
            .keys()
            .filter(of_folder)
            .max()
            .expect("a released migration");
        for path in present().iter().filter(of_folder) {
            let is_later = path > last
                && path.as_bytes()[folder.len() + 1..]
                    .iter()
                    .take(4)
                    .all(u8::is_ascii_digit);
            assert!(
                released.contains_key(path) || is_later,
                "{path} would not come after {last}"
            );
        }
    }
}

/// An index is created CONCURRENTLY outside of a transaction, where a second statement would not be undone with it.
#[test]
fn migrations_without_a_transaction_have_one_statement() {
    for path in present() {
        let text = fs::read_to_string(root().join(&path)).expect("a migration");
        if text.starts_with("-- no-transaction") {
            let statements = text.lines().filter(|line| line.trim_end().ends_with(';')).count();
            assert_eq!(statements, 1, "{path}");
        }
    }
}
