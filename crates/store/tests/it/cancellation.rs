//! Calls that are cancelled while a transaction runs: the connection returns to the pool outside of any transaction.

use std::pin::pin;
use std::task::Poll;

use carshare_store::{Db, Error, Tx, config};
use futures::future::poll_fn;
use sea_orm::ConnectionTrait as _;

use crate::harness::{Harness, environment, execute};

/// More polls than a transaction of three statements takes.
const MAX_POLLS: usize = 40;

/// Writes three rows, which are committed together.
async fn write(tx: &Tx, (key,): &(String,)) -> Result<(), Error> {
    for note in ["first", "second", "third"] {
        let sql = "INSERT INTO effects (key, note) VALUES ($1, $2)";
        execute(tx, sql, [key.clone().into(), note.into()]).await?;
    }
    Ok(())
}

/// Polls a transaction at most `polls` times and drops it. Returns whether it ended.
async fn cancelled_after(db: &Db, polls: usize) -> bool {
    let mut transaction = pin!(db.transaction("test.cancelled", (format!("polls {polls}"),), write));
    let mut left = polls;
    poll_fn(|cx| match transaction.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(result.is_ok()),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn cancelled_transaction_leaves_no_open_transaction_in_the_pool() {
    let harness = Harness::new().await;
    let (environment, _) = environment(2);
    let one_connection = config::Database {
        max_connections: 1,
        ..harness.config.clone()
    };
    let db = Db::connect(&one_connection, environment).unwrap();
    let mut ended = 0;
    for polls in 0..MAX_POLLS {
        ended += usize::from(cancelled_after(&db, polls).await);
        // Runs on the connection of the cancelled transaction, and is visible to another connection at once.
        let sql = format!("INSERT INTO effects (key, note) VALUES ('next {polls}', 'alone')");
        db.conn().execute_unprepared(&sql).await.unwrap();
        assert_eq!(harness.notes_of(&format!("next {polls}")).await, ["alone"]);
        let written = harness.notes_of(&format!("polls {polls}")).await;
        assert!(
            written.is_empty() || written == ["first", "second", "third"],
            "{written:?}"
        );
    }
    assert!((1..MAX_POLLS).contains(&ended), "{ended} transactions ended");
}
