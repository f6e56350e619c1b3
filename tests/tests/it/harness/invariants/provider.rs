//! Compares the provider's payments with payment's.

use std::collections::BTreeMap;

use carshare_sandbox::{Payment, PaymentStatus};

use crate::harness::sql::Sql;

/// Captured payments: order, key, won captured, won refunded.
const CAPTURED: &str = "SELECT order_id || ' ' || payment_key || ' ' || amount_krw || ' ' || refunded_krw \
                        FROM payment.payments WHERE paid_at IS NOT NULL";

/// Differences between the provider and the service.
pub(super) async fn breaches(sql: &Sql, payments: &[Payment]) -> Vec<String> {
    let ours = counted(sql.texts(CAPTURED).await);
    let theirs = counted(payments.iter().filter(|p| took_money(p)).map(written).collect());
    let lines: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let of = |side: &BTreeMap<String, usize>, line: &String| side.get(line).copied().unwrap_or(0);
    let differing = lines
        .into_iter()
        .filter(|line| (of(&ours, line), of(&theirs, line)) != (1, 1));
    differing
        .map(|line| {
            format!(
                "provider and payments agree: {line}, {} times in payments, {} times at the provider",
                of(&ours, line),
                of(&theirs, line)
            )
        })
        .collect()
}

fn took_money(payment: &Payment) -> bool {
    use PaymentStatus::{Canceled, Done, PartialCanceled};
    matches!(payment.status, Done | Canceled | PartialCanceled) && payment.approved_at.is_some()
}

fn written(payment: &Payment) -> String {
    let (total, balance) = (payment.total_amount, payment.balance_amount);
    format!(
        "{} {} {total} {}",
        payment.order_id,
        payment.payment_key,
        total - balance
    )
}

fn counted(lines: Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}
