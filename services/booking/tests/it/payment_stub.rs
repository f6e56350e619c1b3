//! Stub of the payment service, which knows the guests with a card and the payments of bookings.

use std::collections::HashSet;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard};

use carshare_proto::payment::v1::*;
use carshare_testkit::{GrpcStub, StubServer};
use tonic::{Request, Status};

/// State of the stub, with a record of the calls.
#[derive(Default)]
pub struct PaymentState {
    /// Ids of the guests with a card.
    pub with_card: HashSet<String>,
    /// Number of calls.
    pub asked: usize,
    /// Steps of the payment of every booking.
    pub steps: Vec<BookingPaymentStep>,
    /// Every call ends as `UNAVAILABLE`.
    pub is_down: bool,
}

/// State shared by the server and the test.
#[derive(Clone, Default)]
pub struct PaymentStub(Arc<Mutex<PaymentState>>);

impl PaymentStub {
    pub fn state(&self) -> MutexGuard<'_, PaymentState> {
        self.0.lock().unwrap()
    }
}

/// Serves the RPCs of payment that booking calls.
pub async fn serve(stub: PaymentStub) -> StubServer {
    let list = "/carshare.payment.v1.PaymentService/ListBookingPaymentSteps";
    let check = "/carshare.payment.v1.PaymentService/CheckPaymentMethod";
    let listed = stub.clone();
    let server = GrpcStub::new().unary(list, move |_: Request<ListBookingPaymentStepsRequest>| {
        let state = listed.state();
        ready(if state.is_down {
            Err(Status::unavailable("the connection broke"))
        } else {
            Ok(ListBookingPaymentStepsResponse {
                steps: state.steps.clone(),
            })
        })
    });
    let server = server.unary(check, move |request: Request<CheckPaymentMethodRequest>| {
        let mut state = stub.state();
        state.asked += 1;
        let is_registered = state.with_card.contains(&request.into_inner().guest_id);
        ready(if state.is_down {
            Err(Status::unavailable("the connection broke"))
        } else {
            Ok(CheckPaymentMethodResponse { is_registered })
        })
    });
    server.start().await.unwrap()
}
