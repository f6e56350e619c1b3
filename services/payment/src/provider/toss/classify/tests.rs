//! Tests of every code of the API reference.

use rstest::rstest;

use super::*;

#[rstest]
#[case::transient_although_400(400, &["PROVIDER_ERROR", "ALREADY_PROCESSED_PAYMENT", "DUPLICATED_ORDER_ID"], ANSWERED)]
#[case::contract(400, &["INVALID_API_KEY", "INVALID_ORDER_ID", "UNAPPROVED_ORDER_ID", "BELOW_MINIMUM_AMOUNT",
    "NOT_FOUND_TERMINAL_ID", "INVALID_UNREGISTERED_SUBMALL", "NOT_REGISTERED_BUSINESS"], ErrorKind::OurFault)]
#[case::mismatch(400, &["INVALID_REQUEST"], ErrorKind::Mismatch)]
#[case::method(400, &["INVALID_REJECT_CARD", "INVALID_STOPPED_CARD", "INVALID_CARD_NUMBER", "INVALID_CARD_EXPIRATION",
    "INVALID_CARD_LOST_OR_STOLEN", "INVALID_CARD_INSTALLMENT_PLAN", "EXCEED_MAX_CARD_INSTALLMENT_PLAN",
    "CARD_PROCESSING_ERROR", "EXCEED_MAX_AMOUNT", "EXCEED_MAX_PAYMENT_AMOUNT", "EXCEED_MAX_DAILY_PAYMENT_COUNT",
    "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT", "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT", "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT",
    "RESTRICTED_TRANSFER_ACCOUNT", "INVALID_ACCOUNT_INFO_RE_REGISTER", "INVALID_AUTHORIZE_AUTH",
    "NOT_AVAILABLE_PAYMENT", "NOT_ALLOWED_POINT_USE"], ErrorKind::Declined)]
#[case::billing_key(400, &["INVALID_BILL_KEY_REQUEST", "NOT_MATCHES_CUSTOMER_KEY", "INVALID_CUSTOMER_KEY",
    "ALREADY_REMOVED_BILLING_KEY"], ErrorKind::KeyUnusable)]
#[case::configuration(401, &["UNAUTHORIZED_KEY"], ErrorKind::OurFault)]
#[case::declines_of_status_403(403, &["REJECT_CARD_PAYMENT", "REJECT_ACCOUNT_PAYMENT",
    "REJECT_CARD_COMPANY", "REJECT_TOSSPAY_INVALID_ACCOUNT", "EXCEED_MAX_AUTH_COUNT", "EXCEED_MAX_ONE_DAY_AMOUNT",
    "INVALID_PASSWORD", "FDS_ERROR", "NOT_AVAILABLE_BANK"], ErrorKind::Declined)]
#[case::forbidden(403, &["FORBIDDEN_REQUEST"], ErrorKind::Mismatch)]
#[case::header(403, &["INCORRECT_BASIC_AUTH_FORMAT"], ErrorKind::OurFault)]
#[case::session_expired(404, &["NOT_FOUND_PAYMENT_SESSION"], ErrorKind::SessionExpired)]
#[case::no_payment(404, &["NOT_FOUND_PAYMENT"], ErrorKind::NotFound)]
#[case::no_billing_key(404, &["NOT_FOUND_BILLING"], ErrorKind::KeyUnusable)]
#[case::still_running(409, &["IDEMPOTENT_REQUEST_PROCESSING"], UNANSWERED)]
#[case::outage(500, &["FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", "FAILED_INTERNAL_SYSTEM_PROCESSING",
    "UNKNOWN_PAYMENT_ERROR", "FAILED_DB_PROCESSING", "COMMON_ERROR", "FAILED_REFUND_PROCESS",
    "FAILED_METHOD_HANDLING_CANCEL", "FAILED_PARTIAL_REFUND"], ANSWERED)]
#[case::cancel_done_or_balance_moved(400, &["ALREADY_CANCELED_PAYMENT", "ALREADY_REFUND_PAYMENT",
    "NOT_MATCHES_REFUNDABLE_AMOUNT"], ANSWERED)]
#[case::cancel_of_too_much(403, &["NOT_CANCELABLE_AMOUNT", "FORBIDDEN_CONSECUTIVE_REQUEST"], ANSWERED)]
#[case::cancel_stuck(400, &["INVALID_REFUND_ACCOUNT_INFO", "INVALID_REFUND_ACCOUNT_NUMBER", "INVALID_BANK",
    "EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT", "REFUND_REJECTED", "FORBIDDEN_BANK_REFUND_REQUEST",
    "NOT_CANCELABLE_PAYMENT", "EXCEED_MAX_REFUND_DUE", "NOT_ALLOWED_PARTIAL_REFUND",
    "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT", "NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER",
    "EXCEED_CANCEL_LIMIT"], ErrorKind::OurFault)]
fn classifies_known_codes(#[case] status: u16, #[case] codes: &[&str], #[case] kind: ErrorKind) {
    for code in codes {
        assert_eq!(
            by_response(status, Some(code)),
            ProviderError::new(kind, *code),
            "{code}"
        );
    }
}

#[rstest]
#[case(400, ErrorKind::OurFault)]
#[case(403, ErrorKind::Declined)]
#[case(404, ErrorKind::OurFault)]
#[case(409, UNANSWERED)]
#[case(429, UNANSWERED)]
#[case(500, ANSWERED)]
#[case(503, ANSWERED)]
fn classifies_unknown_codes_by_status(#[case] status: u16, #[case] kind: ErrorKind) {
    assert_eq!(
        by_response(status, Some("BRAND_NEW")),
        ProviderError::new(kind, "BRAND_NEW")
    );
}

#[rstest]
#[case(502, "HTTP_502")]
#[case(429, "HTTP_429")]
#[case(404, "HTTP_404")]
#[case(400, "HTTP_400")]
fn responses_of_proxies_leave_the_outcome_unknown_and_the_key_unspent(
    #[case] status: u16,
    #[case] code: &str,
) {
    assert_eq!(by_response(status, None), ProviderError::new(UNANSWERED, code));
}

#[test]
fn unknown_failure_codes_are_declines() {
    assert_eq!(by_failure("BRAND_NEW").kind, ErrorKind::Declined);
    assert_eq!(by_failure("EXPIRED_PAYMENT").kind, ErrorKind::SessionExpired);
    assert_eq!(by_failure("PROVIDER_ERROR").kind, ANSWERED);
}
