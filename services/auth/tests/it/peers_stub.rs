//! Stub of the booking and payment services, as the deletion of an account calls them.

use std::collections::HashSet;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard};

use carshare_proto::booking::v1::{CloseUserRequest, CloseUserResponse};
use carshare_proto::payment::v1::{CheckSettlementRequest, CheckSettlementResponse};
use carshare_testkit::{GrpcStub, StubServer};
use tonic::{Request, Status};

/// State of the stub, with a record of the calls.
#[derive(Default)]
pub struct PeersState {
    /// Open bookings of every user.
    pub open_bookings: i64,
    /// Reply of every `CheckSettlement`.
    pub unsettled: CheckSettlementResponse,
    /// Attempts of `CloseUser`, in order.
    pub attempts: Vec<i64>,
    /// `CloseUser` ends as `UNAVAILABLE`, without an effect.
    pub is_down: bool,
    /// The same after its effect.
    pub loses_replies: bool,
    closed: HashSet<String>,
}

/// State shared by the server and the test.
#[derive(Clone, Default)]
pub struct Peers(Arc<Mutex<PeersState>>);

impl Peers {
    pub fn state(&self) -> MutexGuard<'_, PeersState> {
        self.0.lock().unwrap()
    }

    /// Serves the RPCs that auth calls.
    pub async fn serve(&self) -> StubServer {
        let (closing, settlement) = (self.clone(), self.clone());
        let close = "/carshare.booking.v1.BookingService/CloseUser";
        let check = "/carshare.payment.v1.PaymentService/CheckSettlement";
        let server = GrpcStub::new()
            .unary(close, move |request: Request<CloseUserRequest>| {
                ready(closing.state().close(request.into_inner()))
            })
            .unary(check, move |_: Request<CheckSettlementRequest>| {
                ready(Ok(settlement.state().unsettled))
            });
        server.start().await.unwrap()
    }
}

impl PeersState {
    fn close(&mut self, request: CloseUserRequest) -> Result<CloseUserResponse, Status> {
        let lost = Err(Status::unavailable("the connection broke"));
        if self.is_down {
            return lost;
        }
        self.attempts.push(request.attempt);
        if self.open_bookings == 0 {
            self.closed.insert(request.user_id.clone());
        }
        if self.loses_replies {
            return lost;
        }
        let is_closed = self.closed.contains(&request.user_id);
        Ok(CloseUserResponse {
            is_closed,
            open_bookings: if is_closed { 0 } else { self.open_bookings },
        })
    }
}
