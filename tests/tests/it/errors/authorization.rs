//! Resources of other users: the error is the one for ids that do not exist.

use carshare_proto::booking::v1::{
    ApproveBookingRequest, CancelBookingRequest, CompleteBookingRequest, GetBookingRequest,
    RejectBookingRequest, StartBookingRequest,
};
use carshare_proto::notification::v1::MarkReadRequest;
use carshare_proto::payment::v1::{GetBookingPaymentRequest, ProcessPaymentRequest};
use carshare_proto::vehicle::v1::{
    CompleteImageUploadRequest, CreateImageUploadRequest, DeleteVehicleRequest, UpdateVehicleRequest,
};
use carshare_testkit::eventually;
use serde_json::json;

use super::case::{Case, Clients};
use crate::harness::{Guest, Host, Rest, TIMEOUT, mesh, next_slot};

/// An id that does not exist.
const NOTHING: &str = "5b0e0000-0000-7000-8000-000000000001";

fn read(booking_id: String) -> Case {
    let path = format!("/v1/bookings/{booking_id}");
    Case::get(
        path,
        "booking.BookingService/GetBooking",
        GetBookingRequest { booking_id },
    )
}

/// A lifecycle change of a booking. `verb`: `Approve`.
fn change(verb: &str, id: &str, message: impl prost::Message) -> Case {
    let path = format!("/v1/bookings/{id}/{}", verb.to_lowercase());
    let rpc = format!("booking.BookingService/{verb}Booking");
    Case::put(path, json!({}), &rpc, message)
}

/// Every call of a host on a booking.
fn as_host(id: &str) -> [Case; 6] {
    let booking_id = id.to_owned();
    let approve = ApproveBookingRequest {
        booking_id: booking_id.clone(),
        host_response: None,
    };
    let reject = RejectBookingRequest {
        booking_id: booking_id.clone(),
        host_response: None,
    };
    let cancel = CancelBookingRequest {
        booking_id: booking_id.clone(),
        message: None,
        expected_refund_amount: None,
    };
    let start = StartBookingRequest {
        booking_id: booking_id.clone(),
    };
    let complete = CompleteBookingRequest {
        booking_id: booking_id.clone(),
    };
    [
        read(booking_id),
        change("Approve", id, approve),
        change("Reject", id, reject),
        change("Cancel", id, cancel),
        change("Start", id, start),
        change("Complete", id, complete),
    ]
}

fn vehicle(id: &str) -> [Case; 3] {
    let vehicle_id = id.to_owned();
    let update = UpdateVehicleRequest {
        vehicle_id: vehicle_id.clone(),
        hourly_rate: Some(1_000),
        ..Default::default()
    };
    let image = CreateImageUploadRequest {
        vehicle_id: vehicle_id.clone(),
        content_type: "image/png".to_owned(),
        size_bytes: 70,
    };
    let path = format!("/v1/vehicles/{id}");
    [
        Case::put(
            &path,
            json!({ "hourly_rate": 1_000 }),
            "vehicle.VehicleService/UpdateVehicle",
            update,
        ),
        Case::delete(
            &path,
            "vehicle.VehicleService/DeleteVehicle",
            DeleteVehicleRequest { vehicle_id },
        ),
        Case::post(
            format!("{path}/images"),
            json!({ "content_type": "image/png", "size_bytes": 70 }),
            "vehicle.VehicleService/CreateImageUpload",
            image,
        ),
    ]
}

fn photo(vehicle_id: &str, image_id: &str) -> Case {
    let message = CompleteImageUploadRequest {
        vehicle_id: vehicle_id.to_owned(),
        image_id: image_id.to_owned(),
    };
    let path = format!("/v1/vehicles/{vehicle_id}/images/{image_id}/complete");
    Case::put(
        path,
        json!({}),
        "vehicle.VehicleService/CompleteImageUpload",
        message,
    )
}

fn notification(id: &str) -> Case {
    let message = MarkReadRequest {
        notification_id: id.to_owned(),
    };
    let path = format!("/v1/notifications/{id}/read");
    Case::put(
        path,
        json!({}),
        "notification.NotificationService/MarkRead",
        message,
    )
}

fn payment(booking_id: &str) -> Case {
    let message = GetBookingPaymentRequest {
        booking_id: booking_id.to_owned(),
    };
    let path = format!("/v1/payments/bookings/{booking_id}");
    Case::get(path, "payment.PaymentService/GetBookingPayment", message)
}

fn pay(booking_id: &str) -> Case {
    let message = ProcessPaymentRequest {
        booking_id: booking_id.to_owned(),
        payment_key: "tviva20261122".to_owned(),
        order_id: "order-1".to_owned(),
        amount: 80_000,
    };
    let body = json!({ "booking_id": booking_id, "payment_key": "tviva20261122", "order_id": "order-1", "amount": 80_000 });
    Case::post(
        "/v1/payments/process",
        body,
        "payment.PaymentService/ProcessPayment",
        message,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_of_other_users_are_not_found() {
    let mesh = mesh().await;
    let clients = Clients::of(&mesh).await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let (other_host, other_guest) = (
        Host::register(&mesh).await.rest,
        Guest::register(&mesh).await.rest,
    );
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let booking = guest.request(&car, slot).await;
    let booking = booking.as_str();
    host.approve(booking).await.ok(200);
    guest.confirmed(booking).await;
    let news = eventually(TIMEOUT, || async {
        let news = host.rest.get("/v1/notifications").await.ok(200);
        Some(news[0]["id"].as_str()?.to_owned())
    })
    .await;

    // An id that exists and one that does not: the errors are the same.
    for id in [booking, NOTHING] {
        for case in as_host(id) {
            case.expect_error(&clients, Some(&other_host), "BOOKING001").await;
        }
        read(id.to_owned())
            .expect_error(&clients, Some(&other_guest), "BOOKING001")
            .await;
        payment(id)
            .expect_error(&clients, Some(&other_guest), "PAYMENT001")
            .await;
        payment(id)
            .expect_error(&clients, Some(&other_host), "PAYMENT001")
            .await;
        pay(id)
            .expect_error(&clients, Some(&other_guest), "PAYMENT001")
            .await;
    }
    for id in [&car, NOTHING] {
        for case in vehicle(id) {
            case.expect_error(&clients, Some(&other_host), "VEHICLE001").await;
        }
        photo(id, NOTHING)
            .expect_error(&clients, Some(&other_host), "VEHICLE001")
            .await;
    }
    photo(&car, NOTHING)
        .expect_error(&clients, Some(&host.rest), "VEHICLE008")
        .await;
    for id in [news.as_str(), NOTHING] {
        notification(id)
            .expect_error(&clients, Some(&other_host), "NOTIFICATION001")
            .await;
        notification(id)
            .expect_error(&clients, Some(&guest.rest), "NOTIFICATION001")
            .await;
    }

    assert_empty_lists(&other_host, &other_guest).await;
    // No call had an effect.
    assert_eq!(guest.booking(booking).await["status"], "approved");
    let car = host.rest.get(&format!("/v1/vehicles/{car}")).await.ok(200);
    assert_eq!(car["hourly_rate"], 20_000);
}

/// Asserts that the lists of uninvolved users are empty.
async fn assert_empty_lists(host: &Rest, guest: &Rest) {
    for (path, rest) in [
        ("/v1/bookings", guest),
        ("/v1/bookings", host),
        ("/v1/payments/history", guest),
    ] {
        assert_eq!(rest.get(path).await.ok(200), json!([]), "{path}");
    }
    let news = host.get("/v1/notifications").await.ok(200);
    let kinds: Vec<_> = news
        .as_array()
        .expect("a list")
        .iter()
        .map(|news| &news["type"])
        .collect();
    assert_eq!(kinds, ["user.registered"], "only their own welcome");
}
