//! Auth, booking and notification on one port. The request chooses the reply.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carshare_chassis::http_server::{self, Options, Protocol};
use carshare_chassis::{Error, Lang, Shutdown, task};
use carshare_proto::auth::v1::{LogoutRequest, LogoutResponse};
use carshare_proto::booking::v1::{
    Booking, BookingStatus, CreateBookingRequest, ErrorReason, GetBookingRequest, ListBookingsRequest,
    ListBookingsResponse,
};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1::subscribe_response::Event;
use carshare_proto::notification::v1::{
    ErrorReason as NotificationError, Heartbeat, ListNotificationsRequest, ListNotificationsResponse,
    Notification, SubscribeRequest, SubscribeResponse,
};
use carshare_testkit::proxy::FaultProxy;
use carshare_testkit::{GrpcStub, Tokens};
use futures::{Stream, StreamExt as _, stream};
use tokio::net::TcpListener;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};
use tonic_health::ServingStatus;

pub const STREAMS_PER_CONNECTION: u32 = 100;

/// The running services.
pub struct FakeServices {
    pub address: SocketAddr,
    /// Metadata of the calls, but for those of the key set.
    calls: Arc<Mutex<Vec<MetadataMap>>>,
    /// Shared with every open stream.
    open_streams: Arc<()>,
    proxy: FaultProxy,
}

impl FakeServices {
    pub async fn start(tokens: &Tokens) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let proxy = FaultProxy::start(target).await.unwrap();
        let services = Self {
            address: proxy.address(),
            proxy,
            calls: Arc::default(),
            open_streams: Arc::default(),
        };
        let open_streams = Arc::downgrade(&services.open_streams);
        let subscribe = move |request| std::future::ready(subscribe(request, open_streams.upgrade()));
        let stub = GrpcStub::new()
            .jwks(tokens)
            .unary("/carshare.auth.v1.AuthService/Logout", services.record(logout))
            .unary(
                "/carshare.booking.v1.BookingService/CreateBooking",
                services.record(create_booking),
            )
            .unary(
                "/carshare.booking.v1.BookingService/GetBooking",
                services.record(get_booking),
            )
            .unary(
                "/carshare.booking.v1.BookingService/ListBookings",
                services.record(list_bookings),
            )
            .unary(
                "/carshare.notification.v1.NotificationService/ListNotifications",
                services.record(list_notifications),
            )
            .server_streaming(
                "/carshare.notification.v1.NotificationService/Subscribe",
                services.record(subscribe),
            );
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter
            .set_service_status("carshare.booking.v1.BookingService", ServingStatus::Serving)
            .await;
        let routes = stub.into_routes().add_service(health).prepare();
        // tonic's own server would enforce deadlines, which the gateway has to.
        let options = Options {
            tls: None,
            protocol: Protocol::Http2,
            max_streams_per_connection: STREAMS_PER_CONNECTION,
            drain_timeout: Duration::ZERO,
            admission: None,
        };
        let stop = Shutdown::new().token().clone();
        task::spawn("services", http_server::serve(listener, options, routes, stop));
        services
    }

    /// Records the metadata of the calls of a handler.
    fn record<Req, Fut>(
        &self,
        handler: impl Fn(Req) -> Fut + Clone + Send + Sync + 'static,
    ) -> impl Fn(Request<Req>) -> Fut + Clone + Send + Sync + 'static {
        let calls = Arc::clone(&self.calls);
        move |request: Request<Req>| {
            calls.lock().unwrap().push(request.metadata().clone());
            handler(request.into_inner())
        }
    }

    /// Returns the metadata of the last call.
    pub fn last(&self) -> MetadataMap {
        self.calls.lock().unwrap().last().cloned().expect("a call")
    }

    pub fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// Breaks every connection, as the death of the processes does.
    pub fn kill(&self) {
        self.proxy.cut();
    }

    /// Returns the number of open streams.
    pub fn streams(&self) -> usize {
        Arc::strong_count(&self.open_streams) - 1
    }
}

async fn logout(_: LogoutRequest) -> Result<LogoutResponse, Status> {
    Ok(LogoutResponse {})
}

/// The guest's message chooses an error, or that the call never ends.
async fn create_booking(request: CreateBookingRequest) -> Result<Booking, Status> {
    match request.guest_message.as_deref() {
        Some("taken") => return Err(Error::new(ErrorReason::SlotTaken).into_status(Lang::En)),
        Some("bare") => return Err(Status::internal("secret inner text")),
        Some("hang") => std::future::pending().await,
        _ => {}
    }
    Ok(Booking {
        id: "b-1".into(),
        vehicle_id: request.vehicle_id,
        start_datetime: request.start_datetime,
        end_datetime: request.end_datetime,
        total_amount: 52_000,
        platform_fee: 7_800,
        status: BookingStatus::Pending.into(),
        guest_message: request.guest_message,
        ..Default::default()
    })
}

async fn get_booking(request: GetBookingRequest) -> Result<Booking, Status> {
    Ok(Booking {
        id: request.booking_id,
        ..Default::default()
    })
}

/// Returns a booking in each of the requested statuses, on each of two pages.
async fn list_bookings(request: ListBookingsRequest) -> Result<ListBookingsResponse, Status> {
    let statuses = if request.statuses.is_empty() {
        vec![request.status]
    } else {
        request.statuses
    };
    let in_status = |status| Booking {
        id: "b-1".into(),
        status,
        ..Default::default()
    };
    let is_first = request.page_token.is_empty();
    Ok(ListBookingsResponse {
        bookings: statuses.into_iter().map(in_status).collect(),
        next_page_token: if is_first { "page=2" } else { "" }.into(),
        total_size: request.include_total.then_some(12),
    })
}

async fn list_notifications(_: ListNotificationsRequest) -> Result<ListNotificationsResponse, Status> {
    Ok(ListNotificationsResponse::default())
}

/// Sends two messages after the cursor, then nothing. After 100 the second is an error; the cursor `bad` is refused.
fn subscribe(
    request: SubscribeRequest,
    open: Option<Arc<()>>,
) -> Result<impl Stream<Item = Result<SubscribeResponse, Status>> + Send + 'static, Status> {
    if request.cursor == "bad" {
        return Err(Error::new(NotificationError::InvalidCursor).into_status(Lang::En));
    }
    let after: u64 = request.cursor.parse().unwrap_or_default();
    let message = |cursor: u64, event| SubscribeResponse {
        cursor: cursor.to_string(),
        event: Some(event),
    };
    let notification = Notification {
        id: "n-1".into(),
        r#type: "booking.requested".into(),
        ..Default::default()
    };
    let first = message(after + 1, Event::Notification(notification));
    let second = if after == 100 {
        Err(Error::new(Common::TokenExpired).into_status(Lang::En))
    } else {
        Ok(message(after + 2, Event::Heartbeat(Heartbeat::default())))
    };
    let silence = stream::pending().inspect(move |_| drop(open.clone()));
    Ok(stream::iter([Ok(first), second]).chain(silence))
}
