//! Calls of the service, one function per RPC, and the messages for them.

use carshare_proto::booking::v1::BookingFacts;
use carshare_proto::vehicle::v1::*;
use tonic::Status;
use uuid::Uuid;

use super::{Harness, Person, from_service, into_message, timestamp};
use crate::kakao::GANGNAM;

/// Start and end as [`at`](super::at) parses them: `("23T09:00", "23T12:00")`.
pub type Period = (&'static str, &'static str);

/// Returns the booking id `number`.
pub fn booking(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

impl Harness {
    /// Returns a registration with a new license plate.
    pub fn registration(&self, address: &str) -> CreateVehicleRequest {
        CreateVehicleRequest {
            license_plate: self.plate(),
            make: "제네시스".into(),
            model: "G80".into(),
            year: 2025,
            color: Some("검정".into()),
            fuel_type: FuelType::Gasoline.into(),
            transmission: Transmission::Automatic.into(),
            hourly_rate: 15_000,
            location_address: address.into(),
            description: None,
            instant_book: false,
            pricing: None,
        }
    }

    pub async fn create(&self, host: Person, registration: CreateVehicleRequest) -> Result<Vehicle, Status> {
        into_message(
            self.client
                .clone()
                .create_vehicle(self.request(host, registration))
                .await,
        )
    }

    /// Creates a car that has no photo yet.
    pub async fn inactive_car(&self, host: Person) -> Vehicle {
        self.create(host, self.registration(GANGNAM)).await.unwrap()
    }

    /// Creates an active car in Gangnam.
    pub async fn car(&self, host: Person) -> Vehicle {
        self.car_at(host, GANGNAM).await
    }

    /// Creates an active car at an address of the Kakao stub.
    pub async fn car_at(&self, host: Person, address: &str) -> Vehicle {
        self.active_car(host, self.registration(address)).await
    }

    /// Creates an active car. Its photo is inserted by SQL.
    pub async fn active_car(&self, host: Person, registration: CreateVehicleRequest) -> Vehicle {
        let car = self.create(host, registration).await.unwrap();
        let (image, id, now) = (self.environment.ids.next(), &car.id, self.clock.now());
        self.execute(&format!(
            "INSERT INTO vehicle_images (id, vehicle_id, object_key, content_type, size_bytes, created_at, expires_at, \
             completed_at, width, height) VALUES ('{image}', '{id}', 'vehicles/{id}/{image}.png', 'image/png', 100, \
             '{now}', '{now}', '{now}', 800, 600); UPDATE vehicles SET status = 'active' WHERE id = '{id}'"
        ))
        .await;
        self.get(host, &car.id).await.unwrap()
    }

    pub async fn get(&self, person: Person, vehicle_id: &str) -> Result<Vehicle, Status> {
        let request = GetVehicleRequest {
            vehicle_id: vehicle_id.into(),
        };
        into_message(
            self.client
                .clone()
                .get_vehicle(self.request(person, request))
                .await,
        )
    }

    pub async fn update(&self, host: Person, update: UpdateVehicleRequest) -> Result<Vehicle, Status> {
        into_message(
            self.client
                .clone()
                .update_vehicle(self.request(host, update))
                .await,
        )
    }

    pub async fn set_status(
        &self,
        host: Person,
        car: &Vehicle,
        status: VehicleStatus,
    ) -> Result<Vehicle, Status> {
        self.update(
            host,
            UpdateVehicleRequest {
                status: Some(status.into()),
                ..change(car)
            },
        )
        .await
    }

    pub async fn delete(&self, host: Person, car: &Vehicle) -> Result<DeleteVehicleResponse, Status> {
        let car = DeleteVehicleRequest {
            vehicle_id: car.id.clone(),
        };
        into_message(self.client.clone().delete_vehicle(self.request(host, car)).await)
    }

    pub async fn add_rule(
        &self,
        host: Person,
        rule: AddAvailabilityRequest,
    ) -> Result<VehicleAvailability, Status> {
        into_message(
            self.client
                .clone()
                .add_availability(self.request(host, rule))
                .await,
        )
    }

    /// Places a hold for a guest.
    pub async fn hold(
        &self,
        booking: Uuid,
        car: &Vehicle,
        period: Period,
    ) -> Result<PlaceHoldResponse, Status> {
        self.place(hold_of(booking, car, period)).await
    }

    pub async fn place(&self, hold: PlaceHoldRequest) -> Result<PlaceHoldResponse, Status> {
        into_message(
            self.client
                .clone()
                .place_hold(from_service("booking", hold))
                .await,
        )
    }

    pub async fn confirm(
        &self,
        booking: Uuid,
        car: &Vehicle,
        (start, end): Period,
    ) -> Result<ConfirmHoldResponse, Status> {
        let hold = ConfirmHoldRequest {
            booking_id: booking.to_string(),
            vehicle_id: car.id.clone(),
            start_datetime: timestamp(start),
            end_datetime: timestamp(end),
        };
        into_message(
            self.client
                .clone()
                .confirm_hold(from_service("booking", hold))
                .await,
        )
    }

    pub async fn release(&self, booking: Uuid) -> Result<ReleaseHoldResponse, Status> {
        let hold = ReleaseHoldRequest {
            booking_id: booking.to_string(),
        };
        into_message(
            self.client
                .clone()
                .release_hold(from_service("booking", hold))
                .await,
        )
    }

    pub async fn search(&self, search: SearchVehiclesRequest) -> Result<SearchVehiclesResponse, Status> {
        into_message(self.client.clone().search_vehicles(search).await)
    }

    /// Returns the ids of the cars of a search, in order.
    pub async fn search_ids(&self, search: SearchVehiclesRequest) -> Vec<String> {
        self.search(search)
            .await
            .unwrap()
            .vehicles
            .into_iter()
            .map(|car| car.id)
            .collect()
    }
}

/// Returns an update without changes.
pub fn change(car: &Vehicle) -> UpdateVehicleRequest {
    UpdateVehicleRequest {
        vehicle_id: car.id.clone(),
        ..UpdateVehicleRequest::default()
    }
}

/// Returns a hold request of a guest without a profile.
pub fn hold_of(booking: Uuid, car: &Vehicle, (start, end): Period) -> PlaceHoldRequest {
    PlaceHoldRequest {
        booking_id: booking.to_string(),
        vehicle_id: car.id.clone(),
        guest_id: Uuid::from_u128(99).to_string(),
        start_datetime: timestamp(start),
        end_datetime: timestamp(end),
    }
}

/// Returns a search around the Gangnam address.
pub fn near_gangnam((start, end): Period) -> SearchVehiclesRequest {
    SearchVehiclesRequest {
        lat: Some(37.500_024_240_551_5),
        lng: Some(127.036_508_620_542),
        start_datetime: timestamp(start),
        end_datetime: timestamp(end),
        ..SearchVehiclesRequest::default()
    }
}

/// Returns a rule that opens the car weekly on a day; Sunday is 0.
pub fn open_on(car: &Vehicle, day: i32, start: &str, end: &str) -> AddAvailabilityRequest {
    AddAvailabilityRequest {
        vehicle_id: car.id.clone(),
        day_of_week: Some(day),
        start_time: start.into(),
        end_time: end.into(),
        is_recurring: true,
        specific_date: None,
        is_blocked: false,
    }
}

/// Returns a rule that blocks the car on a date.
pub fn blocked_on(car: &Vehicle, date: &str, start: &str, end: &str) -> AddAvailabilityRequest {
    AddAvailabilityRequest {
        day_of_week: None,
        is_recurring: false,
        specific_date: Some(date.into()),
        is_blocked: true,
        ..open_on(car, 0, start, end)
    }
}

/// Returns the booking facts of an event.
#[expect(clippy::unnecessary_wraps, reason = "message fields are optional")]
pub fn facts(booking: Uuid, car: &Vehicle, (start, end): Period) -> Option<BookingFacts> {
    Some(BookingFacts {
        booking_id: booking.to_string(),
        vehicle_id: car.id.clone(),
        guest_id: Uuid::from_u128(99).to_string(),
        host_id: car.owner_id.clone(),
        vehicle_title: format!("{} {}", car.make, car.model),
        start_datetime: timestamp(start),
        end_datetime: timestamp(end),
        total_amount: 60_000,
        platform_fee: 9_000,
        platform_discount: 0,
    })
}
