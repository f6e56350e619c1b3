//! Authentication and roles: missing and forged tokens, wrong roles, internal RPCs.

use carshare_proto::auth::v1::GetMeRequest;
use carshare_proto::booking::v1::{ApproveBookingRequest, CreateBookingRequest, ListBookingsRequest};
use carshare_proto::notification::v1::ListNotificationsRequest;
use carshare_proto::payment::v1::{GetPaymentCustomerRequest, ListPaymentsRequest};
use carshare_proto::vehicle::v1::{
    CreateVehicleRequest, DeleteVehicleRequest, PlaceHoldRequest, ReleaseHoldRequest,
};
use carshare_testkit::Tokens;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::Code;
use uuid::Uuid;

use super::case::{Case, Clients};
use crate::harness::{Guest, Host, Rest, mesh};

const ID: &str = "5b0e0000-0000-7000-8000-000000000001";

/// One authenticated call of each service.
fn authenticated_calls() -> [Case; 5] {
    [
        Case::get("/v1/auth/me", "auth.AuthService/GetMe", GetMeRequest {}),
        Case::delete(
            format!("/v1/vehicles/{ID}"),
            "vehicle.VehicleService/DeleteVehicle",
            DeleteVehicleRequest {
                vehicle_id: ID.to_owned(),
            },
        ),
        Case::get(
            "/v1/bookings",
            "booking.BookingService/ListBookings",
            ListBookingsRequest::default(),
        ),
        Case::get(
            "/v1/payments/history",
            "payment.PaymentService/ListPayments",
            ListPaymentsRequest::default(),
        ),
        Case::get(
            "/v1/notifications",
            "notification.NotificationService/ListNotifications",
            ListNotificationsRequest::default(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_forged_tokens_are_401() {
    let mesh = mesh().await;
    let clients = Clients::of(&mesh).await;
    let now = mesh.now();
    let stranger = Tokens::new()
        .expect("a key")
        .mint("admin", Uuid::from_u128(7), now);
    let elsewhere = Tokens::new().expect("a key").issued_by("https://elsewhere.kr");
    let elsewhere = elsewhere.mint("admin", Uuid::from_u128(7), now);
    let good = Guest::register(&mesh).await;
    let (head, signature) = good.rest.token().rsplit_once('.').expect("a signature");
    let unsigned = format!("{head}.");
    let turned: String = signature.chars().rev().collect();
    let forged = format!("{head}.{turned}");
    let long = "x".repeat(7_000);
    let tokens = [
        None,
        Some("garbage"),
        Some("a.b.c"),
        Some(&stranger),
        Some(&elsewhere),
        Some(&unsigned),
        Some(&forged),
        Some(&long),
    ];
    for token in tokens {
        let who = token.map(|token| clients.rest.signed_in(token));
        for case in authenticated_calls() {
            case.expect_error(&clients, who.as_ref(), "AUTH001").await;
        }
    }
    for scheme in ["Basic Zm9vOmJhcg==", "Bearer", "Bearer ", ""] {
        let request = clients
            .rest
            .request(Method::GET, "/v1/auth/me")
            .header("authorization", scheme);
        crate::harness::Response::of(request)
            .await
            .expect_error(401, "AUTH001");
    }
    good.rest.get("/v1/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_role_is_forbidden_and_internal_rpcs_are_not_found() {
    let mesh = mesh().await;
    let clients = Clients::of(&mesh).await;
    let (host, guest) = (
        Host::register(&mesh).await.rest,
        Guest::register(&mesh).await.rest,
    );
    let book = Case::post(
        "/v1/bookings",
        json!({}),
        "booking.BookingService/CreateBooking",
        CreateBookingRequest::default(),
    );
    let approve = Case::put(
        format!("/v1/bookings/{ID}/approve"),
        json!({}),
        "booking.BookingService/ApproveBooking",
        ApproveBookingRequest {
            booking_id: ID.to_owned(),
            host_response: None,
        },
    );
    let offer = Case::post(
        "/v1/vehicles",
        json!({}),
        "vehicle.VehicleService/CreateVehicle",
        CreateVehicleRequest::default(),
    );
    let card = Case::get(
        "/v1/payments/customer",
        "payment.PaymentService/GetPaymentCustomer",
        GetPaymentCustomerRequest {},
    );
    for (case, who) in [(book, &host), (card, &host), (approve, &guest), (offer, &guest)] {
        // The role is checked before the fields.
        assert_eq!(
            case.expect_error(&clients, Some(who), "AUTH003")
                .await
                .violations(),
            []
        );
    }
    internal(&clients, [None, Some(&host), Some(&guest)]).await;
}

async fn internal(clients: &Clients, callers: [Option<&Rest>; 3]) {
    let hold = PlaceHoldRequest {
        booking_id: ID.to_owned(),
        ..Default::default()
    };
    let place = Case::post("/", Value::Null, "vehicle.VehicleService/PlaceHold", hold);
    let release = ReleaseHoldRequest {
        booking_id: ID.to_owned(),
    };
    let release = Case::post("/", Value::Null, "vehicle.VehicleService/ReleaseHold", release);
    let unknown = Case::post(
        "/",
        Value::Null,
        "vehicle.VehicleService/Nothing",
        GetMeRequest {},
    );
    for who in callers {
        for case in [&place, &release, &unknown] {
            case.expect_grpc_error(clients, who, Code::Unimplemented, "COMMON012")
                .await;
        }
        let rest = who.unwrap_or(&clients.rest);
        for path in ["/v1/holds", "/v1/vehicles/holds/place"] {
            rest.post(path, &json!({ "booking_id": ID }))
                .await
                .expect_error(404, "COMMON002");
        }
        // A POST with JSON to the path of an RPC is a Connect call.
        for rpc in ["PlaceHold", "ReleaseHold", "Nothing"] {
            let path = format!("/carshare.vehicle.v1.VehicleService/{rpc}");
            let refused = rest.post(&path, &json!({ "booking_id": ID })).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.body["code"]),
                (501, &json!("unimplemented")),
                "{rpc}"
            );
        }
    }
}
