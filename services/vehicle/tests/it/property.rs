//! Property test: a search returns a car if and only if it can be held.
//!
//! Calendars (opening hours, bookings, live and expired holds, inactive cars) and periods are random; `PlaceHold` must accept
//! exactly the cars of the search.

use std::collections::BTreeSet;
use std::time::Duration;

use carshare_proto::vehicle::v1::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use crate::harness::calls::{hold_of, near_gangnam, open_on};
use crate::harness::{Harness, Person};

const CARS: usize = 4;

/// Quarter hours from Monday 00:00 in Seoul.
type Quarters = (i64, i64);

#[derive(Clone, Debug)]
struct Rule {
    /// Weekday, or a day of November.
    day: Result<i32, u32>,
    start: i64,
    end: i64,
    is_blocked: bool,
}

#[derive(Clone, Debug)]
struct Calendar {
    is_offered: bool,
    rules: Vec<Rule>,
    /// Occupied periods, by a booking (0), a hold (1) or an expired hold (2).
    taken: Vec<(Quarters, u8)>,
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let day = prop_oneof![(0i32..7).prop_map(Ok), (22u32..27).prop_map(Err)];
    (day, 0i64..96, 0i64..=96, prop::bool::weighted(0.3)).prop_map(|(day, start, end, is_blocked)| Rule {
        day,
        start,
        end,
        is_blocked,
    })
}

fn any_quarters() -> impl Strategy<Value = Quarters> {
    (0i64..96 * 4, 1i64..96).prop_map(|(start, length)| (start, start + length))
}

/// A period that a booking may have: after 09:00, when the clock starts, and an hour or longer.
fn any_period() -> impl Strategy<Value = Quarters> {
    (37i64..96 * 4, 4i64..96).prop_map(|(start, length)| (start, start + length))
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    let taken = prop::collection::vec((any_quarters(), 0u8..3), 0..4);
    (
        prop::bool::weighted(0.9),
        prop::collection::vec(any_rule(), 0..4),
        taken,
    )
        .prop_map(|(is_offered, rules, taken)| Calendar {
            is_offered,
            rules,
            taken,
        })
}

fn clock(quarters: i64) -> String {
    format!("{:02}:{:02}", quarters / 4, quarters % 4 * 15)
}

fn timestamp_at(quarters: i64) -> prost_types::Timestamp {
    let monday = crate::harness::at("23T00:00").timestamp();
    prost_types::Timestamp {
        seconds: monday + quarters * 900,
        nanos: 0,
    }
}

fn rule_of(car: &Vehicle, rule: &Rule) -> AddAvailabilityRequest {
    AddAvailabilityRequest {
        day_of_week: rule.day.ok(),
        is_recurring: rule.day.is_ok(),
        specific_date: rule.day.err().map(|day| format!("2026-11-{day}")),
        is_blocked: rule.is_blocked,
        ..open_on(car, 0, &clock(rule.start), &clock(rule.end))
    }
}

impl Harness {
    /// Writes a calendar into the tables. Overlapping occupancies are skipped.
    async fn fill(&self, host: Person, car: &Vehicle, calendar: &Calendar) {
        for rule in &calendar.rules {
            self.add_rule(host, rule_of(car, rule)).await.unwrap();
        }
        for ((start, end), kind) in &calendar.taken {
            let (kind, expires_at) = match kind {
                0 => ("booking", "NULL"),
                1 => ("hold", "'2026-11-23T09:00:01+09:00'"),
                _ => ("hold", "'2026-11-23T09:00:00+09:00'"),
            };
            let (start, end) = (timestamp_at(*start).seconds, timestamp_at(*end).seconds);
            self.execute(&format!(
                "INSERT INTO occupancies VALUES ('{}', '{}', tstzrange(to_timestamp({start}), to_timestamp({end})), \
                 '{kind}', {expires_at}, now()) ON CONFLICT DO NOTHING",
                self.environment.ids.next(),
                car.id
            ))
            .await;
        }
        if !calendar.is_offered {
            self.set_status(host, car, VehicleStatus::Inactive).await.unwrap();
        }
    }

    /// Returns the ids of the cars that can be held. Each hold is released.
    async fn holdable(&self, cars: &[Vehicle], (start, end): Quarters) -> BTreeSet<String> {
        let mut held = BTreeSet::new();
        for car in cars {
            let id: Uuid = self.environment.ids.next();
            let hold = PlaceHoldRequest {
                start_datetime: Some(timestamp_at(start)),
                end_datetime: Some(timestamp_at(end)),
                ..hold_of(id, car, ("23T00:00", "23T00:00"))
            };
            if self.place(hold).await.is_ok() {
                held.insert(car.id.clone());
                self.release(id).await.unwrap();
            }
        }
        held
    }

    async fn searched(
        &self,
        order: SearchOrder,
        max_hourly_rate: Option<i64>,
        (start, end): Quarters,
    ) -> BTreeSet<String> {
        let search = SearchVehiclesRequest {
            start_datetime: Some(timestamp_at(start)),
            end_datetime: Some(timestamp_at(end)),
            page_size: 200,
            order_by: order.into(),
            max_hourly_rate,
            ..near_gangnam(("23T00:00", "23T00:00"))
        };
        self.search_ids(search).await.into_iter().collect()
    }
}

/// Compares search and holds with new calendars of the same cars.
async fn compare(
    harness: &Harness,
    host: Person,
    cars: &[Vehicle],
    calendars: &[Calendar],
    periods: &[Quarters],
) -> Result<(), TestCaseError> {
    harness
        .execute("TRUNCATE occupancies, availabilities; UPDATE vehicles SET status = 'active'")
        .await;
    for (car, calendar) in cars.iter().zip(calendars) {
        harness.fill(host, car, calendar).await;
    }
    for quarters in periods {
        let holdable = harness.holdable(cars, *quarters).await;
        // A filter that every car passes selects another statement.
        for (order, max_hourly_rate) in [
            (SearchOrder::DistanceAsc, None),
            (SearchOrder::DistanceAsc, Some(1_000_000)),
            (SearchOrder::HourlyRateAsc, None),
        ] {
            let searched = harness.searched(order, max_hourly_rate, *quarters).await;
            prop_assert_eq!(
                &searched,
                &holdable,
                "{:?} {:?} {:?}",
                order,
                max_hourly_rate,
                quarters
            );
        }
    }
    Ok(())
}

#[test]
fn search_returns_a_car_if_and_only_if_it_can_be_held() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (harness, host, cars) = runtime.block_on(async {
        let harness =
            Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
        let host = harness.host();
        let mut cars = Vec::new();
        for _ in 0..CARS {
            cars.push(harness.car(host).await);
        }
        (harness, host, cars)
    });
    let config = Config {
        cases: 48,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let inputs = (
        prop::collection::vec(any_calendar(), CARS),
        prop::collection::vec(any_period(), 5),
    );
    let run = TestRunner::new(config).run(&inputs, |(calendars, periods)| {
        runtime.block_on(compare(&harness, host, &cars, &calendars, &periods))
    });
    if let Err(error) = run {
        panic!("{error}");
    }
    runtime.block_on(harness.finish());
}
