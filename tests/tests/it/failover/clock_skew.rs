//! A replica whose clock is hours ahead.

use carshare_testkit::{eventually, eventually_true};
use chrono::{DateTime, Utc};

use super::fleet;
use crate::harness::{Deployment as _, Guest, TIMEOUT, libfaketime, next_slot};

#[tokio::test(flavor = "multi_thread")]
async fn skewed_replica_is_unready_and_timers_keep_the_databases_time() {
    let pay_within = [
        ("BOOKING__BOOKING__PAY_WITHIN_MS", "8000"),
        ("BOOKING__BOOKING__TIMER_PERIOD_MS", "200"),
    ];
    let (_servers, mut setup) = fleet(&pay_within).await;
    let library = libfaketime();
    let mut skewed = Vec::new();
    for service in ["vehicle", "booking", "payment", "notification"] {
        let replica = setup.mesh.replicas_of(service)[0];
        setup.mesh.kill(replica).expect("it runs");
        let env = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME", "+3h"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        setup.mesh.spawn_with(replica, &[], &env).expect("it starts");
        skewed.push(replica);
    }
    for replica in &skewed {
        let ready = format!("{}/readyz", setup.mesh.admin(*replica).expect("a URL"));
        eventually_true(TIMEOUT, || async {
            let response = reqwest::get(&ready).await;
            response.is_ok_and(|response| response.status() == 503)
        })
        .await;
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
    for replica in skewed {
        setup.mesh.spawn(replica).expect("it starts");
    }
    setup.assert_consistent().await;
}
