//! A replica with a clock that is hours ahead.

use carshare_testkit::{eventually, eventually_true};
use chrono::{DateTime, Utc};

use super::fleet;
use crate::harness::{Deployment as _, FakeClock, Guest, TIMEOUT, next_slot};

#[tokio::test(flavor = "multi_thread")]
async fn skewed_replica_is_unready_and_timers_keep_the_databases_time() {
    let pay_within = [
        ("BOOKING__BOOKING__PAY_WITHIN_MS", "8000"),
        ("BOOKING__BOOKING__TIMER_PERIOD_MS", "200"),
    ];
    let (_servers, mut setup) = fleet(&pay_within).await;
    let clock = FakeClock::new("+0s");
    let mut skewed = Vec::new();
    for service in ["vehicle", "booking", "payment", "notification"] {
        let replica = setup.mesh.replicas_of(service)[0];
        setup.mesh.kill(replica).expect("it runs");
        clock.spawn(&mut setup.mesh, replica);
        skewed.push(replica);
    }
    for (offset, status) in [("+0s", 200), ("+3h", 503)] {
        clock.set(offset);
        for replica in &skewed {
            let ready = format!("{}/readyz", setup.mesh.admin(*replica).expect("a URL"));
            eventually_true(TIMEOUT, || async {
                let response = reqwest::get(&ready).await;
                response.is_ok_and(|response| response.status() == status)
            })
            .await;
        }
    }

    let guest = Guest::register(&setup.mesh).await;
    for is_skewed in [true, false] {
        let id = guest.request(&setup.car, next_slot(setup.mesh.now())).await;
        let approved = setup.host.approve(&id).await.ok(200);
        let due = approved["payment_due_at"].as_str().expect("a time");
        let due: DateTime<Utc> = due.parse().expect("RFC 3339");
        if !is_skewed {
            for replica in &skewed {
                setup.mesh.kill(*replica).expect("it runs");
            }
        }
        let cancelled_at = eventually(TIMEOUT, || async {
            let is_cancelled = guest.booking(&id).await["status"] == "cancelled";
            is_cancelled.then(|| setup.mesh.now())
        })
        .await;
        assert!(cancelled_at >= due, "cancelled before {due}");
    }
    for replica in &skewed {
        // A process does not even start with such a clock.
        clock.spawn(&mut setup.mesh, *replica);
        let process = setup.mesh.process(*replica).expect("it was started");
        let ended = process.wait(TIMEOUT).await.expect("it ends by itself");
        assert_eq!(ended.code(), Some(1));
        let cause = "s ahead of PostgreSQL's: correct it first";
        assert!(process.logs().contain(cause), "{}", process.logs().tail());
    }
    for replica in skewed {
        setup.mesh.spawn(replica).expect("it starts");
    }
    setup.assert_consistent().await;
}
