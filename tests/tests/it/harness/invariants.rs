//! Invariants of a quiescent mesh across services, ledger, provider and events, asserted at the end of every test that injects
//! faults: those of the reconciler, of payment, and some that only tests check.

mod differences;
mod provider;
mod quiescence;
mod rules;
mod tests;

use carshare_chassis::Environment;
use carshare_payment::store::invariants as books;
use carshare_store::Db;
use carshare_store::config::Database;
use chrono::DateTime;

use super::deployment::Deployment;
use super::sql::Sql;

pub use differences::differences;
pub use quiescence::{unfinished, wait as wait_until_quiescent};
pub use tests::book_and_refund;

/// Waits until the mesh is quiescent and asserts every rule.
pub async fn assert_hold(mesh: &impl Deployment) {
    wait_until_quiescent(mesh).await;
    let broken = breaches(mesh).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Every breach as `rule: subject`.
pub async fn breaches(mesh: &impl Deployment) -> Vec<String> {
    let sql = Sql::of(mesh);
    let mut found = Vec::new();
    for rule in &rules::RULES {
        let subjects = sql.texts(rule.sql).await;
        found.extend(
            subjects
                .into_iter()
                .map(|subject| format!("{}: {subject}", rule.name)),
        );
    }
    found.extend(differences(mesh).await);
    found.extend(provider::breaches(&sql, &mesh.sandbox().payments()).await);
    found.extend(quiescence::dead_letters(&sql).await);
    found.extend(ledger_breaches(mesh).await);
    found
}

/// Breaches of the ledger rules that payment checks at run time.
async fn ledger_breaches(mesh: &impl Deployment) -> Vec<String> {
    let url = mesh.dependencies().database_url("payment").expect("a URL");
    let db = Db::connect(&Database::at(url), Environment::system()).expect("a usable URL");
    let broken = books::breaches(db.conn(), DateTime::UNIX_EPOCH)
        .await
        .expect("a response");
    db.close().await;
    let broken = broken
        .into_iter()
        .map(|breach| format!("{}: {}", breach.rule, breach.subject));
    broken.collect()
}
