//! Begins attempts: inserts the row and makes the payment's outcome unknown.

use std::time::Duration;

use carshare_store::Tx;

use crate::App;
use crate::domain::attempt::{Attempt, AttemptKind, AttemptOutcome};
use crate::domain::payment::{Claim, Payment, State};
use crate::error::Error;
use crate::events::publish;
use crate::store::{customers, payment_attempts, payment_methods, payments};

/// Delays of the lookups that follow the begin of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct LookupDelays {
    /// Until another worker may look up the attempt.
    pub(super) claim_timeout: Duration,
    /// Until the payment is compared with the provider.
    reconciliation: Duration,
}

impl LookupDelays {
    pub(super) fn of(app: &App) -> Self {
        Self {
            claim_timeout: app.worker.claim_timeout,
            reconciliation: app.reconciliation.interval,
        }
    }
}

struct Input {
    claim: Claim,
    preceding_key: Option<String>,
    delays: LookupDelays,
}

/// Begins to charge the guest's default card; requests the payment from a guest without one. `None` when there is nothing
/// to charge, or the claim is lost.
pub(super) async fn begin_billing(
    app: &App,
    claim: Claim,
    preceding_key: Option<String>,
) -> Result<Option<(Payment, Attempt)>, Error> {
    let input = Input {
        claim,
        preceding_key,
        delays: LookupDelays::of(app),
    };
    app.db
        .transaction("payments.begin_charge", input, begin_charge)
        .await
}

async fn begin_charge(tx: &Tx, input: &Input) -> Result<Option<(Payment, Attempt)>, Error> {
    let mut payment = payments::lock_claimed(tx, input.claim).await?;
    if payment.claim_lost || payment.state != State::Due || !payment.may_charge(tx.now()) {
        return Ok(None);
    }
    customers::lock(tx, payment.guest_id).await?;
    let Some(method) = payment_methods::find_default(tx.conn(), payment.guest_id).await? else {
        payment.request()?;
        payments::update(tx, &mut payment).await?;
        publish::requested(tx, &payment);
        return Ok(None);
    };
    let kind = AttemptKind::Billing { method: method.id };
    let attempt = insert(tx, &mut payment, kind, input.preceding_key.clone(), input.delays).await?;
    Ok(Some((payment, attempt)))
}

/// Inserts an attempt, updates its payment and schedules the payment's reconciliation.
pub(super) async fn insert(
    tx: &Tx,
    payment: &mut Payment,
    kind: AttemptKind,
    preceding_key: Option<String>,
    delays: LookupDelays,
) -> Result<Attempt, Error> {
    let check_at = tx.now() + delays.claim_timeout;
    let attempt = Attempt {
        payment_id: payment.id,
        number: payment.begin_attempt(&kind, tx.now(), check_at)?,
        kind,
        preceding_key,
        key_spent: false,
        outcome: AttemptOutcome::Open,
        code: None,
        started_at: tx.now(),
    };
    payments::update(tx, payment).await?;
    payments::schedule_reconciliation(tx, payment.id, Some(tx.now() + delays.reconciliation)).await?;
    payment_attempts::insert(tx, &attempt).await?;
    Ok(attempt)
}
