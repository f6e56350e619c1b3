//! Invalid fields of bookings, payments and notifications.

use carshare_proto::booking::v1::{CreateBookingRequest, GetBookingRequest, ListBookingsRequest};
use carshare_proto::notification::v1::{MarkReadRequest, RegisterDeviceRequest};
use carshare_proto::payment::v1::ProcessPaymentRequest;
use prost_types::Timestamp;
use serde_json::{Value, json};

use crate::errors::case::{Case, Faults};

const ID: &str = "5b0e0000-0000-7000-8000-000000000001";

fn booking(body: Value, message: CreateBookingRequest) -> Case {
    Case::post(
        "/v1/bookings",
        body,
        "booking.BookingService/CreateBooking",
        message,
    )
}

pub(super) fn empty_booking() -> (Case, Faults) {
    let message = CreateBookingRequest {
        vehicle_id: "../../etc/passwd".to_owned(),
        guest_message: Some("x".repeat(1001)),
        ..Default::default()
    };
    let case = booking(
        json!({ "vehicle_id": "../../etc/passwd", "guest_message": "x".repeat(1001) }),
        message,
    );
    let faults: Faults = &[
        ("vehicle_id", "STRING_UUID"),
        ("start_datetime", "REQUIRED"),
        ("end_datetime", "REQUIRED"),
        ("guest_message", "STRING_MAX_LEN"),
    ];
    (case, faults)
}

/// A period of fifty minutes, under the minimum of an hour.
pub(super) fn short_booking() -> (Case, Faults) {
    let body = json!({ "vehicle_id": ID, "start_datetime": "2030-01-01T00:00:00Z", "end_datetime": "2030-01-01T00:50:00Z" });
    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let message = CreateBookingRequest {
        vehicle_id: ID.to_owned(),
        start_datetime: at(1_893_456_000),
        end_datetime: at(1_893_459_000),
        guest_message: None,
        quote_token: None,
        coupon_code: None,
    };
    let case = booking(body, message);
    let faults: Faults = &[
        ("start_datetime", "CREATE_BOOKING_PERIOD"),
        ("end_datetime", "CREATE_BOOKING_PERIOD"),
    ];
    (case, faults)
}

pub(super) fn read_booking() -> (Case, Faults) {
    let message = GetBookingRequest {
        booking_id: "1' OR '1'='1".to_owned(),
    };
    let path = "/v1/bookings/1'%20OR%20'1'='1";
    let case = Case::get(path, "booking.BookingService/GetBooking", message);
    let faults: Faults = &[("booking_id", "STRING_UUID")];
    (case, faults)
}

pub(super) fn list(page_size: i32, page_token: &str, faults: Faults) -> (Case, Faults) {
    let message = ListBookingsRequest {
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let path = format!("/v1/bookings?page_size={page_size}&page_token={page_token}");
    let case = Case::get(path, "booking.BookingService/ListBookings", message);
    (case, faults)
}

pub(super) fn payment() -> (Case, Faults) {
    let rest = json!({ "booking_id": "", "payment_key": "", "order_id": "a b", "amount": -1 });
    let message = ProcessPaymentRequest {
        order_id: "a b".to_owned(),
        amount: -1,
        ..Default::default()
    };
    let case = Case::post(
        "/v1/payments/process",
        rest,
        "payment.PaymentService/ProcessPayment",
        message,
    );
    let faults: Faults = &[
        ("booking_id", "STRING_UUID_EMPTY"),
        ("payment_key", "STRING_MIN_LEN"),
        ("order_id", "STRING_PATTERN"),
        ("amount", "INT64_GT"),
    ];
    (case, faults)
}

pub(super) fn device() -> (Case, Faults) {
    let path = "/v1/notifications/devices";
    let rpc = "notification.NotificationService/RegisterDevice";
    let case = Case::post(path, json!({}), rpc, RegisterDeviceRequest::default());
    let faults: Faults = &[("token", "STRING_MIN_LEN"), ("platform", "ENUM_NOT_IN")];
    (case, faults)
}

pub(super) fn read_notification() -> (Case, Faults) {
    let message = MarkReadRequest {
        notification_id: "none".to_owned(),
    };
    let rpc = "notification.NotificationService/MarkRead";
    let case = Case::put("/v1/notifications/none/read", Value::Null, rpc, message);
    let faults: Faults = &[("notification_id", "STRING_UUID")];
    (case, faults)
}
