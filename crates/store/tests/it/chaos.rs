//! Random faults of Redis and of replicas, from a seed: every event takes effect once and in order.

use std::collections::BTreeMap;

use carshare_chassis::Random;
use carshare_chassis::config::Redis;
use carshare_store::Relay;
use carshare_testkit::{PrivateRedis, ServerOptions, eventually_true};

use crate::harness::{EventLogServer, Harness, Running, TIMEOUT, log_consumer, publish};

const KEYS: usize = 4;
const STEPS: u32 = 160;

/// One process of the service: it relays and consumes.
struct Process(Vec<Running>);

impl Process {
    fn start(harness: &Harness, log: &EventLogServer, seed: u64) -> Self {
        let db = harness.replica(seed);
        let relay = Relay::new(&db, &harness.redis, "auth");
        Self(vec![
            Running::start(|shutdown| relay.run(shutdown)),
            log_consumer(&db, &harness.redis, log),
        ])
    }

    async fn end(self, in_order: bool) {
        for running in self.0 {
            if in_order {
                running.stop().await;
            } else {
                running.crash();
            }
        }
    }
}

async fn run(seed: u64) {
    println!("seed {seed}");
    let server = PrivateRedis::start(ServerOptions::temporary()).await.unwrap();
    let harness = Harness {
        redis: Redis::at(server.url()),
        ..Harness::new().await
    };
    let random = Random::seeded(seed);
    let log = harness.event_log().await;
    let mut processes = vec![
        Process::start(&harness, &log, 100),
        Process::start(&harness, &log, 101),
    ];
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for step in 0..STEPS {
        match random.unit() {
            draw if draw < 0.04 => redis::cmd("FLUSHALL")
                .query_async(&mut harness.redis().await)
                .await
                .unwrap(),
            draw if draw < 0.06 => {
                server.kill().await.unwrap();
                server.restart().await.unwrap();
            }
            draw if draw < 0.16 => {
                let other = Process::start(&harness, &log, 200 + u64::from(step));
                let victim = std::mem::replace(&mut processes[step as usize % 2], other);
                victim.end(random.unit() < 0.3).await;
            }
            draw => {
                let key = format!("key-{}", (draw * 1000.0) as usize % KEYS);
                publish(&harness.db, &key, &step.to_string()).await;
                expected.entry(key).or_default().push(step.to_string());
            }
        }
    }
    for (key, notes) in &expected {
        eventually_true(TIMEOUT, || async {
            harness.notes_of(key).await.len() >= notes.len()
        })
        .await;
        assert_eq!(&harness.notes_of(key).await, notes, "{key} with seed {seed}");
    }
    for process in processes {
        process.end(true).await;
    }
    log.stop().await;
}

#[tokio::test]
async fn delivers_every_event_once_and_in_order_seed_1() {
    run(1).await;
}

#[tokio::test]
async fn delivers_every_event_once_and_in_order_seed_2() {
    run(2).await;
}

#[tokio::test]
async fn delivers_every_event_once_and_in_order_seed_3() {
    run(3).await;
}
