//! Transitions of a payment, as pure functions: opened → authenticated → charged → cancelled, or aborted or expired.

use carshare_chassis::Environment;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Cancel, Card, Failure, Kind, Link, Payment, Status, unknown_extra, vat};
use crate::kst;
use crate::toss::cards;
use crate::toss::error::Error;

/// Time for the authentication, from the opening.
const READY_MINUTES: i64 = 30;
/// Time for the confirmation, from the authentication.
const CONFIRM_MINUTES: i64 = 10;
const MINIMUM_CARD_KRW: i64 = 100;

/// Order to be paid. Deserialised from a request, so it is validated before use.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Purchase {
    pub(crate) order_id: String,
    pub(crate) order_name: String,
    pub(crate) amount: i64,
}

/// A payment with data that is not part of the API.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) payment: Payment,
    pub(crate) card_number: String,
    opened_at: DateTime<Utc>,
    authenticated_at: Option<DateTime<Utc>>,
}

/// Random keys, passed in so that the transitions stay pure functions.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    pub(crate) now: DateTime<Utc>,
    /// 32 random hexadecimal digits.
    pub(crate) token: String,
}

/// Parsed parameters of a cancel.
#[derive(Clone, Debug)]
pub(crate) struct CancelRequest {
    pub(crate) reason: String,
    /// Amount; the balance if `None`.
    pub(crate) amount: Option<i64>,
    /// Balance that the shop expects.
    pub(crate) refundable: Option<i64>,
}

impl Fresh {
    /// Returns the current time and a new token.
    pub(crate) fn new(environment: &Environment) -> Self {
        Self {
            now: environment.clock.now(),
            token: hex::encode(environment.random.bytes::<16>()),
        }
    }
}

impl Purchase {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let id_chars = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=');
        if !(6..=64).contains(&self.order_id.len()) || !self.order_id.bytes().all(id_chars) {
            return Err(Error::new("INVALID_ORDER_ID"));
        }
        if self.order_name.is_empty() || self.order_name.chars().count() > 100 {
            return Err(Error::new("INVALID_REQUEST"));
        }
        if self.amount < MINIMUM_CARD_KRW {
            return Err(Error::new("BELOW_MINIMUM_AMOUNT"));
        }
        Ok(())
    }
}

impl Record {
    /// Creates a READY payment.
    pub(crate) fn open(
        kind: Kind,
        purchase: Purchase,
        card_number: &str,
        fresh: &Fresh,
        public_url: &str,
    ) -> Self {
        let stamp = kst::seconds(fresh.now).format("%Y%m%d%H%M%S");
        let payment_key = format!("tsbx{stamp}{}", &fresh.token[..12]);
        let payment = Payment {
            version: "2022-11-16".to_owned(),
            m_id: "tcarsharesbx".to_owned(),
            last_transaction_key: None,
            r#type: kind,
            order_id: purchase.order_id,
            order_name: purchase.order_name,
            currency: "KRW".to_owned(),
            country: "KR".to_owned(),
            method: None,
            total_amount: purchase.amount,
            balance_amount: purchase.amount,
            supplied_amount: purchase.amount - vat(purchase.amount),
            vat: vat(purchase.amount),
            tax_free_amount: 0,
            tax_exemption_amount: 0,
            status: Status::Ready,
            requested_at: kst::seconds(fresh.now),
            approved_at: None,
            use_escrow: false,
            culture_expense: false,
            is_partial_cancelable: true,
            cancels: None,
            card: None,
            virtual_account: None,
            mobile_phone: None,
            transfer: None,
            gift_certificate: None,
            easy_pay: None,
            easy_pay_amount: None,
            easy_pay_discount_amount: None,
            secret: Some(format!("ps_{}", &fresh.token[..16])),
            metadata: None,
            receipt: None,
            checkout: Some(Link {
                url: format!("{public_url}/toss/v1/payments/{payment_key}/checkout"),
            }),
            failure: None,
            cash_receipt: None,
            cash_receipts: None,
            discount: None,
            sandbox_extra: unknown_extra(),
            payment_key,
        };
        Self {
            payment,
            card_number: card_number.to_owned(),
            opened_at: fresh.now,
            authenticated_at: None,
        }
    }

    /// READY → IN_PROGRESS, when the guest has authenticated.
    pub(crate) fn authenticate(&mut self, now: DateTime<Utc>) {
        self.payment.status = Status::InProgress;
        self.authenticated_at = Some(now);
    }

    /// READY, IN_PROGRESS → EXPIRED if the time for the next step is over. Returns whether it expired.
    pub(crate) fn expire_if_due(&mut self, now: DateTime<Utc>) -> bool {
        let due = match (self.payment.status, self.authenticated_at) {
            (Status::Ready, _) => self.opened_at + TimeDelta::minutes(READY_MINUTES),
            (Status::InProgress, Some(at)) => at + TimeDelta::minutes(CONFIRM_MINUTES),
            _ => return false,
        };
        if now < due {
            return false;
        }
        self.payment.status = Status::Expired;
        let message = "결제 승인 유효시간이 만료된 거래입니다.".to_owned();
        self.payment.failure = Some(Failure {
            code: "EXPIRED_PAYMENT".to_owned(),
            message,
        });
        true
    }

    /// IN_PROGRESS → DONE, when the money is captured.
    pub(crate) fn charge(&mut self, fresh: &Fresh, public_url: &str) {
        let payment = &mut self.payment;
        payment.status = Status::Done;
        payment.approved_at = Some(kst::seconds(fresh.now));
        payment.method = Some("카드".to_owned());
        payment.last_transaction_key = Some(transaction_key(fresh));
        payment.card = Some(card(&self.card_number, payment.total_amount, fresh));
        payment.receipt = Some(Link {
            url: format!("{public_url}/toss/receipts/{}", payment.payment_key),
        });
    }

    /// IN_PROGRESS → ABORTED, when the card company declines.
    pub(crate) fn abort(&mut self, error: Error) {
        self.payment.status = Status::Aborted;
        self.payment.failure = Some(Failure {
            code: error.code().to_owned(),
            message: error.korean().to_owned(),
        });
    }

    /// DONE, PARTIAL_CANCELED → PARTIAL_CANCELED, or CANCELED if one cancel takes the whole amount.
    pub(crate) fn cancel(&mut self, request: CancelRequest, fresh: &Fresh) -> Result<(), Error> {
        let amount = self.cancelable(&request)?;
        let payment = &mut self.payment;
        payment.balance_amount -= amount;
        payment.vat = vat(payment.balance_amount);
        payment.supplied_amount = payment.balance_amount - payment.vat;
        payment.last_transaction_key = Some(transaction_key(fresh));
        let whole = payment.cancels.is_none() && payment.balance_amount == 0;
        payment.status = if whole {
            Status::Canceled
        } else {
            Status::PartialCanceled
        };
        payment.cancels.get_or_insert_default().push(Cancel {
            cancel_amount: amount,
            cancel_reason: request.reason,
            tax_free_amount: 0,
            tax_exemption_amount: 0,
            refundable_amount: payment.balance_amount,
            card_discount_amount: 0,
            transfer_discount_amount: 0,
            easy_pay_discount_amount: 0,
            canceled_at: kst::seconds(fresh.now),
            transaction_key: transaction_key(fresh),
            receipt_key: None,
            cancel_status: "DONE".to_owned(),
            cancel_request_id: None,
        });
        Ok(())
    }

    /// Returns the amount to cancel.
    fn cancelable(&self, request: &CancelRequest) -> Result<i64, Error> {
        let balance = self.payment.balance_amount;
        match self.payment.status {
            Status::Done | Status::PartialCanceled => {}
            Status::Canceled => return Err(Error::new("ALREADY_CANCELED_PAYMENT")),
            Status::Ready | Status::InProgress | Status::Aborted | Status::Expired => {
                return Err(Error::new("NOT_CANCELABLE_PAYMENT"));
            }
        }
        if request.refundable.is_some_and(|believed| believed != balance) {
            return Err(Error::new("NOT_MATCHES_REFUNDABLE_AMOUNT"));
        }
        let amount = request.amount.unwrap_or(balance);
        if amount > balance || balance == 0 {
            return Err(Error::new("NOT_CANCELABLE_AMOUNT"));
        }
        if amount <= 0 {
            Err(Error::new("INVALID_REQUEST"))
        } else {
            Ok(amount)
        }
    }
}

fn transaction_key(fresh: &Fresh) -> String {
    format!("txrd_{}", fresh.token)
}

fn card(number: &str, amount: i64, fresh: &Fresh) -> Card {
    let issuer = cards::issuer_code(number).to_owned();
    Card {
        amount,
        acquirer_code: Some(issuer.clone()),
        issuer_code: issuer,
        number: cards::masked(number),
        installment_plan_months: 0,
        approve_no: fresh
            .token
            .bytes()
            .take(8)
            .map(|b| char::from(b'0' + b % 10))
            .collect(),
        use_card_point: false,
        card_type: "신용".to_owned(),
        owner_type: "개인".to_owned(),
        acquire_status: "READY".to_owned(),
        is_interest_free: false,
        interest_payer: None,
    }
}

#[cfg(test)]
mod tests;
