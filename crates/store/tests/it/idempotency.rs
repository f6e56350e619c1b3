//! Repeated calls: one effect, one reply.

use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::{CallContext, IdempotencyKey};
use carshare_proto::auth::v1::UserUpdated;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Claim, Db, Error, Tx, config};

use crate::harness::{Harness, environment, event, execute, note_of};

fn call(caller: &str, key: &str, request: u8) -> CallContext {
    CallContext {
        idempotency: IdempotencyKey::parse(key),
        request_hash: [request; 32],
        ..CallContext::for_test(Caller::Service(caller.to_owned()))
    }
}

async fn insert_reply(tx: &Tx, reply: &UserUpdated) -> Result<(), Error> {
    let values = [reply.user_id.clone().into(), note_of(reply).into()];
    execute(tx, "INSERT INTO effects (key, note) VALUES ($1, $2)", values).await?;
    Ok(())
}

/// Inserts a note that differs each time, and replies with it.
async fn run(db: &Db, ctx: &CallContext, key: &str) -> Result<UserUpdated, ChassisError> {
    db.idempotent(ctx, "test.note", key.to_owned(), async |tx: &Tx, key| {
        let reply = event(key, &tx.new_id().to_string());
        insert_reply(tx, &reply).await?;
        Ok(reply)
    })
    .await
}

#[tokio::test]
async fn repeat_gets_the_first_reply() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let first = run(&harness.db, &ctx, "a").await.unwrap();
    let again = run(&harness.db, &ctx, "a").await.unwrap();
    assert_eq!(first, again);
    assert_eq!(harness.notes().await, [note_of(&first)]);
}

#[tokio::test]
async fn call_without_key_runs_every_time() {
    let harness = Harness::new().await;
    let ctx = CallContext {
        idempotency: None,
        ..call("gateway", "k", 1)
    };
    run(&harness.db, &ctx, "a").await.unwrap();
    run(&harness.db, &ctx, "a").await.unwrap();
    assert_eq!(harness.notes().await.len(), 2);
}

#[tokio::test]
async fn rejects_another_request_with_the_same_key() {
    let harness = Harness::new().await;
    run(&harness.db, &call("gateway", "k-1", 1), "a").await.unwrap();
    let refused = run(&harness.db, &call("gateway", "k-1", 2), "b")
        .await
        .unwrap_err();
    assert!(refused.is(Common::IdempotencyKeyReused));
    let refused = harness
        .db
        .claim::<UserUpdated>(&call("gateway", "k-1", 2))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::KeyReused));
    assert_eq!(harness.notes().await.len(), 1);
}

#[tokio::test]
async fn keys_are_scoped_to_caller_and_method() {
    let harness = Harness::new().await;
    run(&harness.db, &call("gateway", "k-1", 1), "a").await.unwrap();
    run(&harness.db, &call("booking", "k-1", 2), "b").await.unwrap();
    let elsewhere = CallContext {
        method: "/carshare.test.v1.TestService/Other",
        ..call("gateway", "k-1", 3)
    };
    run(&harness.db, &elsewhere, "c").await.unwrap();
    assert_eq!(harness.notes().await.len(), 3);
}

#[tokio::test]
async fn concurrent_repeats_get_the_same_reply() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let replies = futures::future::join_all((0..8).map(|_| run(&harness.db, &ctx, "a"))).await;
    let replies: Vec<UserUpdated> = replies.into_iter().map(Result::unwrap).collect();
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    assert_eq!(harness.notes().await.len(), 1);
}

#[tokio::test]
async fn errors_are_not_stored() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let refused = harness
        .db
        .idempotent(&ctx, "test.refused", (), async |_: &Tx, ()| {
            Err::<UserUpdated, _>(ChassisError::new(Common::Conflict))
        })
        .await;
    assert!(refused.unwrap_err().is(Common::Conflict));
    run(&harness.db, &ctx, "a").await.unwrap();
    assert_eq!(harness.notes().await.len(), 1);
}

#[tokio::test]
async fn keys_expire_after_a_day() {
    let harness = Harness::new().await;
    run(&harness.db, &call("gateway", "k-1", 1), "a").await.unwrap();
    harness.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert!(run(&harness.db, &call("gateway", "k-1", 2), "b").await.is_err());
    harness.clock.advance(Duration::from_secs(1));
    run(&harness.db, &call("gateway", "k-1", 2), "b").await.unwrap();
    assert_eq!(harness.notes().await.len(), 2);
}

async fn open(harness: &Harness, ctx: &CallContext) -> uuid::Uuid {
    match harness.db.claim::<UserUpdated>(ctx).await.unwrap() {
        Claim::New(id) => id,
        Claim::Replayed(reply) => panic!("answered: {reply:?}"),
    }
}

#[tokio::test]
async fn claim_returns_one_id_until_there_is_a_reply() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let id = open(&harness, &ctx).await;
    assert_eq!(open(&harness, &ctx).await, id);
    let without = CallContext {
        idempotency: None,
        ..ctx.clone()
    };
    assert_ne!(open(&harness, &without).await, open(&harness, &without).await);
    let first = run(&harness.db, &ctx, "a").await.unwrap();
    match harness.db.claim::<UserUpdated>(&ctx).await.unwrap() {
        Claim::Replayed(reply) => assert_eq!(reply, first),
        Claim::New(id) => panic!("still open as {id}"),
    }
}

#[tokio::test]
async fn repeat_waits_no_longer_than_the_lock_timeout() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let config = config::Database {
        lock_timeout: Duration::from_millis(50),
        ..harness.config.clone()
    };
    let impatient = Db::connect(&config, environment(5).0).unwrap();
    let input = (impatient, ctx.clone());
    let first = harness
        .db
        .idempotent(&ctx, "test.slow", input, async |_: &Tx, (impatient, ctx)| {
            let unavailable = run(impatient, ctx, "a").await.unwrap_err();
            assert!(unavailable.is(Common::Unavailable), "{unavailable:?}");
            Ok::<_, ChassisError>(event("a", "done"))
        });
    assert_eq!(note_of(&first.await.unwrap()), "done");
}
