//! Values are sealed again with the primary key: in batches, by several processes at a time, while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carshare_chassis::Random;
use carshare_chassis::config::Seal;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::task::spawn;
use carshare_store::{SealedColumn, reseal};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::harness::Harness;

const COLUMNS: [SealedColumn; 1] = [SealedColumn {
    table: "secrets",
    key: "id",
    key_type: "bigint",
    column: "sealed",
    place: "secrets.value",
}];

/// Three batches.
const COUNT: i64 = 450;

fn sealer(primary: &str, keys: &[&str]) -> Sealer {
    use base64::Engine as _;
    let key = |id: &&str| {
        let bytes = [id.as_bytes()[0]; 32];
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        ((*id).to_owned(), encoded.into())
    };
    let config = Seal {
        primary: primary.to_owned(),
        keys: keys.iter().map(key).collect(),
    };
    Sealer::new(&config, Random::system()).unwrap()
}

fn place(id: i64) -> String {
    format!("secrets.value/{id}")
}

/// A table of values of the key `old`, and one without a value.
async fn values() -> Harness {
    let harness = Harness::new().await;
    let create = "CREATE TABLE secrets (id bigint PRIMARY KEY, sealed bytea)";
    harness.db.conn().execute_unprepared(create).await.unwrap();
    for id in 1..=COUNT {
        write(&harness, &sealer("old", &["old"]), id, &format!("value {id}")).await;
    }
    let empty = "INSERT INTO secrets (id) VALUES (0)";
    harness.db.conn().execute_unprepared(empty).await.unwrap();
    harness
}

async fn write(harness: &Harness, sealer: &Sealer, id: i64, value: &str) {
    let sql = "INSERT INTO secrets (id, sealed) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed";
    let sealed = sealer.seal(&place(id), value.as_bytes()).unwrap();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.into(), sealed.into()]);
    harness.db.conn().execute_raw(statement).await.unwrap();
}

/// Values as a process with these keys reads them, in the order of their ids.
async fn read(harness: &Harness, sealer: &Sealer) -> Vec<String> {
    let sql = "SELECT id, sealed FROM secrets WHERE sealed IS NOT NULL ORDER BY id";
    let rows = harness
        .db
        .conn()
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql));
    let open = |row: &sea_orm::QueryResult| {
        let (id, sealed): (i64, Vec<u8>) =
            (row.try_get("", "id").unwrap(), row.try_get("", "sealed").unwrap());
        String::from_utf8(sealer.open(&place(id), &sealed).unwrap()).unwrap()
    };
    rows.await.unwrap().iter().map(open).collect()
}

fn expected() -> Vec<String> {
    (1..=COUNT).map(|id| format!("value {id}")).collect()
}

#[tokio::test]
async fn old_key_can_be_removed_afterwards_and_a_repeat_changes_nothing() {
    let harness = values().await;
    let both = sealer("new", &["new", "old"]);
    reseal(&harness.db, &both, &COLUMNS).await.unwrap();
    let before = sum(&harness).await;
    reseal(&harness.db, &both, &COLUMNS).await.unwrap();
    assert_eq!(sum(&harness).await, before);
    assert_eq!(read(&harness, &sealer("new", &["new"])).await, expected());
}

/// A digest of the stored bytes.
async fn sum(harness: &Harness) -> String {
    let sql = "SELECT md5(string_agg(sealed::text, '' ORDER BY id)) AS sum FROM secrets";
    let row = harness
        .db
        .conn()
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql));
    row.await.unwrap().unwrap().try_get("", "sum").unwrap()
}

#[tokio::test]
async fn values_that_cannot_be_opened_are_left_and_refuse_the_end() {
    let harness = values().await;
    write(&harness, &sealer("third", &["third"]), 7, "foreign").await;
    let refused = reseal(&harness.db, &sealer("new", &["new", "old"]), &COLUMNS)
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("1 values are not sealed with the key new"),
        "{refused}"
    );
    let all = sealer("new", &["new", "third"]);
    assert_eq!(read(&harness, &all).await[6], "foreign");
    reseal(&harness.db, &all, &COLUMNS).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_an_ended_run_is_kept_and_the_next_one_finishes_it() {
    let harness = Arc::new(values().await);
    let db = harness.replica(2);
    let run = spawn("reseal", async move {
        let both = sealer("new", &["new", "old"]);
        reseal(&db, &both, &COLUMNS).await
    });
    let begun = || async {
        let prefix = "SELECT count(*) AS count FROM secrets WHERE substr(sealed, 3, 3) = 'new'";
        let row = harness
            .db
            .conn()
            .query_one_raw(Statement::from_string(DbBackend::Postgres, prefix));
        let count: i64 = row.await.unwrap().unwrap().try_get("", "count").unwrap();
        count > 0
    };
    carshare_testkit::eventually_true(crate::harness::TIMEOUT, begun).await;
    run.abort();
    _ = run.await;
    let both = sealer("new", &["new", "old"]);
    assert_eq!(read(&harness, &both).await, expected());
    reseal(&harness.db, &both, &COLUMNS).await.unwrap();
    assert_eq!(read(&harness, &sealer("new", &["new"])).await, expected());
}

/// Two processes seal again while one of the old primary key writes; nothing that it wrote is lost.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_runs_and_writers_of_the_old_key_lose_nothing() {
    let harness = Arc::new(values().await);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = spawn("writer", {
        let (harness, stop) = (Arc::clone(&harness), Arc::clone(&stop));
        async move {
            let old = sealer("old", &["old", "new"]);
            let mut last = vec![0; COUNT as usize];
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                let id = round * 7 % COUNT + 1;
                write(&harness, &old, id, &format!("round {round}")).await;
                last[id as usize - 1] = round;
            }
            last
        }
    });
    let run = |seed| {
        let db = harness.replica(seed);
        spawn("reseal", async move {
            reseal(&db, &sealer("new", &["new", "old"]), &COLUMNS).await
        })
    };
    // Whether they finish depends on what is written meanwhile.
    let (first, second) = tokio::join!(run(2), run(3));
    _ = (first.unwrap(), second.unwrap());
    stop.store(true, Ordering::Relaxed);
    let last = writer.await.unwrap();
    reseal(&harness.db, &sealer("new", &["new", "old"]), &COLUMNS)
        .await
        .unwrap();
    let expected: Vec<String> = (1..=COUNT)
        .zip(last)
        .map(|(id, round)| {
            if round == 0 {
                format!("value {id}")
            } else {
                format!("round {round}")
            }
        })
        .collect();
    assert_eq!(read(&harness, &sealer("new", &["new"])).await, expected);
}
