//! Two replicas and one Redis. The budgets last a day, so that nothing drains during a test.

use carshare_testkit::redis_url;
use uuid::Uuid;

use super::super::lease::VALIDITY;
use super::super::{BudgetKey, Owner};
use super::*;

const DAY: Duration = Duration::from_hours(24);

async fn replicas() -> [Shared; 2] {
    let redis = Redis::at(redis_url().await);
    [Shared::new(&redis).unwrap(), Shared::new(&redis).unwrap()]
}

fn budget(test: &'static str, limit: u32) -> Budget {
    Budget::new(test.into(), Owner::User(Uuid::from_u128(7)), limit, DAY, true)
}

/// Returns whether the call was admitted.
async fn is_admitted(replica: &Shared, budgets: &[Budget]) -> bool {
    let backlogs = replica.take(budgets).await.unwrap();
    assert_eq!(backlogs.len(), budgets.len());
    let refused = |(budget, backlog): (&Budget, Duration)| budget.decide(backlog).retry_after;
    budgets.iter().zip(backlogs).all(|call| refused(call).is_none())
}

/// Takes a call and returns the number of calls that it finds charged.
async fn charged(replica: &Shared, budget: &[Budget; 1]) -> u32 {
    let backlog = replica.take(budget).await.unwrap()[0];
    (backlog.as_secs_f64() / budget[0].interval().as_secs_f64()).round() as u32
}

#[tokio::test]
async fn replicas_admit_together_at_most_the_limit_and_little_less() {
    let (replicas, budget) = (replicas().await, [budget("two_replicas", 200)]);
    let mut admitted = 0;
    for call in 0..400 {
        admitted += u32::from(is_admitted(&replicas[call % 2], &budget).await);
    }
    // The budget gains less than one call in the validity of a lease.
    let [Budget { limit, batch, .. }] = budget;
    assert!(
        (limit - 2 * (batch - 1) - 1..=limit).contains(&admitted),
        "{admitted}"
    );
}

#[tokio::test]
async fn small_budget_is_exact_over_replicas() {
    let (replicas, budget) = (replicas().await, [budget("small", 20)]);
    let mut admitted = 0;
    for call in 0..40 {
        admitted += u32::from(is_admitted(&replicas[call % 2], &budget).await);
    }
    assert_eq!(admitted, 20);
}

#[tokio::test]
async fn lapsed_lease_is_given_back_to_the_budget() {
    let ([replica, other], budget) = (replicas().await, [budget("lapsed", 1_000)]);
    assert_eq!(charged(&replica, &budget).await, 0);
    // Another replica finds the whole lease charged.
    assert_eq!(charged(&other, &budget).await, 32);
    tokio::time::pause();
    tokio::time::advance(VALIDITY).await;
    tokio::time::resume();
    // The first call of this replica and the lease of the other remain.
    assert_eq!(charged(&replica, &budget).await, 33);
}

#[tokio::test]
async fn call_that_one_budget_refuses_takes_nothing_of_the_other() {
    let [replica, other] = replicas().await;
    let (small, large) = (budget("refusing", 1), budget("untouched", 1_000));
    assert!(is_admitted(&replica, std::slice::from_ref(&small)).await);
    for _ in 0..3 {
        assert!(!is_admitted(&replica, &[small.clone(), large.clone()]).await);
    }
    assert_eq!(other.take(&[large]).await.unwrap(), [Duration::ZERO]);
}

#[tokio::test]
async fn concurrent_calls_lease_one_batch() {
    let ([replica, other], budget) = (replicas().await, [budget("concurrent", 1_000)]);
    let calls = (0..8).map(|_| is_admitted(&replica, &budget));
    assert!(
        futures::future::join_all(calls)
            .await
            .into_iter()
            .all(|admitted| admitted)
    );
    assert_eq!(charged(&other, &budget).await, 39);
}

#[test]
fn keys_name_budget_and_owner() {
    let by_address = BudgetKey {
        name: "address".into(),
        owner: Owner::Address("192.0.2.1".parse().unwrap()),
    };
    assert_eq!(by_address.to_string(), "limit:address:192.0.2.1");
}
