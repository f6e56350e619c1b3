//! `carshare_mesh::reconcile` on a real mesh: agreeing data has no difference, changed rows have one each.

use std::collections::BTreeSet;
use std::time::Duration;

use carshare_chassis::{Clock, Environment};
use carshare_mesh::Mesh;
use carshare_mesh::reconcile::{Kind, Reconciler, Source};
use carshare_payment::config::Toss;
use carshare_payment::provider::toss::TossClient;
use serde_json::json;

use crate::harness::{Guest, Host, Sql, invariants, mesh, next_slot};

/// Changes every kind of row, given one confirmed booking and one refunded booking.
const CHANGES: &str = "
    UPDATE vehicle.occupancies SET period = tstzrange(lower(period), upper(period) + interval '1 hour');
    INSERT INTO vehicle.occupancies SELECT gen_random_uuid(), vehicle_id,
      tstzrange(lower(period) + interval '9 days', upper(period) + interval '9 days'), kind, expires_at, created_at
      FROM vehicle.occupancies;
    UPDATE payment.payments SET guest_id = gen_random_uuid(), amount_krw = amount_krw + 1 WHERE refunded_krw = 0;
    UPDATE booking.bookings SET payment_status = 'pending' WHERE status = 'cancelled';";

async fn reconcile(mesh: &Mesh) -> BTreeSet<&'static str> {
    let url = |service| mesh.dependencies().database_url(service).expect("a URL");
    let toss = Toss {
        secret_key: carshare_sandbox::Config::default()
            .toss_secret_key
            .as_str()
            .into(),
        billing_timeout: Duration::from_secs(10),
        http: carshare_outbound::Config {
            base_url: format!("{}/toss", mesh.sandbox().url()),
            ..carshare_outbound::Config::default()
        },
    };
    let reconciler = Reconciler {
        source: Source::new(&url("booking"), &url("vehicle"), &url("payment")).expect("valid URLs"),
        provider: Some(TossClient::new(&toss, Environment::system()).expect("a client")),
        grace: Duration::from_millis(100),
        provider_window: Duration::from_hours(1),
        clock: Clock::system(),
    };
    let differences = reconciler.run().await.expect("the comparison runs");
    differences
        .iter()
        .map(|difference| difference.kind.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_finds_changed_rows_and_nothing_else() {
    let mesh = mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let car = host.car().await;
    for is_kept in [true, false] {
        let booking = guest.book(&car, next_slot(mesh.now())).await.ok(201);
        let id = booking["id"].as_str().expect("an id");
        host.approve(id).await.ok(200);
        guest.confirmed(id).await;
        if !is_kept {
            guest.cancel(id).await.ok(200);
            let refunded = json!("refunded");
            guest
                .wait_for_booking(id, |booking| booking["payment_status"] == refunded)
                .await;
        }
    }
    invariants::assert_hold(&mesh).await;
    assert_eq!(reconcile(&mesh).await, BTreeSet::new());

    Sql::of(&mesh).execute(CHANGES).await;
    let kinds = [
        Kind::LedgerDiffers,
        Kind::OccupancyDiffers,
        Kind::OccupancyWithoutBooking,
        Kind::PaymentStatusDiffers,
        Kind::PaymentTermsDiffer,
        Kind::ProviderAmountDiffers,
    ];
    assert_eq!(reconcile(&mesh).await, kinds.map(Kind::as_str).into());
}
