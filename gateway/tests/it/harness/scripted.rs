//! Auth, booking and notification as scripted servers on one port. What they do is said by the request.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::http_server::{self, Options, Protocol};
use carshare_chassis::{Error, Lang, Shutdown, task};
use carshare_proto::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use carshare_proto::auth::v1::{self as auth, GetJwksResponse, Jwk, LogoutResponse};
use carshare_proto::booking::v1::booking_service_server::{BookingService, BookingServiceServer};
use carshare_proto::booking::v1::{
    self as booking, Booking, BookingStatus, ErrorReason, ListBookingsResponse,
};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1::notification_service_server::{
    NotificationService, NotificationServiceServer,
};
use carshare_proto::notification::v1::subscribe_response::Event;
use carshare_proto::notification::v1::{self as notification, Heartbeat, Notification, SubscribeResponse};
use futures::{Stream, StreamExt as _, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::metadata::MetadataMap;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status};

/// Streams the servers authorize on one connection.
pub const STREAMS: u32 = 100;

/// The servers, and what they saw.
#[derive(Clone)]
pub struct Scripted {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<MetadataMap>>>,
    streams: Arc<AtomicUsize>,
    jwks: Arc<Value>,
}

impl Scripted {
    pub async fn start(jwks: Value) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let scripted = Self {
            address,
            seen: Arc::default(),
            streams: Arc::default(),
            jwks: Arc::new(jwks),
        };
        let (_, health) = tonic_health::server::health_reporter();
        let mut services = RoutesBuilder::default();
        services
            .add_service(health)
            .add_service(AuthServiceServer::new(scripted.clone()));
        services.add_service(BookingServiceServer::new(scripted.clone()));
        services.add_service(NotificationServiceServer::new(scripted.clone()));
        // Not tonic's own server: that would keep deadlines, and it is the gateway that has to.
        let options = Options {
            tls: None,
            protocol: Protocol::Http2,
            max_streams_per_connection: STREAMS,
            drain_timeout: Duration::ZERO,
        };
        let stop = Shutdown::new().token().clone();
        task::spawn(
            "scripted",
            http_server::serve(listener, options, services.routes().prepare(), stop),
        );
        scripted
    }

    /// Metadata of the last call but for those of the key set.
    pub fn last(&self) -> MetadataMap {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last()
            .cloned()
            .expect("a call")
    }

    pub fn calls(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Streams that are open.
    pub fn streams(&self) -> usize {
        self.streams.load(Ordering::SeqCst)
    }

    fn note<T>(&self, request: &Request<T>) {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.metadata().clone());
    }
}

fn unscripted<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not scripted"))
}

#[tonic::async_trait]
impl BookingService for Scripted {
    /// The guest's message is the script.
    async fn create_booking(
        &self,
        request: Request<booking::CreateBookingRequest>,
    ) -> Result<Response<Booking>, Status> {
        self.note(&request);
        let request = request.into_inner();
        match request.guest_message.as_deref() {
            Some("taken") => Err(Error::new(ErrorReason::SlotTaken).into_status(Lang::En)),
            Some("bare") => Err(Status::internal("secret inner text")),
            Some("hang") => {
                std::future::pending::<()>().await;
                unscripted()
            }
            message => Ok(Response::new(Booking {
                id: "b-1".into(),
                vehicle_id: request.vehicle_id,
                start_datetime: request.start_datetime,
                end_datetime: request.end_datetime,
                total_amount: 52_000,
                platform_fee: 7_800,
                status: BookingStatus::Pending.into(),
                guest_message: message.map(str::to_owned),
                ..Default::default()
            })),
        }
    }

    async fn get_booking(
        &self,
        request: Request<booking::GetBookingRequest>,
    ) -> Result<Response<Booking>, Status> {
        self.note(&request);
        Ok(Response::new(Booking {
            id: request.into_inner().booking_id,
            ..Default::default()
        }))
    }

    /// One booking in the status that was asked for, and a next page unless this was it.
    async fn list_bookings(
        &self,
        request: Request<booking::ListBookingsRequest>,
    ) -> Result<Response<ListBookingsResponse>, Status> {
        self.note(&request);
        let request = request.into_inner();
        let next = if request.page_token.is_empty() {
            "page=2"
        } else {
            ""
        };
        let bookings = vec![Booking {
            id: "b-1".into(),
            status: request.status,
            ..Default::default()
        }];
        Ok(Response::new(ListBookingsResponse {
            bookings,
            next_page_token: next.into(),
        }))
    }

    async fn approve_booking(
        &self,
        _: Request<booking::ApproveBookingRequest>,
    ) -> Result<Response<Booking>, Status> {
        unscripted()
    }

    async fn reject_booking(
        &self,
        _: Request<booking::RejectBookingRequest>,
    ) -> Result<Response<Booking>, Status> {
        unscripted()
    }

    async fn cancel_booking(
        &self,
        _: Request<booking::CancelBookingRequest>,
    ) -> Result<Response<Booking>, Status> {
        unscripted()
    }

    async fn start_booking(
        &self,
        _: Request<booking::StartBookingRequest>,
    ) -> Result<Response<Booking>, Status> {
        unscripted()
    }

    async fn complete_booking(
        &self,
        _: Request<booking::CompleteBookingRequest>,
    ) -> Result<Response<Booking>, Status> {
        unscripted()
    }
}

#[tonic::async_trait]
impl AuthService for Scripted {
    async fn register(
        &self,
        _: Request<auth::RegisterRequest>,
    ) -> Result<Response<auth::AuthResponse>, Status> {
        unscripted()
    }

    async fn login(&self, _: Request<auth::LoginRequest>) -> Result<Response<auth::AuthResponse>, Status> {
        unscripted()
    }

    async fn refresh(
        &self,
        _: Request<auth::RefreshRequest>,
    ) -> Result<Response<auth::AuthResponse>, Status> {
        unscripted()
    }

    async fn logout(
        &self,
        request: Request<auth::LogoutRequest>,
    ) -> Result<Response<LogoutResponse>, Status> {
        self.note(&request);
        Ok(Response::new(LogoutResponse {}))
    }

    async fn get_me(&self, _: Request<auth::GetMeRequest>) -> Result<Response<auth::User>, Status> {
        unscripted()
    }

    async fn get_jwks(&self, _: Request<auth::GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        let text = |key: &Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
        let keys = self.jwks["keys"].as_array().into_iter().flatten().map(|key| Jwk {
            kty: text(key, "kty"),
            crv: text(key, "crv"),
            x: text(key, "x"),
            kid: text(key, "kid"),
            r#use: text(key, "use"),
            alg: text(key, "alg"),
        });
        Ok(Response::new(GetJwksResponse { keys: keys.collect() }))
    }
}

#[tonic::async_trait]
impl NotificationService for Scripted {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn list_notifications(
        &self,
        _: Request<notification::ListNotificationsRequest>,
    ) -> Result<Response<notification::ListNotificationsResponse>, Status> {
        Ok(Response::new(notification::ListNotificationsResponse::default()))
    }

    async fn mark_read(
        &self,
        _: Request<notification::MarkReadRequest>,
    ) -> Result<Response<Notification>, Status> {
        unscripted()
    }

    async fn register_device(
        &self,
        _: Request<notification::RegisterDeviceRequest>,
    ) -> Result<Response<notification::Device>, Status> {
        unscripted()
    }

    /// Two messages behind the cursor, then silence; behind 100 an error, `bad` is refused at once.
    async fn subscribe(
        &self,
        request: Request<notification::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        self.note(&request);
        let cursor = request.into_inner().cursor;
        if cursor == "bad" {
            return Err(Error::new(notification::ErrorReason::InvalidCursor).into_status(Lang::En));
        }
        let after: u64 = cursor.parse().unwrap_or_default();
        let message = |cursor: u64, event| {
            Ok(SubscribeResponse {
                cursor: cursor.to_string(),
                event: Some(event),
            })
        };
        let notification = Notification {
            id: "n-1".into(),
            r#type: "booking.requested".into(),
            ..Default::default()
        };
        let first = message(after + 1, Event::Notification(notification));
        let second = match after {
            100 => Err(Error::new(Common::TokenExpired).into_status(Lang::En)),
            _ => message(after + 2, Event::Heartbeat(Heartbeat::default())),
        };
        let open = Open::count(&self.streams);
        let messages = stream::iter([first, second])
            .chain(stream::pending())
            .inspect(move |_| {
                let _ = &open;
            });
        Ok(Response::new(messages.boxed()))
    }
}

/// Counts a stream while it lives.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn count(streams: &Arc<AtomicUsize>) -> Self {
        streams.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(streams))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
