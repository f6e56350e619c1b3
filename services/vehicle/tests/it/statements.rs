//! Exact numbers of statements: they keep the speed where time cannot be asserted.

use carshare_proto::vehicle::v1::*;
use carshare_service_testkit::Instance;
use carshare_testkit::{Counts, PostgresMeter};
use sqlx::{Connection as _, PgConnection};

use crate::check_hold::check_of;
use crate::harness::calls::{booking, hold_of, near_gangnam};
use crate::harness::{Client, Harness, from_service, into_message};
use crate::search::TUESDAY;

/// A statement that is a transaction of its own.
const ONE: Counts = Counts {
    statements: 1,
    round_trips: 1,
    commits: 0,
};

const TWO: Counts = Counts {
    statements: 2,
    round_trips: 2,
    commits: 0,
};

/// A statement that must not be repeated is sent on a connection that is tested first.
const ONE_TESTED: Counts = Counts {
    round_trips: 2,
    ..ONE
};

struct Metered {
    harness: Harness,
    instance: Instance,
    meter: PostgresMeter,
}

impl Metered {
    async fn start() -> Self {
        let harness = Harness::start().await;
        let (instance, meter) = harness.start_metered().await;
        Self {
            harness,
            instance,
            meter,
        }
    }

    /// Asserts what the last of three calls costs, which are given their numbers; the first ones prepare the statements.
    async fn assert(&self, expected: Counts, call: impl AsyncFn(Client, u128)) {
        let client = Client::new(self.instance.channel());
        call(client.clone(), 1).await;
        call(client.clone(), 2).await;
        let ((), measured) = self.meter.measure(call(client, 3)).await;
        measured.assert(expected);
    }

    async fn finish(self) {
        self.instance.stop().await;
        self.harness.finish().await;
    }
}

async fn cars(harness: &Harness) -> Vec<Vehicle> {
    let host = harness.host();
    let mut cars = Vec::new();
    for _ in 0..4 {
        cars.push(harness.car(host).await);
    }
    cars
}

#[tokio::test]
async fn get_vehicle_is_one_statement() {
    let metered = Metered::start().await;
    let cars = cars(&metered.harness).await;
    let get = async |mut client: Client, number: u128| {
        let vehicle_id = cars[number as usize].id.clone();
        let found = client.get_vehicle(GetVehicleRequest { vehicle_id }).await;
        assert_eq!(into_message(found).unwrap().id, cars[number as usize].id);
    };
    metered.assert(ONE, get).await;
    metered.finish().await;
}

#[tokio::test]
async fn search_of_a_page_is_one_statement() {
    let metered = Metered::start().await;
    cars(&metered.harness).await;
    let search = async |mut client: Client, _: u128| {
        let found = client.search_vehicles(near_gangnam(TUESDAY)).await;
        assert_eq!(into_message(found).unwrap().vehicles.len(), 4);
    };
    metered.assert(ONE, search).await;
    metered.finish().await;
}

#[tokio::test]
async fn search_by_rate_and_filter_is_one_statement() {
    let metered = Metered::start().await;
    cars(&metered.harness).await;
    let search = async |mut client: Client, _: u128| {
        let search = SearchVehiclesRequest {
            order_by: SearchOrder::HourlyRateAsc.into(),
            fuel_type: FuelType::Gasoline.into(),
            ..near_gangnam(TUESDAY)
        };
        let found = client.search_vehicles(search).await;
        assert_eq!(into_message(found).unwrap().vehicles.len(), 4);
    };
    metered.assert(ONE, search).await;
    metered.finish().await;
}

#[tokio::test]
async fn list_of_my_vehicles_is_one_statement_and_one_more_with_a_total() {
    let metered = Metered::start().await;
    let host = metered.harness.host();
    metered.harness.car(host).await;
    for (include_total, expected) in [(false, ONE), (true, TWO)] {
        let list = async |mut client: Client, _: u128| {
            let request = ListMyVehiclesRequest {
                include_total,
                ..Default::default()
            };
            let listed = client
                .list_my_vehicles(metered.harness.request(host, request))
                .await;
            let total = into_message(listed).unwrap().total_size;
            assert_eq!(total, include_total.then_some(1));
        };
        metered.assert(expected, list).await;
    }
    metered.finish().await;
}

#[tokio::test]
async fn hold_is_two_statements_and_its_confirmation_or_release_one() {
    let metered = Metered::start().await;
    let cars = cars(&metered.harness).await;
    let place = async |mut client: Client, number: u128| {
        let hold = hold_of(booking(number), &cars[number as usize], TUESDAY);
        client.place_hold(from_service("booking", hold)).await.unwrap();
    };
    metered.assert(TWO, place).await;
    let confirm = async |mut client: Client, number: u128| {
        let PlaceHoldRequest {
            booking_id,
            vehicle_id,
            start_datetime,
            end_datetime,
            ..
        } = hold_of(booking(number), &cars[number as usize], TUESDAY);
        let hold = ConfirmHoldRequest {
            booking_id,
            vehicle_id,
            start_datetime,
            end_datetime,
        };
        client.confirm_hold(from_service("booking", hold)).await.unwrap();
    };
    metered.assert(ONE, &confirm).await;
    // Of a confirmed booking, before the approval and the start.
    metered.assert(ONE, &confirm).await;
    let release = async |mut client: Client, number: u128| {
        let booking_id = booking(number).to_string();
        let release = ReleaseHoldRequest { booking_id };
        client
            .release_hold(from_service("booking", release))
            .await
            .unwrap();
    };
    metered.assert(ONE_TESTED, release).await;
    metered.finish().await;
}

#[tokio::test]
async fn check_of_a_hold_is_one_statement() {
    let metered = Metered::start().await;
    let cars = cars(&metered.harness).await;
    let check = async |mut client: Client, number: u128| {
        let check = check_of(&cars[number as usize], TUESDAY);
        client.check_hold(from_service("booking", check)).await.unwrap();
    };
    metered.assert(ONE, check).await;
    metered.finish().await;
}

#[tokio::test]
async fn confirmation_of_a_hold_writes_no_index() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    let mut connection = PgConnection::connect(&harness.database().url()).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("SELECT confirm_hold(ref_id, false, '2026-11-23') FROM occupancies")
        .execute(&mut *transaction)
        .await
        .unwrap();
    // Heap-only updates of this transaction.
    let updated: (i64, i64) = sqlx::query_as(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'occupancies'",
    )
    .fetch_one(&mut *transaction)
    .await
    .unwrap();
    assert_eq!(updated, (1, 1));
    transaction.rollback().await.unwrap();
    harness.finish().await;
}
