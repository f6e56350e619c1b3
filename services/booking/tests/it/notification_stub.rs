//! Stub of the notification service, which has the notifications of a booking.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard};

use carshare_proto::notification::v1::*;
use carshare_testkit::{GrpcStub, StubServer};
use tonic::{Request, Status};

#[derive(Default)]
pub struct NotificationState {
    /// Notifications of every booking.
    pub notifications: Vec<BookingNotification>,
    /// Every call ends as `UNAVAILABLE`.
    pub is_down: bool,
}

/// State shared by the server and the test.
#[derive(Clone, Default)]
pub struct NotificationStub(Arc<Mutex<NotificationState>>);

impl NotificationStub {
    pub fn state(&self) -> MutexGuard<'_, NotificationState> {
        self.0.lock().unwrap()
    }
}

/// Serves the RPC of notification that booking calls.
pub async fn serve(stub: NotificationStub) -> StubServer {
    let path = "/carshare.notification.v1.NotificationService/ListBookingNotifications";
    let server = GrpcStub::new().unary(path, move |_: Request<ListBookingNotificationsRequest>| {
        let state = stub.state();
        ready(if state.is_down {
            Err(Status::unavailable("the connection broke"))
        } else {
            Ok(ListBookingNotificationsResponse {
                notifications: state.notifications.clone(),
            })
        })
    });
    server.start().await.unwrap()
}
