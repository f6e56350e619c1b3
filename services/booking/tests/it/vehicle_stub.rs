//! Stub of the vehicle service: its holds exclude one another as the real ones do, and its replies can be lost.

use std::collections::{HashMap, HashSet};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard};

use carshare_chassis::{Error, Lang};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use carshare_testkit::{GrpcStub, StubServer};
use prost_types::Timestamp;
use tokio::sync::Notify;
use tonic::{Request, Status};

/// State of the stub, with a record of the calls.
#[derive(Default)]
pub struct VehicleState {
    pub cars: HashMap<String, Vehicle>,
    /// Holds by booking id.
    pub holds: HashMap<String, Hold>,
    /// Bookings that have released their car: `PlaceHold` is a `CONFLICT`.
    pub ended: HashSet<String>,
    /// Booking ids of every `PlaceHold`, in order.
    pub placed: Vec<String>,
    /// Booking ids of every `ConfirmHold`, in order.
    pub confirmed: Vec<String>,
    /// Error of every `ConfirmHold`.
    pub confirm_refusal: Option<ErrorReason>,
    /// Booking ids of every `ReleaseHold`, in order.
    pub released: Vec<String>,
    /// Error of every `PlaceHold`.
    pub place_refusal: Option<ErrorReason>,
    /// Delivery of the replies of `PlaceHold`. The holds are placed in any case.
    pub replies: Replies,
    /// Whether the cars of every `CheckHold` are outside their opening hours.
    pub is_closed: bool,
    /// Runs after the next hold is placed, before the reply.
    pub on_placed: Option<Box<dyn FnOnce() + Send>>,
}

/// Delivery of the replies of an RPC.
#[derive(Clone, Default)]
pub enum Replies {
    #[default]
    Delivered,
    /// The call ends as `UNAVAILABLE`.
    Lost,
    /// The call does not end.
    Withheld,
    /// Delivered when the test says so.
    Delayed(Arc<Notify>),
}

pub struct Hold {
    vehicle_id: String,
    start: (i64, i32),
    end: (i64, i32),
}

/// State shared by the server and the test.
#[derive(Clone, Default)]
pub struct VehicleStub(Arc<Mutex<VehicleState>>);

impl VehicleStub {
    pub fn state(&self) -> MutexGuard<'_, VehicleState> {
        self.0.lock().unwrap()
    }
}

const PLACE_HOLD: &str = "/carshare.vehicle.v1.VehicleService/PlaceHold";
const CONFIRM_HOLD: &str = "/carshare.vehicle.v1.VehicleService/ConfirmHold";
const CHECK_HOLD: &str = "/carshare.vehicle.v1.VehicleService/CheckHold";
const RELEASE_HOLD: &str = "/carshare.vehicle.v1.VehicleService/ReleaseHold";

/// Serves the RPCs of vehicle that booking calls.
pub async fn serve(stub: VehicleStub) -> StubServer {
    let (place, confirm, check, release) = (stub.clone(), stub.clone(), stub.clone(), stub);
    let server = GrpcStub::new()
        .unary(PLACE_HOLD, move |request: Request<PlaceHoldRequest>| {
            place.clone().place_hold(request.into_inner())
        })
        .unary(CONFIRM_HOLD, move |request: Request<ConfirmHoldRequest>| {
            let mut state = confirm.state();
            state.confirmed.push(request.into_inner().booking_id);
            let refusal = state
                .confirm_refusal
                .map(|reason| Error::new(reason).into_status(Lang::En));
            ready(refusal.map_or(Ok(ConfirmHoldResponse {}), Err))
        })
        .unary(CHECK_HOLD, move |request: Request<CheckHoldRequest>| {
            let checked = check.state().check(request.into_inner());
            ready(checked.map_err(|reason| Error::new(reason).into_status(Lang::En)))
        })
        .unary(RELEASE_HOLD, move |request: Request<ReleaseHoldRequest>| {
            let mut state = release.state();
            let booking_id = request.into_inner().booking_id;
            state.holds.remove(&booking_id);
            state.released.push(booking_id);
            ready(Ok(ReleaseHoldResponse {}))
        });
    server.start().await.unwrap()
}

impl VehicleStub {
    async fn place_hold(self, request: PlaceHoldRequest) -> Result<PlaceHoldResponse, Status> {
        if self.state().ended.contains(&request.booking_id) {
            return Err(Error::new(Common::Conflict).into_status(Lang::En));
        }
        let placed = self.state().place(request);
        let replies = self.state().replies.clone();
        match replies {
            Replies::Delivered => {}
            Replies::Lost => return Err(Status::unavailable("the connection broke")),
            Replies::Withheld => std::future::pending().await,
            Replies::Delayed(delivery) => delivery.notified().await,
        }
        placed.map_err(|reason| Error::new(reason).into_status(Lang::En))
    }
}

impl VehicleState {
    /// Decides as [`VehicleState::place`], without a hold.
    fn check(&self, request: CheckHoldRequest) -> Result<CheckHoldResponse, ErrorReason> {
        if let Some(refusal) = self.place_refusal {
            return Err(refusal);
        }
        let car = self.cars.get(&request.vehicle_id);
        let wanted = Hold {
            vehicle_id: request.vehicle_id.clone(),
            start: sortable(request.start_datetime),
            end: sortable(request.end_datetime),
        };
        Ok(CheckHoldResponse {
            vehicle: Some(car.ok_or(ErrorReason::VehicleNotFound)?.clone()),
            is_taken: self.holds.values().any(|other| other.overlaps(&wanted)),
            is_closed: self.is_closed,
        })
    }

    /// Places a hold as vehicle does: idempotently per booking, and refused if it overlaps another hold of the car.
    fn place(&mut self, request: PlaceHoldRequest) -> Result<PlaceHoldResponse, ErrorReason> {
        self.placed.push(request.booking_id.clone());
        if let Some(refusal) = self.place_refusal {
            return Err(refusal);
        }
        let car = self
            .cars
            .get(&request.vehicle_id)
            .ok_or(ErrorReason::VehicleNotFound)?
            .clone();
        let hold = Hold {
            vehicle_id: request.vehicle_id,
            start: sortable(request.start_datetime),
            end: sortable(request.end_datetime),
        };
        if !self.holds.contains_key(&request.booking_id) {
            if self.holds.values().any(|other| other.overlaps(&hold)) {
                return Err(ErrorReason::VehicleUnavailable);
            }
            self.holds.insert(request.booking_id, hold);
        }
        if let Some(on_placed) = self.on_placed.take() {
            on_placed();
        }
        Ok(PlaceHoldResponse {
            vehicle: Some(car),
            expires_at: Some(Timestamp::default()),
        })
    }
}

impl Hold {
    fn overlaps(&self, other: &Self) -> bool {
        self.vehicle_id == other.vehicle_id && self.start < other.end && other.start < self.end
    }
}

fn sortable(timestamp: Option<Timestamp>) -> (i64, i32) {
    timestamp.map(|t| (t.seconds, t.nanos)).unwrap_or_default()
}
