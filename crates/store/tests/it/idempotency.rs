//! Repeated calls: one effect, one reply.

use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::{CallContext, IdempotencyKey};
use carshare_proto::auth::v1::UserUpdated;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Db, Error, Tx, config};

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
        .find_reply::<UserUpdated>(&call("gateway", "k-1", 2))
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

#[tokio::test]
async fn find_reply_returns_the_reply_once_there_is_one() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let find = async |ctx: &CallContext| harness.db.find_reply::<UserUpdated>(ctx).await;
    assert_eq!(find(&ctx).await.unwrap(), None);
    let first = run(&harness.db, &ctx, "a").await.unwrap();
    assert_eq!(find(&ctx).await.unwrap(), Some(first));
    let without_key = CallContext {
        idempotency: None,
        ..ctx.clone()
    };
    assert_eq!(find(&without_key).await.unwrap(), None);
    harness.clock.advance(Duration::from_hours(24));
    assert_eq!(find(&ctx).await.unwrap(), None);
}

#[tokio::test]
async fn resource_id_is_a_function_of_call_and_time() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let time = harness.clock.now();
    let id_of = |ctx: &CallContext| harness.db.resource_id(ctx, time);
    let id = id_of(&ctx);
    assert_eq!(id_of(&ctx), id);
    assert_eq!(id.get_version_num(), 8);
    assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    let milliseconds = u128::try_from(time.timestamp_millis()).unwrap();
    assert_eq!(id.as_u128() >> 80, milliseconds);
    let other_method = CallContext {
        method: "/carshare.test.v1.TestService/Other",
        ..ctx.clone()
    };
    let others = [
        call("booking", "k-1", 1),
        call("gateway", "k-2", 1),
        call("gateway", "k-1", 2),
        other_method,
    ];
    for other in others {
        assert_ne!(id_of(&other), id, "{other:?}");
    }
    assert_ne!(
        harness
            .db
            .resource_id(&ctx, time + chrono::TimeDelta::milliseconds(1)),
        id
    );
    let without_key = CallContext {
        idempotency: None,
        ..ctx.clone()
    };
    assert_ne!(id_of(&without_key), id_of(&without_key));
}

#[tokio::test]
async fn events_and_reply_are_stored_together_in_order() {
    let harness = Harness::new().await;
    let ctx = call("gateway", "k-1", 1);
    let publish = async || {
        let done = harness
            .db
            .idempotent(&ctx, "test.publish", (), async |tx: &Tx, ()| {
                for (key, note) in [("b", "1"), ("a", "2"), ("b", "3")] {
                    tx.publish(&event(key, note));
                }
                Ok::<_, ChassisError>(event("reply", "stored"))
            });
        note_of(&done.await.unwrap())
    };
    crate::harness::publish(&harness.db, "b", "0").await;
    assert_eq!([publish().await, publish().await], ["stored", "stored"]);
    let sql = "SELECT key || key_seq AS note FROM outbox WHERE $1 = $1 ORDER BY seq";
    assert_eq!(
        crate::harness::notes(&harness.db, sql, "").await,
        ["b1", "b2", "a1", "b3"]
    );
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
