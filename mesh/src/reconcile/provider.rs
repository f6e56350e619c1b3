//! Comparison of a payment with the provider's state.

use anyhow::{Result, bail};
use carshare_payment::domain::provider_report::{ErrorKind, PaymentStatus};
use carshare_payment::provider::toss::TossClient;
use carshare_payment::provider::{Lookup, Provider as _};

use super::case::{Kind, Payment};

/// Looks the payment up at the provider. Fails if the provider gives no definite answer.
pub(super) async fn compare(payment: &Payment, toss: &TossClient) -> Result<Option<Kind>> {
    if !payment.attempted && !payment.captured {
        return Ok(None);
    }
    let lookup = match &payment.provider_key {
        Some(key) => Lookup::Key(key.clone()),
        None => Lookup::Order(payment.order_id.clone()),
    };
    Ok(match toss.find(lookup).await {
        Ok(snapshot) => {
            let cancelled: i64 = snapshot.cancels.iter().map(|cancel| cancel.amount_krw).sum();
            let captured = matches!(snapshot.status, PaymentStatus::Captured(_));
            payment.compare_with_provider(captured.then_some((snapshot.total_krw, cancelled)))
        }
        Err(error) if error.kind == ErrorKind::NotFound => payment.compare_with_provider(None),
        Err(error) => bail!(
            "the provider does not answer for order {}: {}",
            payment.order_id,
            error.code
        ),
    })
}
