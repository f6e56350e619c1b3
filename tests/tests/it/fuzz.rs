//! A randomized run: requests of every RPC, generated from the contract, with unusual values and malformed encodings, over REST,
//! gRPC, gRPC-web and Connect. No reply is an internal error or exposes internals, and nothing panics.
//!
//! `make fuzz MINUTES=30 SEED=7` runs it for longer; `CASE=42` repeats one case of a seed.

mod mutation;
mod panics;
mod reply;
mod request;
mod sender;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use carshare_chassis::Random;
use carshare_proto::contract;
use futures::future::join_all;
use prost_reflect::MethodDescriptor;
use tokio::time::Instant;

use crate::authorization::callers::Callers;
use crate::authorization::mesh;
use crate::harness::{Dice, Rest, parameter};
use reply::Reply;
use request::Request;
use sender::Sender;

/// Duration of the run in `make test`, and the most cases of it.
const SHORT_RUN: Duration = Duration::from_mins(1);
const SHORT_RUN_CASES: u64 = 20_000;

/// Cases at the same time.
const WORKERS: u64 = 4;

struct Run {
    seed: u64,
    end: Instant,
    cases: u64,
    next: AtomicU64,
}

impl Run {
    /// Returns the number of the next case, until the end of the run.
    fn next(&self) -> Option<u64> {
        let case = self.next.fetch_add(1, Ordering::Relaxed);
        (case < self.cases && Instant::now() < self.end).then_some(case)
    }

    fn request(&self, case: u64, methods: &[MethodDescriptor], callers: &Callers) -> Request {
        let dice = Dice(Random::seeded(
            self.seed.wrapping_mul(1_000_003).wrapping_add(case),
        ));
        Request::generate(&dice, methods, callers)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_answers_malformed_requests_with_clean_errors() {
    let seed = parameter("FUZZ_SEED").unwrap_or_else(|| (Random::system().unit() * 1e9) as u64);
    let minutes = parameter("FUZZ_MINUTES");
    let only = parameter("FUZZ_CASE");
    let run = Run {
        seed,
        end: Instant::now() + minutes.map_or(SHORT_RUN, Duration::from_mins),
        cases: only.map_or(minutes.map_or(SHORT_RUN_CASES, |_| u64::MAX), |case| case + 1),
        next: AtomicU64::new(only.unwrap_or_default()),
    };
    println!("seed {seed}");
    let mesh = mesh().await;
    let callers = Callers::prepare(&mesh).await;
    let methods: Vec<_> = contract::methods().collect();
    let sender = Sender::connect(&mesh).await;

    let workers = (0..WORKERS).map(async |_| {
        let mut found = Vec::new();
        while let Some(case) = run.next() {
            let request = run.request(case, &methods, &callers);
            let reply = sender.send(&request).await;
            if let Some(fault) = reply.fault() {
                let request = request.without_token();
                found.push((
                    fault.clone(),
                    format!("case {case}: {fault}\n{request:?}\n{reply:?}"),
                ));
            }
        }
        found
    });
    let found: Vec<(String, String)> = join_all(workers).await.into_iter().flatten().collect();

    let cases = run.next.load(Ordering::Relaxed);
    println!("{cases} cases");
    // The first case of each kind.
    let kinds: BTreeMap<_, _> = found.iter().rev().cloned().collect();
    let shown: Vec<_> = kinds.into_values().collect();
    assert!(
        found.is_empty(),
        "seed {seed}, {} of {cases}: {}",
        found.len(),
        shown.join("\n\n")
    );
    Rest::of(&mesh).get("/readyz").await.ok(200);
    let admin = mesh.admin().expect("it has an admin port");
    let metrics = Rest::at(&format!("http://{admin}")).get("/metrics").await.ok(200);
    let panics = panics::counted(metrics.as_str().expect("text"));
    assert!(panics.is_empty(), "seed {seed}: {panics:?}");
}

#[test]
fn faults_of_replies_are_found() {
    let rest = |status: u16, content_type: &str, body: &str| Reply::Rest {
        status,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    };
    let grpc = |status: i32, message: &str| Reply::Grpc {
        http: 200,
        status: Some(status),
        message: message.to_owned(),
    };
    let problem = "application/problem+json";
    let clean = [
        rest(200, "application/json", "{}"),
        rest(400, problem, r#"{"code":"COMMON001","status":400}"#),
        rest(503, problem, r#"{"code":"COMMON005","status":503}"#),
        grpc(3, "invalid"),
        Reply::Connect {
            status: 400,
            body: r#"{"code":"invalid_argument"}"#.to_owned(),
        },
    ];
    for reply in clean {
        assert_eq!(reply.fault(), None, "{reply:?}");
    }
    let faulty = [
        rest(500, problem, r#"{"code":"COMMON010","status":500}"#),
        rest(400, "text/plain", "no"),
        rest(400, problem, r#"{"status":400}"#),
        rest(404, problem, r#"{"code":"C","detail":"sqlx: no rows"}"#),
        grpc(13, "internal"),
        grpc(2, "h2"),
        grpc(3, "error at src/lib.rs:7"),
        Reply::Grpc {
            http: 200,
            status: None,
            message: String::new(),
        },
        Reply::Connect {
            status: 500,
            body: r#"{"code":"internal"}"#.to_owned(),
        },
    ];
    for reply in faulty {
        assert!(reply.fault().is_some(), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_seed_are_the_same() {
    let mesh = mesh().await;
    let callers = Callers::prepare(&mesh).await;
    let methods: Vec<_> = contract::methods().collect();
    let run = |seed| Run {
        seed,
        end: Instant::now(),
        cases: 0,
        next: AtomicU64::new(0),
    };
    let of = |seed, case| run(seed).request(case, &methods, &callers).without_token();
    for case in 0..50 {
        assert_eq!(of(7, case), of(7, case));
    }
    assert!((0..50).any(|case| of(7, case) != of(8, case)));
}
