//! `docs/RETENTION.md` has a row for every table of every schema, and names those that the services declare as expiring.

use std::collections::{BTreeMap, BTreeSet};

use carshare_mesh::dependencies::SERVICES;
use carshare_store::StoreService;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::harness::mesh;

const PAGE: &str = include_str!("../../../docs/RETENTION.md");

/// Returns the last column, by which rows are deleted, of each listed table.
fn listed() -> BTreeMap<String, String> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(columns.len(), 4, "{row}");
        assert!(columns.iter().all(|column| !column.is_empty()), "{row}");
        (columns[0].trim_matches('`').to_owned(), columns[3].to_owned())
    })
    .collect()
}

/// Returns the tables of a service that are deleted by housekeeping.
fn expired<S: StoreService>() -> BTreeSet<String> {
    S::EXPIRED
        .iter()
        .map(|(table, _)| format!("{}.{table}", S::NAME))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_a_stated_retention() {
    let mesh = mesh().await;
    let listed = listed();
    let mut tables = BTreeSet::new();
    for service in SERVICES {
        let url = mesh.dependencies().database_url(service).expect("a URL");
        let mut role = PgConnection::connect(&url).await.expect("a connection");
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'",
        )
        .bind(service)
        .fetch_all(&mut role)
        .await
        .expect("a readable catalogue");
        for name in names {
            let (own, shared) = (format!("{service}.{name}"), format!("*.{name}"));
            let rows = [&own, &shared]
                .into_iter()
                .filter(|row| listed.contains_key(*row))
                .count();
            assert_eq!(rows, 1, "{own} needs a row in docs/RETENTION.md");
            tables.insert(own);
        }
    }
    assert!(tables.len() > 70, "{}", tables.len());
}

#[test]
fn tables_that_services_declare_as_expiring_are_listed_as_such() {
    let listed: BTreeSet<String> = listed()
        .into_iter()
        .filter(|(_, deleted_by)| deleted_by == "housekeeping")
        .map(|(table, _)| table)
        .collect();
    let declared = [
        expired::<carshare_auth::Auth>(),
        expired::<carshare_vehicle::Vehicle>(),
        expired::<carshare_booking::Booking>(),
        expired::<carshare_payment::Payment>(),
        expired::<carshare_notification::Notification>(),
    ];
    for table in declared.into_iter().flatten() {
        assert!(listed.contains(&table), "{table} is deleted by housekeeping");
    }
}
