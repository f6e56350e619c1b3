//! Getting the money by what the guest did in the payment window.

use anyhow::Context as _;
use carshare_store::Tx;
use chrono::TimeDelta;

use crate::App;
use crate::domain::attempt::{Attempt, Heard, Kind};
use crate::domain::ids::{BookingId, GuestId};
use crate::domain::payment::{Payment, State};
use crate::error::Error;
use crate::store::{attempts, payments};

use super::conclude::{Seen, conclude};
use super::{begin, call, look};

/// What the guest's window returned, as the guest's app tells it.
#[derive(Clone, Debug)]
pub struct WindowResult {
    /// Of this booking.
    pub booking_id: BookingId,
    /// By this guest.
    pub guest_id: GuestId,
    /// The provider's key.
    pub payment_key: String,
    /// The order it claims to be.
    pub order_id: String,
    /// The won it claims to be.
    pub amount_krw: i64,
}

/// Where the payment stands before the provider is asked.
#[derive(Clone, Debug)]
pub enum Begun {
    /// It was paid by this very window before.
    Paid,
    /// This very window is at work, or was when its call was lost.
    InDoubt(Box<(Payment, Attempt)>),
    /// The provider is to be called.
    Call(Box<(Payment, Attempt)>),
}

/// Compares what the guest's app says with what is owed, and writes down the attempt.
pub async fn begin_window(app: &App, result: WindowResult) -> Result<Begun, Error> {
    let input = (result, app.claim());
    app.db
        .transaction("payments.begin_window", input, begun)
        .await
}

async fn begun(tx: &Tx, (result, claim): &(WindowResult, TimeDelta)) -> Result<Begun, Error> {
    let payment = payments::lock_by_booking(tx, result.booking_id).await?;
    let mut payment = payment
        .filter(|p| p.guest_id == result.guest_id)
        .ok_or(Error::PaymentNotFound)?;
    if payment.order_id != result.order_id || payment.amount_krw != result.amount_krw {
        return Err(Error::AmountMismatch);
    }
    match payment.state {
        State::Completed if payment.payment_key.as_ref() == Some(&result.payment_key) => Ok(Begun::Paid),
        State::Completed | State::Failed | State::Refunded => Err(Error::Closed),
        State::Unknown => {
            let open = attempts::find_open(tx.conn(), payment.id)
                .await?
                .context("unknown without an open attempt")?;
            let kind = Kind::Window {
                payment_key: result.payment_key.clone(),
            };
            // Another way of paying is at work; its outcome comes first.
            let same = (open.kind == kind).then(|| Begun::InDoubt(Box::new((payment, open))));
            same.ok_or_else(|| Error::ProviderUnavailable {
                code: "OTHER_ATTEMPT".to_owned(),
            })
        }
        State::Due | State::Requested if !payment.may_call(tx.now()) => Err(Error::Closed),
        State::Due | State::Requested => {
            let kind = Kind::Window {
                payment_key: result.payment_key.clone(),
            };
            let attempt = begin::write(tx, &mut payment, kind, None, tx.now() + *claim).await?;
            Ok(Begun::Call(Box::new((payment, attempt))))
        }
    }
}

/// Asks the provider, and applies its answer. Runs to its end even when nobody waits for it.
pub async fn run_window(app: &App, begun: Begun) -> Result<Seen, Error> {
    match begun {
        Begun::Paid => Ok(Seen::Paid),
        Begun::InDoubt(doubt) => look::resolve(app, &doubt.0, &doubt.1).await,
        Begun::Call(call) => {
            let answer = call::perform(app, &call.0, &call.1).await?;
            conclude(app, &call.1, Heard::Reply(answer)).await
        }
    }
}
