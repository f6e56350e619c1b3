//! A process on a schema without a migration of its release ends at once and says what to do; it handles no event.

use std::time::Duration;

use carshare_mesh::{Options, Replica, ready};
use serde_json::Value;

use crate::harness::{REPLICAS, Sql, start_fleet};

const TIMEOUT: Duration = Duration::from_secs(30);

/// The schema of the release before: without the newest migration, as far as a process can see.
const FORGET_NEWEST: &str = "CREATE TABLE booking.forgotten AS SELECT * FROM booking._sqlx_migrations ORDER BY version DESC LIMIT 1; \
                             DELETE FROM booking._sqlx_migrations WHERE version = (SELECT version FROM booking.forgotten)";
const APPLY_NEWEST: &str =
    "INSERT INTO booking._sqlx_migrations SELECT * FROM booking.forgotten; DROP TABLE booking.forgotten";

#[tokio::test(flavor = "multi_thread")]
async fn process_ends_on_the_schema_of_an_older_release() {
    let mut fleet = start_fleet(Options::temporary(), REPLICAS).await;
    let sql = Sql::of(&fleet);
    let replica = Replica {
        service: "booking",
        number: 0,
    };
    fleet.kill(replica).expect("it runs");
    sql.execute(FORGET_NEWEST).await;

    fleet.spawn(replica).expect("a start");
    let process = fleet.process(replica).expect("it was started");
    let status = process.wait(TIMEOUT).await.expect("an end");
    assert_eq!(status.code(), Some(1));
    let lines = process.logs().json();
    let failed = lines
        .iter()
        .find(|line| line["message"] == "failed")
        .expect("a reason");
    let error = failed["error"].as_str().expect("text");
    assert!(error.contains("the schema lacks migration"), "{error}");
    assert!(error.contains("run the command `migrate`"), "{error}");
    let handled = |line: &&Value| line["message"] == "event";
    assert_eq!(lines.iter().filter(handled).count(), 0);

    sql.execute(APPLY_NEWEST).await;
    fleet.spawn(replica).expect("a start");
    let admin = fleet.admin(replica).expect("an address");
    ready::wait(&admin).await.expect("it gets ready");
}
