//! Redis loses everything under load: no request fails, no event is lost, and a sign-out is effective again within seconds.

use std::path::Path;

use carshare_mesh::Fleet;
use carshare_testkit::eventually_true;
use serde_json::json;
use tokio::time::Instant;

use super::{Drill, RUN_LIMIT, guests};
use crate::harness::{Guest, Rest, TIMEOUT};
use crate::load::{self, Journal, Run};

/// Bookings accepted before a loss and after it.
const BOOKINGS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// FLUSHALL
    Emptied,
    /// The server is killed, its data deleted, and another one started.
    Replaced,
}

impl Loss {
    async fn inject(self, fleet: &Fleet, folder: &Path) {
        let redis = fleet.dependencies().redis().expect("its own Redis");
        if self == Self::Replaced {
            redis.kill().await.expect("a kill");
            std::fs::remove_dir_all(folder.join("redis/appendonlydir")).expect("data to lose");
            redis.restart().await.expect("a start");
            return;
        }
        let client = redis::Client::open(redis.url()).expect("a URL");
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection");
        redis::cmd("FLUSHALL")
            .exec_async(&mut connection)
            .await
            .expect("an empty Redis");
    }
}

async fn is_refused(rest: &Rest) -> bool {
    rest.get("/v1/auth/me").await.status == 401
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_redis_loses_no_event_and_gets_its_revocations_back() {
    let drill = Drill::start().await;
    let (setup, folder) = (&drill.setup, drill.folder.path());
    let (journal, run) = (Journal::default(), Run::until(Instant::now() + RUN_LIMIT));
    let signed_out = Guest::register(&setup.mesh).await.rest;
    signed_out.post("/v1/auth/logout", &json!({})).await;
    eventually_true(TIMEOUT, || is_refused(&signed_out)).await;
    let accepted = async |more: usize| {
        let target = journal.accepted_bookings() + more;
        eventually_true(RUN_LIMIT, async || journal.accepted_bookings() >= target).await;
    };

    let losing = async {
        for loss in [Loss::Emptied, Loss::Replaced] {
            accepted(BOOKINGS).await;
            let begun = Instant::now();
            loss.inject(&setup.mesh, folder).await;
            let lost = begun.elapsed();
            eventually_true(TIMEOUT, || is_refused(&signed_out)).await;
            println!(
                "{loss:?} in {lost:?}; a signed-out token is refused again after {:?}",
                begun.elapsed()
            );
            accepted(BOOKINGS).await;
        }
        run.stop();
    };
    tokio::join!(guests(&drill.workload, 1, &journal, &run), losing);
    let found = load::settle(&setup.mesh, &journal).await;
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(journal.unexpected_responses(), Vec::<String>::new());
    println!("{:?}", journal.requests());
    journal.print();
}
