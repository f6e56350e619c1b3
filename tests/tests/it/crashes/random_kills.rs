//! Eight journeys at once while replicas are killed every few events and Toss loses its replies.

use carshare_chassis::Random;
use carshare_mesh::Fleet;
use carshare_sandbox::{Fault, PaymentStatus, Provider};
use carshare_testkit::{eventually, eventually_true};
use futures::future::join_all;
use serde_json::json;

use super::kill::{ALL_SERVICES, Call, Kill, Scope, fleet};
use crate::harness::{Deployment as _, Guest, Host, Setup, Slot, Sql, TIMEOUT, id, next_slot};

const JOURNEYS: usize = 8;
const EVENTS_BETWEEN_KILLS: i64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn eight_journeys_complete_under_random_kills() {
    let mut setup = fleet().await;
    let mut guests = Vec::new();
    for _ in 0..JOURNEYS {
        guests.push((Guest::with_card(&setup.mesh).await, next_slot(setup.mesh.now())));
    }
    for path in ["/v1/billing/bsbx", "/cancel"] {
        let sandbox = setup.mesh.sandbox();
        sandbox.inject(Fault::lost_reply(Provider::Toss, path).times(3));
    }

    let Setup {
        mesh, sql, host, car, ..
    } = &mut setup;
    let (sql, host, car) = (&*sql, &*host, &*car);
    let journeys = guests.iter().enumerate();
    let journeys = join_all(
        journeys.map(|(number, (guest, slot))| journey(sql, host, guest, (car, *slot), number % 2 == 0)),
    );
    tokio::select! {
        _ = journeys => {}
        () = kill_at_random(mesh, sql) => {}
    }

    setup.assert_consistent().await;
    let payments = setup.mesh.sandbox().payments();
    let count = |status| payments.iter().filter(|payment| payment.status == status).count();
    assert_eq!(
        (
            payments.len(),
            count(PaymentStatus::Done),
            count(PaymentStatus::Canceled)
        ),
        (JOURNEYS, JOURNEYS / 2, JOURNEYS / 2)
    );
}

/// Requests, approves and pays; and cancels unless the guest keeps the booking.
async fn journey(sql: &Sql, host: &Host, guest: &Guest, (car, slot): (&str, Slot), is_kept: bool) {
    let mut request = slot.json();
    request["vehicle_id"] = json!(car);
    let requesting = Call::post(&guest.rest, "/v1/bookings", request);
    let id = id(&requesting.send().await.ok(201));
    let approving = Call::put(&host.rest, format!("/v1/bookings/{id}/approve"));
    approving.send().await.ok(200);
    wait_for_state(sql, &id, "approved paid").await;
    let mut expected = vec!["booking.approved", "booking.confirmed", "payment.completed"];
    if !is_kept {
        let cancelling = Call::put(&guest.rest, format!("/v1/bookings/{id}/cancel"));
        cancelling.send().await.ok(200);
        wait_for_state(sql, &id, "cancelled refunded").await;
        expected.extend(["booking.cancelled", "payment.refunded"]);
        expected.sort_unstable();
    }
    eventually_true(TIMEOUT, || async {
        sql.notification_kinds(&guest.id, &id).await == expected
    })
    .await;
}

async fn wait_for_state(sql: &Sql, id: &str, expected: &str) {
    eventually_true(TIMEOUT, || async { sql.booking_state(id).await == expected }).await;
}

/// Kills one service after the other, its replicas together or one of them, as long as events are published.
async fn kill_at_random(fleet: &mut Fleet, sql: &Sql) {
    let random = Random::seeded(7);
    let mut published = sql.published().await;
    loop {
        published = eventually(TIMEOUT, || async {
            let now = sql.published().await;
            (now >= published + EVENTS_BETWEEN_KILLS).then_some(now)
        })
        .await;
        let service = ALL_SERVICES[(random.unit() * ALL_SERVICES.len() as f64) as usize];
        let scope = if random.unit() < 0.5 {
            Scope::One
        } else {
            Scope::All
        };
        println!("{scope:?} of {service} after {published} events");
        let services = &[service];
        Kill { services, scope }.run(fleet, &[]);
    }
}
