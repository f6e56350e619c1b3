//! Test harness: the service with the FCM sandbox, and auth and booking as the publishers of events.

use std::ops::Deref;
use std::time::Duration;

use carshare_notification::Notification;
use carshare_proto::auth::v1::SessionEnded;
use carshare_proto::booking::v1::{BookingFacts, BookingRequested};
use carshare_proto::events::EventMessage;
use carshare_proto::notification::v1 as pb;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_sandbox::Sandbox;
use carshare_service_testkit::{
    Instance, Person, Setup, TestService, WAIT_TIMEOUT, into_message, with_metadata,
};
use carshare_testkit::eventually;
use tokio::net::TcpListener;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

pub const TIMEOUT: Duration = WAIT_TIMEOUT;

pub struct Harness {
    pub sandbox: Sandbox,
    pub rpc: NotificationServiceClient<Channel>,
    service: TestService<Notification>,
    instance: Instance,
}

impl Deref for Harness {
    type Target = TestService<Notification>;

    fn deref(&self) -> &Self::Target {
        &self.service
    }
}

/// Starts the service at noon in Seoul.
pub async fn harness() -> Harness {
    let setup = Setup::<Notification>::new("2026-11-22T03:00:00Z", &["auth", "booking"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let config = carshare_sandbox::Config::default();
    let sandbox = Sandbox::start(config, setup.environment().clone(), listener).await;
    let sandbox = sandbox.expect("the sandbox starts");
    let service = setup
        .env("PUSH__BASE_URL", format!("{}/fcm", sandbox.url()))
        .env(
            "PUSH__SERVICE_ACCOUNT_JSON",
            sandbox.service_account_json().to_string(),
        )
        .prepare(|_| {})
        .await;
    let instance = service.start_instance().await;
    Harness {
        rpc: NotificationServiceClient::new(instance.channel()),
        sandbox,
        service,
        instance,
    }
}

impl Harness {
    /// Creates a request of `user`.
    pub fn as_user<M>(&self, user: Uuid, message: M) -> Request<M> {
        self.request(
            Person {
                id: user,
                role: "guest",
            },
            message,
        )
    }

    /// Creates a request of `user` with an access token of `session`.
    pub fn in_session<M>(&self, user: Uuid, session: Uuid, message: M) -> Request<M> {
        let mut claims = self.tokens.claims("guest", user, self.clock.now());
        claims.sid = session;
        let token = self.tokens.sign(&claims).expect("a token");
        with_metadata(Request::new(message), "authorization", &format!("Bearer {token}"))
    }

    /// Publishes that a session of `user` has ended, and waits until it is handled.
    pub async fn end_session(&self, user: Uuid, session: Uuid) {
        self.publish_session_ended(user, session).await;
        self.handled().await;
    }

    pub async fn publish_session_ended(&self, user: Uuid, session: Uuid) {
        let (session_id, user_id) = (session.to_string(), user.to_string());
        let ended = SessionEnded { session_id, user_id };
        self.publish_as_auth(ended).await;
    }

    /// Publishes an event of auth.
    pub async fn publish_as_auth<E: EventMessage>(&self, event: E) {
        self.service.publish("auth", event).await;
    }

    /// Publishes an event of booking.
    pub async fn publish<E: EventMessage>(&self, event: E) {
        self.service.publish("booking", event).await;
    }

    /// Publishes that a guest has requested a car of `host`, and returns the booking's id.
    pub async fn request_booking(&self, host: Uuid) -> Uuid {
        let booking_id = self.environment.ids.next();
        let facts = BookingFacts {
            booking_id: booking_id.to_string(),
            host_id: host.to_string(),
            guest_id: Uuid::from_u128(0xFEED).to_string(),
            vehicle_title: "Genesis G80".into(),
            ..Default::default()
        };
        self.publish(BookingRequested {
            booking_id: booking_id.to_string(),
            booking: Some(facts),
            ..Default::default()
        })
        .await;
        booking_id
    }

    pub async fn list(&self, user: Uuid) -> Vec<pb::Notification> {
        let request = self.as_user(user, pb::ListNotificationsRequest::default());
        let listed = into_message(self.rpc.clone().list_notifications(request).await);
        listed.expect("a list").notifications
    }

    /// Waits until the user has this many notifications, and returns them.
    pub async fn list_when(&self, user: Uuid, count: usize) -> Vec<pb::Notification> {
        eventually(TIMEOUT, || async {
            let listed = self.list(user).await;
            (listed.len() == count).then_some(listed)
        })
        .await
    }

    pub async fn register_device(&self, user: Uuid, token: &str) -> Result<pb::Device, Status> {
        let session = self.environment.ids.next();
        self.register_in(user, session, token).await
    }

    /// Registers a device with an access token of `session`.
    pub async fn register_in(&self, user: Uuid, session: Uuid, token: &str) -> Result<pb::Device, Status> {
        let device = pb::RegisterDeviceRequest {
            token: token.into(),
            platform: pb::DevicePlatform::Android.into(),
        };
        let request = self.in_session(user, session, device);
        into_message(self.rpc.clone().register_device(request).await)
    }

    pub async fn unregister_device(&self, user: Uuid, device_id: &str) -> Result<(), Status> {
        let device_id = device_id.to_owned();
        let request = self.as_user(user, pb::UnregisterDeviceRequest { device_id });
        into_message(self.rpc.clone().unregister_device(request).await).map(drop)
    }

    /// Ends the test: shuts the service down gracefully.
    pub async fn stop(self) {
        self.service.finish([self.instance]).await;
    }
}
