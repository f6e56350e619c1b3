//! The budgets of a call.

use std::collections::BTreeMap;

use carshare_chassis::Environment;
use carshare_chassis::identity::{Role, UserCaller};

use super::*;
use crate::method_table::MethodTable;

const LOGIN: &str = "/carshare.auth.v1.AuthService/Login";
const REGISTER: &str = "/carshare.auth.v1.AuthService/Register";
const CHANGE_PASSWORD: &str = "/carshare.auth.v1.AuthService/ChangePassword";
const WEBHOOK: &str = "/carshare.payment.v1.PaymentService/HandleWebhook";
const LIST: &str = "/carshare.booking.v1.BookingService/ListBookings";

/// Only the classes of the contract are limited.
fn unlimited() -> Limits {
    Limits {
        per_minute_by_address: 0,
        per_hour_by_user: 0,
        connections_by_address: 0,
        in_flight_by_address: 0,
        in_flight_by_class: 0,
        streams_by_caller: 0,
        per_day_by_class: BTreeMap::new(),
        class_factor: 1,
        trusted_proxies: Vec::new(),
        allowed_networks: BTreeMap::new(),
    }
}

fn limiter(limits: Limits) -> (RateLimiter, carshare_chassis::ManualClock) {
    let (environment, clock) = Environment::manual("2026-11-22T12:00:00Z".parse().unwrap(), 1);
    (
        RateLimiter {
            limits,
            shared: None,
            fallback: InMemory::new(environment.clock),
        },
        clock,
    )
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn user() -> Caller {
    let id = "5b0e0000-0000-7000-8000-000000000001".parse().unwrap();
    let expires_at = "2026-11-22T12:15:00Z".parse().unwrap();
    Caller::User(UserCaller {
        id,
        role: Role::Guest,
        email_verified: false,
        token_id: id,
        session_id: id,
        expires_at,
    })
}

#[tokio::test]
async fn class_has_its_own_budget_for_each_address() {
    let limits = Limits {
        per_minute_by_address: 100,
        per_hour_by_user: 1000,
        ..unlimited()
    };
    let (limiter, clock) = limiter(limits);
    let rpcs = MethodTable::read().unwrap();
    let login = rpcs.find(LOGIN).map(AsRef::as_ref);
    for remaining in (0..20).rev() {
        let (status, taken) = limiter.take(login, address(1), &Caller::Anonymous).await;
        let status = status.unwrap();
        assert_eq!(
            (status.budget.key.name.as_ref(), status.decision.remaining),
            ("credentials", remaining)
        );
        assert!(taken.is_ok());
    }
    let (status, result) = limiter.take(login, address(1), &Caller::Anonymous).await;
    let refused = result.unwrap_err();
    assert!(refused.is(Common::RateLimited));
    assert_eq!(refused.retry_delay(), Some(Duration::from_secs(3)));
    let mut headers = HeaderMap::new();
    status.unwrap().write(&mut headers);
    assert_eq!(headers["ratelimit-policy"], r#""credentials";q=20;w=60"#);
    assert_eq!(headers["ratelimit"], r#""credentials";r=0;t=60"#);
    assert!(
        limiter
            .take(login, address(2), &Caller::Anonymous)
            .await
            .1
            .is_ok()
    );
    clock.advance(Duration::from_secs(3));
    assert!(
        limiter
            .take(login, address(1), &Caller::Anonymous)
            .await
            .1
            .is_ok()
    );
}

#[tokio::test]
async fn user_has_one_budget_for_all_addresses() {
    let limits = Limits {
        per_minute_by_address: 100,
        per_hour_by_user: 2,
        ..unlimited()
    };
    let (limiter, _clock) = limiter(limits);
    let rpcs = MethodTable::read().unwrap();
    let list = rpcs.find(LIST).map(AsRef::as_ref);
    assert!(limiter.take(list, address(1), &user()).await.1.is_ok());
    assert!(limiter.take(list, address(2), &user()).await.1.is_ok());
    let (status, result) = limiter.take(list, address(3), &user()).await;
    assert_eq!(status.unwrap().budget.key.name, "user");
    assert_eq!(result.unwrap_err().retry_delay(), Some(Duration::from_mins(30)));
    // The refused call took nothing from the address.
    let (status, _) = limiter.take(list, address(3), &Caller::Anonymous).await;
    assert_eq!(status.unwrap().decision.remaining, 99);
}

#[tokio::test]
async fn signed_in_user_is_not_counted_by_a_shared_address() {
    let limits = Limits {
        per_minute_by_address: 1,
        per_hour_by_user: 1000,
        ..unlimited()
    };
    let (limiter, _clock) = limiter(limits);
    assert!(limiter.take(None, address(1), &Caller::Anonymous).await.1.is_ok());
    assert!(
        limiter
            .take(None, address(1), &Caller::Anonymous)
            .await
            .1
            .is_err()
    );
    for _ in 0..10 {
        let (status, taken) = limiter.take(None, address(1), &user()).await;
        assert!(taken.is_ok());
        assert_eq!(status.unwrap().budget.key.name, "user");
    }
}

#[tokio::test]
async fn sensitive_call_of_a_user_is_counted_by_address_too() {
    let (limiter, _clock) = limiter(Limits {
        per_minute_by_address: 10,
        ..unlimited()
    });
    let rpcs = MethodTable::read().unwrap();
    let change = rpcs.find(CHANGE_PASSWORD).map(AsRef::as_ref);
    for _ in 0..10 {
        assert!(limiter.take(change, address(1), &user()).await.1.is_ok());
    }
    let (_, anonymous) = limiter.take(None, address(1), &Caller::Anonymous).await;
    assert!(anonymous.is_err());
}

#[tokio::test]
async fn class_of_a_public_call_is_counted_by_address_whoever_calls() {
    let (limiter, _clock) = limiter(unlimited());
    let rpcs = MethodTable::read().unwrap();
    let login = rpcs.find(LOGIN).map(AsRef::as_ref);
    for number in 0..20 {
        let caller = if number % 2 == 0 {
            user()
        } else {
            Caller::Anonymous
        };
        assert!(limiter.take(login, address(1), &caller).await.1.is_ok());
    }
    for caller in [user(), Caller::Anonymous] {
        let (status, taken) = limiter.take(login, address(1), &caller).await;
        assert!(taken.is_err());
        assert_eq!(status.unwrap().budget.key.owner, Owner::Address(address(1)));
    }
    assert!(limiter.take(login, address(2), &user()).await.1.is_ok());
}

#[tokio::test]
async fn address_has_a_budget_of_registrations_for_a_day_besides_that_for_a_minute() {
    let (limiter, clock) = limiter(Limits {
        per_day_by_class: [("registration".to_owned(), 12)].into(),
        ..unlimited()
    });
    let rpcs = MethodTable::read().unwrap();
    let register = rpcs.find(REGISTER).map(AsRef::as_ref);
    let refused = async |address| {
        let (status, result) = limiter.take(register, address, &Caller::Anonymous).await;
        let name = status.unwrap().budget.key.name.into_owned();
        result.err().map(|error| (name, error.retry_delay().unwrap()))
    };
    for _ in 0..2 {
        for _ in 0..5 {
            assert_eq!(refused(address(1)).await, None);
        }
        let next = ("registration".to_owned(), Duration::from_secs(12));
        assert_eq!(refused(address(1)).await, Some(next));
        clock.advance(MINUTE);
    }
    for _ in 0..2 {
        assert_eq!(refused(address(1)).await, None);
    }
    // Two hours for each; two minutes have passed.
    let next = ("registration_by_day".to_owned(), Duration::from_mins(118));
    assert_eq!(refused(address(1)).await, Some(next));
    assert_eq!(refused(address(2)).await, None);
    // Signing in has a class of its own.
    let login = rpcs.find(LOGIN).map(AsRef::as_ref);
    assert!(
        limiter
            .take(login, address(1), &Caller::Anonymous)
            .await
            .1
            .is_ok()
    );
    clock.advance(Duration::from_mins(118));
    assert_eq!(refused(address(1)).await, None);
    assert!(refused(address(1)).await.is_some());
}

#[tokio::test]
async fn zero_is_no_limit() {
    let (limiter, _clock) = limiter(Limits {
        class_factor: 0,
        ..unlimited()
    });
    let rpcs = MethodTable::read().unwrap();
    let (status, taken) = limiter
        .take(rpcs.find(LOGIN).map(AsRef::as_ref), address(1), &user())
        .await;
    assert!(status.is_none() && taken.is_ok());
}

#[tokio::test]
async fn class_with_a_higher_limit_replaces_the_budget_of_the_address() {
    let limits = Limits {
        per_minute_by_address: 1,
        ..unlimited()
    };
    let (limiter, _clock) = limiter(limits);
    let rpcs = MethodTable::read().unwrap();
    let webhook = rpcs.find(WEBHOOK).map(AsRef::as_ref);
    for _ in 0..600 {
        assert!(
            limiter
                .take(webhook, address(1), &Caller::Anonymous)
                .await
                .1
                .is_ok()
        );
    }
    assert!(
        limiter
            .take(webhook, address(1), &Caller::Anonymous)
            .await
            .1
            .is_err()
    );
    assert!(limiter.take(None, address(1), &Caller::Anonymous).await.1.is_ok());
}
