//! Beginning an attempt by card: its row is written and the payment's outcome is unknown from here on.

use carshare_store::Tx;
use chrono::{DateTime, TimeDelta, Utc};

use crate::App;
use crate::domain::attempt::{Attempt, Kind, Outcome};
use crate::domain::ids::PaymentId;
use crate::domain::payment::{Payment, State};
use crate::error::Error;
use crate::events::publish;
use crate::store::{attempts, methods, payments};

/// What a card attempt begins with.
struct Input {
    payment_id: PaymentId,
    preceding_key: Option<String>,
    claim: TimeDelta,
}

/// Begins to charge the guest's default card. `None` when there is nothing to charge (any more); without a card the guest
/// is asked to pay instead.
pub(super) async fn charge(
    app: &App,
    payment_id: PaymentId,
    preceding_key: Option<String>,
) -> Result<Option<(Payment, Attempt)>, Error> {
    let input = Input {
        payment_id,
        preceding_key,
        claim: app.claim(),
    };
    app.db
        .transaction("payments.begin_charge", input, begin_charge)
        .await
}

async fn begin_charge(tx: &Tx, input: &Input) -> Result<Option<(Payment, Attempt)>, Error> {
    let mut payment = payments::lock(tx, input.payment_id).await?;
    if payment.state != State::Due || !payment.may_call(tx.now()) {
        return Ok(None);
    }
    let Some(method) = methods::find_default(tx.conn(), payment.guest_id).await? else {
        payment.request()?;
        payments::update(tx, &mut payment).await?;
        publish::requested(tx, &payment).await?;
        return Ok(None);
    };
    let kind = Kind::Billing { method: method.id };
    let attempt = write(
        tx,
        &mut payment,
        kind,
        input.preceding_key.clone(),
        tx.now() + input.claim,
    )
    .await?;
    Ok(Some((payment, attempt)))
}

/// Writes down an attempt that is about to be made.
pub(super) async fn write(
    tx: &Tx,
    payment: &mut Payment,
    kind: Kind,
    preceding_key: Option<String>,
    check_at: DateTime<Utc>,
) -> Result<Attempt, Error> {
    let attempt = Attempt {
        payment_id: payment.id,
        number: payment.begin(&kind, tx.now(), check_at)?,
        kind,
        preceding_key,
        key_spent: false,
        outcome: Outcome::Open,
        code: None,
        started_at: tx.now(),
    };
    payments::update(tx, payment).await?;
    attempts::insert(tx, &attempt).await?;
    Ok(attempt)
}
