//! Charges by checkout: confirms what the guest paid in the provider's payment window.

use anyhow::Context as _;
use carshare_store::Tx;

use crate::App;
use crate::domain::attempt::{Attempt, AttemptKind, ProviderAnswer};
use crate::domain::ids::{BookingId, GuestId};
use crate::domain::payment::{Payment, State};
use crate::error::Error;
use crate::store::{payment_attempts, payments};

use super::apply_result::{AttemptResult, apply_result};
use super::begin_attempt::LookupDelays;
use super::{begin_attempt, call_provider, reconcile};

/// What the payment window returned, as sent by the guest's app: unverified.
#[derive(Clone, Debug)]
pub struct CheckoutResult {
    pub booking_id: BookingId,
    pub guest_id: GuestId,
    /// The provider's key of the payment.
    pub payment_key: String,
    pub order_id: String,
    pub amount_krw: i64,
}

/// State of a checkout before the provider is called.
#[derive(Clone, Debug)]
pub enum BegunCheckout {
    /// Already captured with this payment key.
    Captured,
    /// An attempt with this payment key is open.
    Open(Box<(Payment, Attempt)>),
    /// A new attempt; the provider is to be called.
    New(Box<(Payment, Attempt)>),
}

/// Compares order and amount with what is owed, and begins an attempt.
pub async fn begin_checkout(app: &App, result: CheckoutResult) -> Result<BegunCheckout, Error> {
    let input = (result, LookupDelays::of(app));
    app.db.transaction("payments.begin_checkout", input, begin).await
}

async fn begin(tx: &Tx, (result, delays): &(CheckoutResult, LookupDelays)) -> Result<BegunCheckout, Error> {
    let mut payments = payments::lock_all_of(tx, result.booking_id).await?;
    payments.retain(|payment| payment.guest_id == result.guest_id);
    if payments.is_empty() {
        return Err(Error::PaymentNotFound);
    }
    payments.retain(|payment| payment.order_id == result.order_id && payment.amount_krw == result.amount_krw);
    let mut payment = payments.pop().ok_or(Error::AmountMismatch)?;
    let kind = AttemptKind::Checkout {
        payment_key: result.payment_key.clone(),
    };
    match payment.state {
        State::Completed if payment.payment_key.as_ref() == Some(&result.payment_key) => {
            Ok(BegunCheckout::Captured)
        }
        State::Completed | State::Failed | State::Refunded => Err(Error::Closed),
        State::Unknown => {
            let open = payment_attempts::find_open(tx.conn(), payment.id)
                .await?
                .context("a payment of unknown outcome has no open attempt")?;
            if open.kind == kind {
                // Takes over the claim of a worker.
                payment.next_check_at = Some(tx.now() + delays.claim_timeout);
                payments::update(tx, &mut payment).await?;
                return Ok(BegunCheckout::Open(Box::new((payment, open))));
            }
            // Another attempt has to be resolved first, else the guest could be charged twice.
            Err(Error::ProviderUnavailable {
                code: "OTHER_ATTEMPT".to_owned(),
            })
        }
        State::Due | State::Requested if !payment.may_charge(tx.now()) => Err(Error::Closed),
        State::Due | State::Requested => {
            let attempt = begin_attempt::insert(tx, &mut payment, kind, None, *delays).await?;
            Ok(BegunCheckout::New(Box::new((payment, attempt))))
        }
    }
}

/// Calls the provider and applies the result.
pub async fn finish_checkout(app: &App, begun: BegunCheckout) -> Result<AttemptResult, Error> {
    match begun {
        BegunCheckout::Captured => Ok(AttemptResult::Captured),
        BegunCheckout::Open(open) => reconcile::resolve(app, &open.0, &open.1).await,
        BegunCheckout::New(new) => {
            let result = call_provider::capture(app, &new.0, &new.1).await?;
            apply_result(app, new.0.claim(), &new.1, ProviderAnswer::Call(result)).await
        }
    }
}
