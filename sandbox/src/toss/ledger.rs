//! State of Toss: payments, registered cards, billing keys. It can be stored in a file.

mod file;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::cards::{self, Behaviour};
use super::error::Error;
use super::payment::{Fresh, Payment, Purchase, Record, Status};

/// Card registered in the window; `used` once its billing key has been issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Authorization {
    pub(super) customer_key: String,
    pub(super) card_number: String,
    pub(super) used: bool,
}

/// A billing key and its card.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BillingKey {
    pub(super) customer_key: String,
    pub(super) card_number: String,
    pub(super) removed: bool,
}

/// Payments, cards and billing keys.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Oldest first.
    payments: Vec<Record>,
    pub(super) authorizations: BTreeMap<String, Authorization>,
    pub(super) billing_keys: BTreeMap<String, BillingKey>,
    /// Cards that have declined once, see [`Behaviour::DeclinesOnce`].
    declined: BTreeSet<String>,
}

impl Ledger {
    /// Returns all payments, oldest first.
    pub(crate) fn payments(&self) -> Vec<Payment> {
        self.payments
            .iter()
            .map(|record| record.payment.clone())
            .collect()
    }

    /// Finds the payment with this key.
    pub(super) fn by_key(&mut self, payment_key: &str) -> Option<&mut Record> {
        self.payments
            .iter_mut()
            .find(|record| record.payment.payment_key == payment_key)
    }

    /// Finds the latest payment of an order; a failed order may be tried again.
    pub(super) fn by_order(&mut self, order_id: &str) -> Option<&mut Record> {
        self.payments
            .iter_mut()
            .rev()
            .find(|record| record.payment.order_id == order_id)
    }

    pub(super) fn insert(&mut self, record: Record) {
        self.payments.push(record);
    }

    /// Returns whether a payment of this order has captured money, after which the order id cannot be used again.
    pub(super) fn check_unused(&self, purchase: &Purchase) -> Result<(), Error> {
        let paid = |p: &Payment| {
            matches!(
                p.status,
                Status::Done | Status::Canceled | Status::PartialCanceled
            )
        };
        let used = self
            .payments
            .iter()
            .any(|r| r.payment.order_id == purchase.order_id && paid(&r.payment));
        if used {
            Err(Error::new("DUPLICATED_ORDER_ID"))
        } else {
            Ok(())
        }
    }

    /// Expires due payments and returns them.
    pub(super) fn expire(&mut self, now: DateTime<Utc>) -> Vec<Payment> {
        let expired = self
            .payments
            .iter_mut()
            .filter_map(|record| record.expire_if_due(now).then(|| record.payment.clone()));
        expired.collect()
    }

    /// Charges an authenticated payment by the behaviour of its card. With [`Behaviour::ChargesThenFails`] the payment is DONE
    /// although an error is returned.
    pub(super) fn charge(
        &mut self,
        payment_key: &str,
        fresh: &Fresh,
        public_url: &str,
    ) -> Result<Payment, Error> {
        let Self {
            payments, declined, ..
        } = self;
        let record = payments
            .iter_mut()
            .find(|record| record.payment.payment_key == payment_key);
        let record = record.ok_or(Error::new("NOT_FOUND_PAYMENT"))?;
        let behaviour = cards::behaviour(&record.card_number);
        let refused = match behaviour {
            Some(Behaviour::Declines(code)) => Some(code),
            Some(Behaviour::DeclinesOnce(code)) if declined.insert(record.card_number.clone()) => Some(code),
            _ => None,
        };
        if let Some(code) = refused {
            record.abort(Error::new(code));
            return Err(Error::new(code));
        }
        record.charge(fresh, public_url);
        match behaviour {
            Some(Behaviour::ChargesThenFails(code)) => Err(Error::new(code)),
            _ => Ok(record.payment.clone()),
        }
    }
}
