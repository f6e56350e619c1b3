//! Leases without Redis, on a paused clock.

use tokio::time::advance;
use uuid::Uuid;

use super::super::Owner;
use super::*;

const ALONE: Question = Question {
    wanted: 1,
    unspent: 0,
    charged_until_us: 0,
};

/// A budget of one call a second.
fn budget(limit: u32) -> Budget {
    let owner = Owner::User(Uuid::from_u128(7));
    Budget::new(
        "user".into(),
        owner,
        limit,
        Duration::from_secs(limit.into()),
        true,
    )
}

fn question(leases: &Leases, budget: &Budget) -> Question {
    match leases.reserve(std::slice::from_ref(budget))[..] {
        [Source::Redis(question)] => question,
        ref other => panic!("{other:?}"),
    }
}

fn grant(calls: u32) -> Grant {
    Grant {
        backlog: Duration::from_secs(40),
        calls,
        charged_until_us: 9_000_000,
    }
}

#[test]
fn batches_are_small_and_small_budgets_are_exact() {
    let batches = [1, 20, 60, 99, 100, 600, 1_000, u32::MAX].map(batch);
    assert_eq!(batches, [1, 1, 1, 1, 5, 30, 32, 32]);
}

#[tokio::test(start_paused = true)]
async fn leased_calls_are_spent_with_a_growing_backlog_that_drains() {
    let (leases, budget) = (Leases::default(), budget(1_000));
    let asked = question(&leases, &budget);
    assert_eq!(asked, Question { wanted: 32, ..ALONE });
    leases.keep(&budget, asked, grant(4), Instant::now());
    let spend = || leases.reserve(std::slice::from_ref(&budget))[0];
    let backlog = |millis| Source::Lease {
        backlog: Duration::from_millis(millis),
        charged_until_us: 9_000_000,
    };
    assert_eq!(spend(), backlog(41_000));
    advance(Duration::from_millis(500)).await;
    assert_eq!((spend(), spend()), (backlog(41_500), backlog(42_500)));
    // All four are spent, and the lease has nothing to give back.
    let next = Question {
        wanted: 32,
        unspent: 0,
        charged_until_us: 9_000_000,
    };
    assert_eq!(spend(), Source::Redis(next));
}

#[tokio::test(start_paused = true)]
async fn lapsed_lease_is_given_back_once() {
    let (leases, budget) = (Leases::default(), budget(1_000));
    let asked = question(&leases, &budget);
    leases.keep(&budget, asked, grant(4), Instant::now());
    advance(VALIDITY).await;
    let next = Question {
        wanted: 32,
        unspent: 3,
        charged_until_us: 9_000_000,
    };
    assert_eq!(question(&leases, &budget), next);
    assert_eq!(question(&leases, &budget), ALONE);
}

#[tokio::test(start_paused = true)]
async fn one_question_for_a_batch_is_under_way() {
    let (leases, budget) = (Leases::default(), budget(1_000));
    assert_eq!(question(&leases, &budget).wanted, 32);
    assert_eq!(
        (question(&leases, &budget), question(&leases, &budget)),
        (ALONE, ALONE)
    );
    // The call that asked was cut off.
    advance(VALIDITY).await;
    assert_eq!(question(&leases, &budget).wanted, 32);
    // The call that asked was refused.
    let asked = Question { wanted: 32, ..ALONE };
    leases.give_back(std::slice::from_ref(&budget), &[Source::Redis(asked)]);
    assert_eq!(question(&leases, &budget).wanted, 32);
}

#[tokio::test(start_paused = true)]
async fn refused_call_gives_its_leased_call_back() {
    let (leases, budget) = (Leases::default(), budget(1_000));
    let asked = question(&leases, &budget);
    leases.keep(&budget, asked, grant(2), Instant::now());
    let spent = leases.reserve(std::slice::from_ref(&budget));
    leases.give_back(std::slice::from_ref(&budget), &spent);
    assert_eq!(leases.reserve(std::slice::from_ref(&budget)), spent);
}

#[tokio::test(start_paused = true)]
async fn call_of_a_replaced_lease_is_not_given_to_the_next_one() {
    let (leases, budget) = (Leases::default(), budget(1_000));
    let asked = question(&leases, &budget);
    leases.keep(&budget, asked, grant(2), Instant::now());
    let spent = leases.reserve(std::slice::from_ref(&budget));
    let asked = question(&leases, &budget);
    let next = Grant {
        charged_until_us: 9_500_000,
        ..grant(1)
    };
    leases.keep(&budget, asked, next, Instant::now());
    leases.give_back(std::slice::from_ref(&budget), &spent);
    assert_eq!(question(&leases, &budget).unspent, 0);
}

#[tokio::test(start_paused = true)]
async fn lapsed_leases_are_removed() {
    let leases = Leases::default();
    let of = |id: usize| Budget {
        key: BudgetKey {
            name: "user".into(),
            owner: Owner::User(Uuid::from_u128(id as u128)),
        },
        ..budget(1_000)
    };
    for id in 0..=PURGE_THRESHOLD {
        question(&leases, &of(id));
    }
    advance(VALIDITY).await;
    question(&leases, &of(0));
    assert_eq!(leases.state().leases.len(), 1);
}
