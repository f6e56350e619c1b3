//! The booking journey with the generated clients over each gRPC protocol.

use carshare_mesh::Mesh;
use carshare_proto::auth::v1::{AuthResponse, RegisterRequest};
use carshare_proto::booking::v1::{
    ApproveBookingRequest, Booking, BookingStatus, CancelBookingRequest, CancellationReason,
    CreateBookingRequest, GetBookingRequest, PaymentStatus,
};
use carshare_proto::notification::v1::subscribe_response::Event;
use carshare_proto::notification::v1::{Notification, SubscribeRequest, SubscribeResponse};
use carshare_proto::options::v1::Role;
use carshare_proto::payment::v1::{GetPaymentCustomerRequest, RegisterPaymentMethodRequest};
use carshare_proto::vehicle::v1::{
    CompleteImageUploadRequest, CreateImageUploadRequest, CreateVehicleRequest, FuelType,
    SearchVehiclesRequest, Transmission, Vehicle, VehicleStatus,
};
use carshare_sandbox::PaymentStatus as Charged;
use carshare_testkit::eventually_true;
use prost_types::Timestamp;
use serde_json::json;
use tonic::Streaming;

use crate::harness::{GrpcClient, Protocol, Rest, Slot, TIMEOUT, mesh, next_slot, photo, put, with_token};

#[tokio::test(flavor = "multi_thread")]
async fn booking_journey_over_native_grpc() {
    Box::pin(journey(Protocol::Native)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn booking_journey_over_grpc_web() {
    Box::pin(journey(Protocol::Web)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn booking_journey_over_grpc_web_text() {
    Box::pin(journey(Protocol::WebText)).await;
}

async fn journey(form: Protocol) {
    let mesh = mesh().await;
    let wire = GrpcClient::connect(&mesh, form).await;
    let host = register(&wire, "host@example.com", Role::Host).await;
    let guest = register(&wire, "guest@example.com", Role::Guest).await;
    let car = car(&wire, &host).await;
    card(&mesh, &wire, &guest).await;
    let slot = next_slot(mesh.now());
    assert_eq!(found(&wire, slot).await, std::slice::from_ref(&car.id));

    let (mut to_host, mut to_guest) = (subscribe(&wire, &host).await, subscribe(&wire, &guest).await);
    let request = CreateBookingRequest {
        vehicle_id: car.id.clone(),
        start_datetime: Some(timestamp(slot.start)),
        end_datetime: Some(timestamp(slot.end)),
        guest_message: None,
        quote_token: None,
        coupon_code: None,
    };
    let pending = wire.booking().create_booking(with_token(&guest, request)).await;
    let pending = pending.expect("a booking").into_inner();
    assert_eq!(state(&pending), (BookingStatus::Pending, PaymentStatus::None));
    assert_eq!((pending.total_amount, pending.platform_fee), (80_000, 12_000));
    assert_eq!(found(&wire, slot).await, [""; 0]);
    let asked = next_notification(&mut to_host, "booking.requested").await;
    assert_eq!(asked.data["booking_id"], pending.id);

    let approve = ApproveBookingRequest {
        booking_id: pending.id.clone(),
        host_response: Some("네, 좋습니다.".to_owned()),
    };
    let approved = wire.booking().approve_booking(with_token(&host, approve)).await;
    let approved = approved.expect("an approval").into_inner();
    assert_eq!(
        state(&approved),
        (BookingStatus::Approved, PaymentStatus::Pending)
    );
    let confirmed = next_notification(&mut to_guest, "booking.confirmed").await;
    assert_eq!(confirmed.data["booking_id"], pending.id);
    let paid = booking(&wire, &guest, &pending.id).await;
    assert_eq!(state(&paid), (BookingStatus::Approved, PaymentStatus::Paid));
    assert!(paid.confirmed_at.is_some());
    assert_eq!(charges(&mesh), [(Charged::Done, 80_000)]);

    let cancel = CancelBookingRequest {
        booking_id: pending.id.clone(),
        message: None,
        expected_refund_amount: None,
    };
    let cancelled = wire.booking().cancel_booking(with_token(&guest, cancel)).await;
    let cancellation = cancelled.expect("a cancellation").into_inner().cancellation;
    let cancellation = cancellation.expect("its terms");
    assert_eq!(
        (cancellation.reason(), cancellation.refund_amount),
        (CancellationReason::Guest, 80_000)
    );
    eventually_true(TIMEOUT, || async {
        booking(&wire, &guest, &pending.id).await.payment_status() == PaymentStatus::Refunded
    })
    .await;
    assert_eq!(charges(&mesh), [(Charged::Canceled, 0)]);
    next_notification(&mut to_host, "booking.cancelled").await;
    eventually_true(TIMEOUT, || async {
        found(&wire, slot).await == std::slice::from_ref(&car.id)
    })
    .await;
}

/// Registers an account; its access token.
async fn register(wire: &GrpcClient, email: &str, role: Role) -> String {
    let request = RegisterRequest {
        email: email.to_owned(),
        password: "correct horse 42".to_owned(),
        name: "박서준".to_owned(),
        phone: "010-2345-6789".to_owned(),
        role: role.into(),
    };
    let session: AuthResponse = wire
        .auth()
        .register(request)
        .await
        .expect("an account")
        .into_inner();
    assert_eq!(session.expires_in, 900);
    let user = session.user.expect("a user");
    assert_eq!((user.email.as_str(), user.role()), (email, role));
    session.access_token
}

/// A new active car.
async fn car(wire: &GrpcClient, host: &str) -> Vehicle {
    let request = CreateVehicleRequest {
        license_plate: "12하3456".to_owned(),
        make: "Genesis".to_owned(),
        model: "G80".to_owned(),
        year: 2025,
        color: None,
        fuel_type: FuelType::Gasoline.into(),
        transmission: Transmission::Automatic.into(),
        hourly_rate: 20_000,
        location_address: "서울 중구 세종대로 110".to_owned(),
        description: None,
        instant_book: false,
        pricing: None,
    };
    let car = wire.vehicle().create_vehicle(with_token(host, request)).await;
    let car = car.expect("a car").into_inner();
    assert_eq!(car.status(), VehicleStatus::Inactive);
    let photo = photo();
    let announced = CreateImageUploadRequest {
        vehicle_id: car.id.clone(),
        content_type: "image/png".to_owned(),
        size_bytes: photo.len() as i64,
    };
    let upload = wire
        .vehicle()
        .create_image_upload(with_token(host, announced))
        .await;
    let upload = upload.expect("an upload").into_inner();
    let place = json!({ "url": upload.url, "headers": upload.headers });
    assert_eq!(put(&place, photo).await, 200);
    let complete = CompleteImageUploadRequest {
        vehicle_id: car.id,
        image_id: upload.image_id,
    };
    let active = wire
        .vehicle()
        .complete_image_upload(with_token(host, complete))
        .await;
    let active = active.expect("an active car").into_inner();
    assert_eq!((active.status(), active.images.len()), (VehicleStatus::Active, 1));
    active
}

/// Registers a card.
async fn card(mesh: &Mesh, wire: &GrpcClient, guest: &str) {
    let customer = wire
        .payment()
        .get_payment_customer(with_token(guest, GetPaymentCustomerRequest {}))
        .await
        .expect("a customer")
        .into_inner();
    let card = json!({
        "customerKey": customer.customer_key, "cardNumber": carshare_sandbox::GOOD_CARD,
        "cardExpirationYear": "30", "cardExpirationMonth": "12",
    });
    let window = Rest::at(mesh.sandbox().url())
        .post("/toss/sandbox/cards", &card)
        .await;
    let auth_key = window.body["authKey"].as_str().expect("a key").to_owned();
    let method = wire
        .payment()
        .register_payment_method(with_token(guest, RegisterPaymentMethodRequest { auth_key }))
        .await
        .expect("a card");
    assert!(method.into_inner().is_default);
}

/// Ids of the cars that search shows for this period.
async fn found(wire: &GrpcClient, slot: Slot) -> Vec<String> {
    let request = SearchVehiclesRequest {
        lat: Some(37.5663),
        lng: Some(126.9778),
        start_datetime: Some(timestamp(slot.start)),
        end_datetime: Some(timestamp(slot.end)),
        ..Default::default()
    };
    let cars = wire
        .vehicle()
        .search_vehicles(request)
        .await
        .expect("cars")
        .into_inner();
    cars.vehicles.into_iter().map(|car| car.id).collect()
}

/// Opens a notification stream and reads its first heartbeat.
async fn subscribe(wire: &GrpcClient, token: &str) -> Streaming<SubscribeResponse> {
    let request = with_token(token, SubscribeRequest::default());
    let mut stream = wire
        .notification()
        .subscribe(request)
        .await
        .expect("a stream")
        .into_inner();
    let first = stream
        .message()
        .await
        .expect("an open stream")
        .expect("a message");
    assert!(matches!(first.event, Some(Event::Heartbeat(_))), "{first:?}");
    stream
}

/// The next notification of this type; skips others.
async fn next_notification(stream: &mut Streaming<SubscribeResponse>, kind: &str) -> Notification {
    let wait = async {
        loop {
            let message = stream
                .message()
                .await
                .expect("an open stream")
                .expect("a message");
            match message.event {
                Some(Event::Notification(next)) if next.r#type == kind => return next,
                _ => {}
            }
        }
    };
    tokio::time::timeout(TIMEOUT, wait)
        .await
        .expect("a notification in time")
}

async fn booking(wire: &GrpcClient, token: &str, id: &str) -> Booking {
    let request = GetBookingRequest {
        booking_id: id.to_owned(),
    };
    wire.booking()
        .get_booking(with_token(token, request))
        .await
        .expect("a booking")
        .into_inner()
}

fn state(booking: &Booking) -> (BookingStatus, PaymentStatus) {
    (booking.status(), booking.payment_status())
}

/// State and balance of each payment at Toss.
fn charges(mesh: &Mesh) -> Vec<(Charged, i64)> {
    mesh.sandbox()
        .payments()
        .iter()
        .map(|p| (p.status, p.balance_amount))
        .collect()
}

fn timestamp(at: chrono::DateTime<chrono::Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: 0,
    }
}
