//! Classifies error codes by the error table of Toss's API reference.
//!
//! The code decides, because the HTTP status is misleading: a declined card is a 403, an outage can be a 400. The status
//! applies to codes that are not in the table, as Toss adds new ones at any time.

use crate::domain::provider_report::{ErrorKind, ProviderError};

const ANSWERED: ErrorKind = ErrorKind::Unknown { key_spent: true };
const UNANSWERED: ErrorKind = ErrorKind::Unknown { key_spent: false };

/// Classifies an error response by its status and its code, which is `None` when the body is not Toss's.
pub(super) fn by_response(status: u16, code: Option<&str>) -> ProviderError {
    match code {
        Some(code) => ProviderError::new(by_code(code).unwrap_or_else(|| by_status(status)), code),
        // From a proxy in front of Toss: the outcome is unknown and nothing is stored under the idempotency key.
        None => ProviderError::new(UNANSWERED, format!("HTTP_{status}")),
    }
}

/// Classifies the code of `Payment.failure`.
pub(super) fn by_failure(code: &str) -> ProviderError {
    ProviderError::new(by_code(code).unwrap_or(ErrorKind::Declined), code)
}

/// Classifies a request without a response: it may or may not have arrived.
pub(super) fn unanswered(code: &str) -> ProviderError {
    ProviderError::new(UNANSWERED, code)
}

/// Classifies a response that leaves the outcome unknown.
pub(super) fn answered(code: &str) -> ProviderError {
    ProviderError::new(ANSWERED, code)
}

fn by_status(status: u16) -> ErrorKind {
    match status {
        // Too many requests, or the first call is still running.
        409 | 429 => UNANSWERED,
        403 => ErrorKind::Declined,
        400..500 => ErrorKind::OurFault,
        _ => ANSWERED,
    }
}

fn by_code(code: &str) -> Option<ErrorKind> {
    let row = TABLE
        .iter()
        .find(|(_, codes)| codes.split_whitespace().any(|known| known == code));
    row.map(|(verdict, _)| *verdict)
}

const TABLE: [(ErrorKind, &str); 11] = [
    // Transient although a 400, or already done: has to be looked up.
    (ANSWERED, "PROVIDER_ERROR ALREADY_PROCESSED_PAYMENT DUPLICATED_ORDER_ID"),
    // The same for cancels: the balance differs, or it is too soon after another one.
    (
        ANSWERED,
        "ALREADY_CANCELED_PAYMENT ALREADY_REFUND_PAYMENT NOT_MATCHES_REFUNDABLE_AMOUNT NOT_CANCELABLE_AMOUNT
         FORBIDDEN_CONSECUTIVE_REQUEST",
    ),
    // Responses of status 500: the call may have taken effect.
    (
        ANSWERED,
        "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING FAILED_INTERNAL_SYSTEM_PROCESSING UNKNOWN_PAYMENT_ERROR
         FAILED_DB_PROCESSING COMMON_ERROR FAILED_REFUND_PROCESS FAILED_METHOD_HANDLING_CANCEL FAILED_PARTIAL_REFUND",
    ),
    // The first call is still running: repeat under the same key.
    (UNANSWERED, "IDEMPOTENT_REQUEST_PROCESSING"),
    (
        ErrorKind::Declined,
        "INVALID_REJECT_CARD INVALID_STOPPED_CARD INVALID_CARD_NUMBER INVALID_CARD_EXPIRATION
         INVALID_CARD_LOST_OR_STOLEN INVALID_CARD_INSTALLMENT_PLAN EXCEED_MAX_CARD_INSTALLMENT_PLAN
         CARD_PROCESSING_ERROR EXCEED_MAX_AMOUNT EXCEED_MAX_PAYMENT_AMOUNT EXCEED_MAX_DAILY_PAYMENT_COUNT
         EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT
         RESTRICTED_TRANSFER_ACCOUNT INVALID_ACCOUNT_INFO_RE_REGISTER INVALID_AUTHORIZE_AUTH NOT_AVAILABLE_PAYMENT
         NOT_ALLOWED_POINT_USE",
    ),
    // Declines of status 403.
    (
        ErrorKind::Declined,
        "REJECT_CARD_PAYMENT REJECT_ACCOUNT_PAYMENT REJECT_CARD_COMPANY REJECT_TOSSPAY_INVALID_ACCOUNT
         EXCEED_MAX_AUTH_COUNT EXCEED_MAX_ONE_DAY_AMOUNT INVALID_PASSWORD FDS_ERROR NOT_AVAILABLE_BANK",
    ),
    (
        ErrorKind::KeyUnusable,
        "INVALID_BILL_KEY_REQUEST NOT_MATCHES_CUSTOMER_KEY INVALID_CUSTOMER_KEY ALREADY_REMOVED_BILLING_KEY
         NOT_FOUND_BILLING",
    ),
    // EXPIRED_PAYMENT is the failure code of abandoned payments.
    (ErrorKind::SessionExpired, "NOT_FOUND_PAYMENT_SESSION EXPIRED_PAYMENT"),
    (ErrorKind::NotFound, "NOT_FOUND_PAYMENT"),
    (ErrorKind::Mismatch, "INVALID_REQUEST FORBIDDEN_REQUEST"),
    // Contract and configuration errors, and cancels that need an operator.
    (
        ErrorKind::OurFault,
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
