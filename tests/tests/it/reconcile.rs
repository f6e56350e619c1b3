//! Reconciler on a real mesh: agreeing data has no difference, changed rows have one each.

mod command;

use std::collections::BTreeSet;

use carshare_mesh::Mesh;
use carshare_mesh::reconcile::Kind;

use crate::harness::{Sql, invariants, mesh};

/// Changes every kind of row, given one confirmed booking and one refunded booking.
const CHANGES: &str = "
    UPDATE vehicle.occupancies SET period = tstzrange(lower(period), upper(period) + interval '1 hour');
    INSERT INTO vehicle.occupancies SELECT gen_random_uuid(), vehicle_id,
      tstzrange(lower(period) + interval '9 days', upper(period) + interval '9 days'), kind, expires_at, created_at
      FROM vehicle.occupancies;
    UPDATE payment.payments SET guest_id = gen_random_uuid(), amount_krw = amount_krw + 1 WHERE refunded_krw = 0;
    UPDATE booking.bookings SET payment_status = 'pending' WHERE status = 'cancelled';
    INSERT INTO booking.handover_heads SELECT id, 1, sha256('') FROM booking.bookings LIMIT 1;";

/// Kinds of the differences.
async fn kinds(mesh: &Mesh) -> BTreeSet<String> {
    let differences = invariants::differences(mesh).await.into_iter();
    differences
        .map(|difference| difference.split(':').next().expect("a kind").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_finds_changed_rows_and_nothing_else() {
    let mesh = mesh().await;
    invariants::book_and_refund(&mesh).await;
    invariants::assert_hold(&mesh).await;
    Sql::of(&mesh).execute(CHANGES).await;
    let expected = [
        Kind::HandoverChanged,
        Kind::LedgerDiffers,
        Kind::OccupancyDiffers,
        Kind::OccupancyWithoutBooking,
        Kind::PaymentStatusDiffers,
        Kind::PaymentTermsDiffer,
        Kind::ProviderAmountDiffers,
    ];
    let expected: BTreeSet<String> = expected.map(|kind| kind.as_str().to_owned()).into();
    assert_eq!(kinds(&mesh).await, expected);
}
