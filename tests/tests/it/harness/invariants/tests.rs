//! Every rule finds a breach that was made by SQL.

use std::collections::BTreeSet;

use carshare_mesh::Mesh;
use serde_json::json;

use super::{assert_hold, breaches, rules};
use crate::harness::{Guest, Host, Sql, mesh, next_slot};

/// Breaks every rule, given a confirmed booking and a refunded one.
const BROKEN: &str = "
    -- Overlapping occupancies.
    ALTER TABLE vehicle.occupancies DROP CONSTRAINT occupancies_no_overlap;
    INSERT INTO vehicle.occupancies SELECT gen_random_uuid(), vehicle_id, period, kind, expires_at, created_at
      FROM vehicle.occupancies;
    -- Payments in wrong states, and unbalanced entries.
    UPDATE payment.payments SET state = 'failed', paid_at = NULL, failure_code = 'X' WHERE state = 'completed';
    ALTER TABLE payment.ledger_entries DISABLE TRIGGER ALL;
    UPDATE payment.ledger_entries SET amount_krw = amount_krw + 1 WHERE amount_krw > 0;
    -- Unconsumed and repeated events, repeated notifications, missing history.
    DELETE FROM notification.inbox_cursors;
    INSERT INTO booking.outbox
        (id, name, key, key_seq, occurred_at, correlation_id, data, position, relayed_at)
      SELECT gen_random_uuid(), name, key, key_seq + 1000, occurred_at, correlation_id, data, position + 100000, relayed_at
      FROM booking.outbox;
    INSERT INTO booking.inbox_cursors VALUES ('payment', 'poison', 0);
    INSERT INTO booking.inbox (source, key, key_seq, id, name, occurred_at, correlation_id, data, filed_at, due_at, dead_at)
      VALUES ('payment', 'poison', 1, gen_random_uuid(), 'payment.failed', now(), 'c', '', now(), now(), now());
    INSERT INTO notification.notifications (id, user_id, seq, event_id, kind, title, body, data, created_at)
      SELECT gen_random_uuid(), user_id, seq + 1000, gen_random_uuid(), kind, title, body, data, created_at
      FROM notification.notifications;
    DELETE FROM booking.status_history;
    -- A coupon with a redemption that no booking has made.
    INSERT INTO booking.coupons
        (code, id, host_id, amount_krw, min_price_krw, valid_from, valid_until, redeemed, created_by, created_at)
      VALUES ('BROKEN', gen_random_uuid(), gen_random_uuid(), 1, 0, now(), now() + interval '1 day', 1, gen_random_uuid(), now());";

/// Makes a booking that is confirmed and another that is refunded.
pub async fn book_and_refund(mesh: &Mesh) {
    let (host, guest) = (Host::register(mesh).await, Guest::with_card(mesh).await);
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
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_finds_its_breach() {
    let mesh = mesh().await;
    book_and_refund(&mesh).await;
    assert_hold(&mesh).await;

    Sql::of(&mesh).execute(BROKEN).await;
    let seen: BTreeSet<String> = breaches(&mesh)
        .await
        .iter()
        .filter_map(|breach| Some(breach.rsplit_once(": ")?.0.to_owned()))
        .collect();
    let others = [
        "occupancy_without_booking",
        "confirmed_not_paid",
        "capture_not_recorded",
        "provider and payments agree",
        "no event is dead",
        "every ledger transaction sums to zero",
    ];
    for rule in rules::RULES.iter().map(|rule| rule.name).chain(others) {
        assert!(
            seen.iter().any(|breach| breach.starts_with(rule)),
            "{rule}: not seen, {seen:#?}"
        );
    }
}
