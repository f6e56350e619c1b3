//! The two peers of booking, scripted: auth, which only publishes its keys, and vehicle, whose exclusion is a real one and whose
//! answers can be lost.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use carshare_chassis::config::{Common, Tls};
use carshare_chassis::{Environment, Error, Lang, Server, Shutdown, task};
use carshare_proto::auth::v1 as auth;
use carshare_proto::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use carshare_proto::vehicle::v1::vehicle_service_server::{VehicleService, VehicleServiceServer};
use carshare_proto::vehicle::v1::*;
use carshare_testkit::Tokens;
use prost_types::Timestamp;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

/// What vehicle knows and what was asked of it.
#[derive(Default)]
pub struct Garage {
    pub cars: HashMap<String, Vehicle>,
    /// Held periods by booking id.
    pub holds: HashMap<String, Hold>,
    /// Booking ids of every `PlaceHold`, in order.
    pub placed: Vec<String>,
    /// Booking ids of every `ReleaseHold`, in order.
    pub released: Vec<String>,
    /// The refusal for the next `PlaceHold`s.
    pub refusal: Option<ErrorReason>,
    /// What becomes of the answers to the next `PlaceHold`s. The holds are placed all the same.
    pub answers: Answers,
    /// What happens in the environment when the next hold is placed, before its answer.
    pub meanwhile: Option<Box<dyn FnOnce() + Send>>,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Default)]
pub enum Answers {
    #[default]
    Arrive,
    Break,
    Hang,
}

pub struct Hold {
    vehicle_id: String,
    start: (i64, i32),
    end: (i64, i32),
}

/// The garage, shared between the server and the test.
#[derive(Clone, Default)]
pub struct Vehicles(Arc<Mutex<Garage>>);

impl Vehicles {
    pub fn garage(&self) -> MutexGuard<'_, Garage> {
        self.0.lock().unwrap()
    }
}

/// Serves both peers, through the same stack as the real ones; returns where.
pub async fn serve(
    tokens: &Tokens,
    vehicles: Vehicles,
    environment: Environment,
    shutdown: Shutdown,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let common = Common {
        tls: Tls::insecure(),
        ..Common::default()
    };
    let server = Server::new("vehicle", &common, environment)
        .add(AuthServiceServer::new(Keys(key_set(tokens))))
        .add(VehicleServiceServer::new(vehicles));
    task::spawn(
        "peers",
        async move { server.serve(listener, shutdown).await.unwrap() },
    );
    address
}

fn key_set(tokens: &Tokens) -> auth::GetJwksResponse {
    let set = tokens.jwks();
    let text = |key: &serde_json::Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let keys = set["keys"].as_array().unwrap().iter().map(|key| auth::Jwk {
        kty: text(key, "kty"),
        crv: text(key, "crv"),
        x: text(key, "x"),
        kid: text(key, "kid"),
        r#use: text(key, "use"),
        alg: text(key, "alg"),
    });
    auth::GetJwksResponse { keys: keys.collect() }
}

struct Keys(auth::GetJwksResponse);

#[tonic::async_trait]
impl AuthService for Keys {
    async fn get_jwks(
        &self,
        _: Request<auth::GetJwksRequest>,
    ) -> Result<Response<auth::GetJwksResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn register(
        &self,
        _: Request<auth::RegisterRequest>,
    ) -> Result<Response<auth::AuthResponse>, Status> {
        Err(never_called())
    }

    async fn login(&self, _: Request<auth::LoginRequest>) -> Result<Response<auth::AuthResponse>, Status> {
        Err(never_called())
    }

    async fn refresh(
        &self,
        _: Request<auth::RefreshRequest>,
    ) -> Result<Response<auth::AuthResponse>, Status> {
        Err(never_called())
    }

    async fn logout(
        &self,
        _: Request<auth::LogoutRequest>,
    ) -> Result<Response<auth::LogoutResponse>, Status> {
        Err(never_called())
    }

    async fn get_me(&self, _: Request<auth::GetMeRequest>) -> Result<Response<auth::User>, Status> {
        Err(never_called())
    }
}

#[tonic::async_trait]
impl VehicleService for Vehicles {
    async fn place_hold(
        &self,
        request: Request<PlaceHoldRequest>,
    ) -> Result<Response<PlaceHoldResponse>, Status> {
        let held = self.garage().place(request.into_inner());
        let answers = self.garage().answers;
        match answers {
            Answers::Arrive => held
                .map(Response::new)
                .map_err(|reason| Error::new(reason).into_status(Lang::En)),
            Answers::Break => Err(Status::unavailable("the connection broke")),
            Answers::Hang => std::future::pending().await,
        }
    }

    async fn release_hold(
        &self,
        request: Request<ReleaseHoldRequest>,
    ) -> Result<Response<ReleaseHoldResponse>, Status> {
        let booking_id = request.into_inner().booking_id;
        let mut garage = self.garage();
        garage.holds.remove(&booking_id);
        garage.released.push(booking_id);
        Ok(Response::new(ReleaseHoldResponse {}))
    }

    async fn create_vehicle(&self, _: Request<CreateVehicleRequest>) -> Result<Response<Vehicle>, Status> {
        Err(never_called())
    }

    async fn search_vehicles(
        &self,
        _: Request<SearchVehiclesRequest>,
    ) -> Result<Response<SearchVehiclesResponse>, Status> {
        Err(never_called())
    }

    async fn get_vehicle(&self, _: Request<GetVehicleRequest>) -> Result<Response<Vehicle>, Status> {
        Err(never_called())
    }

    async fn update_vehicle(&self, _: Request<UpdateVehicleRequest>) -> Result<Response<Vehicle>, Status> {
        Err(never_called())
    }

    async fn delete_vehicle(
        &self,
        _: Request<DeleteVehicleRequest>,
    ) -> Result<Response<DeleteVehicleResponse>, Status> {
        Err(never_called())
    }

    async fn create_image_upload(
        &self,
        _: Request<CreateImageUploadRequest>,
    ) -> Result<Response<ImageUpload>, Status> {
        Err(never_called())
    }

    async fn complete_image_upload(
        &self,
        _: Request<CompleteImageUploadRequest>,
    ) -> Result<Response<Vehicle>, Status> {
        Err(never_called())
    }

    async fn add_availability(
        &self,
        _: Request<AddAvailabilityRequest>,
    ) -> Result<Response<VehicleAvailability>, Status> {
        Err(never_called())
    }

    async fn list_availability(
        &self,
        _: Request<ListAvailabilityRequest>,
    ) -> Result<Response<ListAvailabilityResponse>, Status> {
        Err(never_called())
    }

    async fn remove_availability(
        &self,
        _: Request<RemoveAvailabilityRequest>,
    ) -> Result<Response<RemoveAvailabilityResponse>, Status> {
        Err(never_called())
    }
}

fn never_called() -> Status {
    Status::unimplemented("booking does not call this")
}

impl Garage {
    /// As vehicle does: the same booking has the same hold, and no two holds of a car overlap.
    fn place(&mut self, request: PlaceHoldRequest) -> Result<PlaceHoldResponse, ErrorReason> {
        self.placed.push(request.booking_id.clone());
        if let Some(refusal) = self.refusal {
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
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
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
