//! What Toss's refusals mean: the error table of their reference, in one place.
//!
//! HTTP statuses alone mislead: a declined card is a 403, an outage can be a 400. The code decides; the status is for
//! codes that are not in the table, for new ones appear at any time.

use crate::domain::finding::{Refusal, Verdict};

const ANSWERED: Verdict = Verdict::Unknown { key_spent: true };
const UNANSWERED: Verdict = Verdict::Unknown { key_spent: false };

/// The meaning of a refusal by its HTTP status and, when the body was Toss's, its code.
pub(super) fn refusal(status: u16, code: Option<&str>) -> Refusal {
    match code {
        Some(code) => Refusal::new(by_code(code).unwrap_or_else(|| by_status(status)), code),
        // Not Toss itself but something in front of it: it knows nothing, and nothing is kept under the idempotency key.
        None => Refusal::new(UNANSWERED, format!("HTTP_{status}")),
    }
}

/// The meaning of a code of `Payment.failure`.
pub(super) fn failure(code: &str) -> Refusal {
    Refusal::new(by_code(code).unwrap_or(Verdict::Declined), code)
}

/// A request without an answer: it may or may not have arrived.
pub(super) fn unanswered(code: &str) -> Refusal {
    Refusal::new(UNANSWERED, code)
}

/// An answer that does not tell whether anything was done.
pub(super) fn answered(code: &str) -> Refusal {
    Refusal::new(ANSWERED, code)
}

fn by_status(status: u16) -> Verdict {
    match status {
        // Too many requests, or the first one still runs.
        409 | 429 => UNANSWERED,
        403 => Verdict::Declined,
        400..500 => Verdict::OurFault,
        _ => ANSWERED,
    }
}

fn by_code(code: &str) -> Option<Verdict> {
    let row = TABLE
        .iter()
        .find(|(_, codes)| codes.split_whitespace().any(|known| known == code));
    row.map(|(verdict, _)| *verdict)
}

const TABLE: [(Verdict, &str); 11] = [
    // Transient although a 400, or done before: only a query tells.
    (ANSWERED, "PROVIDER_ERROR ALREADY_PROCESSED_PAYMENT DUPLICATED_ORDER_ID"),
    // The same for a cancel: the balance is not what we thought, or it is too soon after another.
    (
        ANSWERED,
        "ALREADY_CANCELED_PAYMENT ALREADY_REFUND_PAYMENT NOT_MATCHES_REFUNDABLE_AMOUNT NOT_CANCELABLE_AMOUNT
         FORBIDDEN_CONSECUTIVE_REQUEST",
    ),
    // Answered with a 500, so something may have happened.
    (
        ANSWERED,
        "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING FAILED_INTERNAL_SYSTEM_PROCESSING UNKNOWN_PAYMENT_ERROR
         FAILED_DB_PROCESSING COMMON_ERROR FAILED_REFUND_PROCESS FAILED_METHOD_HANDLING_CANCEL FAILED_PARTIAL_REFUND",
    ),
    // Not answered yet: the same key later.
    (UNANSWERED, "IDEMPOTENT_REQUEST_PROCESSING"),
    (
        Verdict::Declined,
        "INVALID_REJECT_CARD INVALID_STOPPED_CARD INVALID_CARD_NUMBER INVALID_CARD_EXPIRATION
         INVALID_CARD_LOST_OR_STOLEN INVALID_CARD_INSTALLMENT_PLAN EXCEED_MAX_CARD_INSTALLMENT_PLAN
         CARD_PROCESSING_ERROR EXCEED_MAX_AMOUNT EXCEED_MAX_PAYMENT_AMOUNT EXCEED_MAX_DAILY_PAYMENT_COUNT
         EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT
         RESTRICTED_TRANSFER_ACCOUNT INVALID_ACCOUNT_INFO_RE_REGISTER INVALID_AUTHORIZE_AUTH NOT_AVAILABLE_PAYMENT
         NOT_ALLOWED_POINT_USE",
    ),
    // 403, and declines all the same.
    (
        Verdict::Declined,
        "REJECT_CARD_PAYMENT REJECT_ACCOUNT_PAYMENT REJECT_CARD_COMPANY REJECT_TOSSPAY_INVALID_ACCOUNT
         EXCEED_MAX_AUTH_COUNT EXCEED_MAX_ONE_DAY_AMOUNT INVALID_PASSWORD FDS_ERROR NOT_AVAILABLE_BANK",
    ),
    (
        Verdict::KeyUnusable,
        "INVALID_BILL_KEY_REQUEST NOT_MATCHES_CUSTOMER_KEY INVALID_CUSTOMER_KEY ALREADY_REMOVED_BILLING_KEY
         NOT_FOUND_BILLING",
    ),
    // The failure code of a payment that nobody came back to is EXPIRED_PAYMENT.
    (Verdict::SessionOver, "NOT_FOUND_PAYMENT_SESSION EXPIRED_PAYMENT"),
    (Verdict::NotFound, "NOT_FOUND_PAYMENT"),
    (Verdict::Mismatch, "INVALID_REQUEST FORBIDDEN_REQUEST"),
    // Contract, configuration, and cancels that only a person can bring about.
    (
        Verdict::OurFault,
        "INVALID_API_KEY INVALID_ORDER_ID UNAPPROVED_ORDER_ID BELOW_MINIMUM_AMOUNT NOT_FOUND_TERMINAL_ID
         INVALID_UNREGISTERED_SUBMALL NOT_REGISTERED_BUSINESS UNAUTHORIZED_KEY INCORRECT_BASIC_AUTH_FORMAT
         NOT_SUPPORTED_METHOD INVALID_IDEMPOTENCY_KEY INVALID_TEST_CODE
         INVALID_REFUND_ACCOUNT_INFO INVALID_REFUND_ACCOUNT_NUMBER INVALID_BANK EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT
         REFUND_REJECTED FORBIDDEN_BANK_REFUND_REQUEST NOT_CANCELABLE_PAYMENT EXCEED_MAX_REFUND_DUE
         NOT_ALLOWED_PARTIAL_REFUND NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT
         NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER EXCEED_CANCEL_LIMIT",
    ),
];

#[cfg(test)]
mod tests;
