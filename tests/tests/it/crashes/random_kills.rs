//! Eight journeys at once, while a service dies at every few events and Toss loses its answers: no order of things that
//! anybody thought of, and the same end.

use carshare_chassis::{Clock, Random};
use carshare_mesh::Fleet;
use carshare_sandbox::{Fault, PaymentStatus, Provider};
use carshare_testkit::{eventually, eventually_true};
use futures::future::join_all;
use serde_json::json;

use super::setup::{Call, EVERYBODY, Setup, kill_and_start};
use crate::harness::{Guest, Host, Sql, TIMEOUT, invariants, next_slot};

const JOURNEYS: usize = 8;

/// Events between two deaths.
const CALM: i64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn eight_journeys_end_well_in_a_storm_of_deaths() {
    let mut stage = Setup::set().await;
    let mut guests = Vec::new();
    for _ in 0..JOURNEYS {
        guests.push(Guest::with_card(&stage.fleet).await);
    }
    for path in ["/v1/billing/bsbx", "/cancel"] {
        let sandbox = stage.fleet.sandbox();
        sandbox.inject(Fault::lost_reply(Provider::Toss, path).times(3));
    }

    let Setup {
        fleet,
        sql,
        host,
        car,
        ..
    } = &mut stage;
    let (sql, host, car) = (&*sql, &*host, &*car);
    let journeys = guests.iter().enumerate();
    let journeys = join_all(journeys.map(|(number, guest)| journey(sql, host, guest, car, number % 2 == 0)));
    tokio::select! {
        _ = journeys => {}
        () = storm(fleet, sql) => {}
    }

    invariants::hold(&stage.fleet).await;
    let payments = stage.fleet.sandbox().payments();
    let standing = |status| payments.iter().filter(|payment| payment.status == status).count();
    assert_eq!(
        (
            payments.len(),
            standing(PaymentStatus::Done),
            standing(PaymentStatus::Canceled)
        ),
        (JOURNEYS, JOURNEYS / 2, JOURNEYS / 2)
    );
}

/// One guest's way to a rental, or to a refund.
async fn journey(sql: &Sql, host: &Host, guest: &Guest, car: &str, keeps_it: bool) {
    let mut request = next_slot(Clock::system().now()).json();
    request["vehicle_id"] = json!(car);
    let asking = Call::post(&guest.rest, "/v1/bookings", request);
    let booking = asking.made().await.ok(201);
    let id = booking["id"].as_str().expect("an id");
    let approving = Call::put(&host.rest, format!("/v1/bookings/{id}/approve"));
    approving.made().await.ok(200);
    reaches(sql, id, "approved paid").await;
    let mut told = vec!["booking.approved", "booking.confirmed", "payment.completed"];
    if !keeps_it {
        let cancelling = Call::put(&guest.rest, format!("/v1/bookings/{id}/cancel"));
        cancelling.made().await.ok(200);
        reaches(sql, id, "cancelled refunded").await;
        told = vec![
            "booking.approved",
            "booking.cancelled",
            "booking.confirmed",
            "payment.completed",
            "payment.refunded",
        ];
    }
    eventually_true(TIMEOUT, || async { sql.told(&guest.id, id).await == told }).await;
}

async fn reaches(sql: &Sql, id: &str, wanted: &str) {
    eventually_true(TIMEOUT, || async { sql.standing(id).await == wanted }).await;
}

/// Kills one after the other, as long as anything happens.
async fn storm(fleet: &mut Fleet, sql: &Sql) {
    let random = Random::seeded(7);
    let mut happened = sql.published().await;
    loop {
        happened = eventually(TIMEOUT, || async {
            let now = sql.published().await;
            (now >= happened + CALM).then_some(now)
        })
        .await;
        let victim = EVERYBODY[(random.unit() * EVERYBODY.len() as f64) as usize];
        println!("{victim} after {happened} events");
        kill_and_start(fleet, &[victim]);
    }
}
