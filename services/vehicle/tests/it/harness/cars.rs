//! Cars and what is done with them, in one line each.

use carshare_proto::booking::v1::BookingFacts;
use carshare_proto::vehicle::v1::*;
use tonic::Status;
use uuid::Uuid;

use super::{Harness, Person, from_service, only, stamp};
use crate::kakao::GANGNAM;

/// A stretch of time as `("23T09:00", "23T12:00")`.
pub type Span = (&'static str, &'static str);

impl Harness {
    /// What a host sends to register a car.
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
        }
    }

    pub async fn create(&self, host: Person, registration: CreateVehicleRequest) -> Result<Vehicle, Status> {
        only(
            self.client
                .clone()
                .create_vehicle(self.by(host, registration))
                .await,
        )
    }

    /// A car that waits for its first photo.
    pub async fn waiting_car(&self, host: Person) -> Vehicle {
        self.create(host, self.registration(GANGNAM)).await.unwrap()
    }

    /// A car that is offered.
    pub async fn car(&self, host: Person) -> Vehicle {
        self.car_at(host, GANGNAM).await
    }

    /// A car that is offered at one of the addresses the map knows. The way over a photo has tests of its own.
    pub async fn car_at(&self, host: Person, address: &str) -> Vehicle {
        let car = self.create(host, self.registration(address)).await.unwrap();
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
        let wanted = GetVehicleRequest {
            vehicle_id: vehicle_id.into(),
        };
        only(self.client.clone().get_vehicle(self.by(person, wanted)).await)
    }

    pub async fn update(&self, host: Person, update: UpdateVehicleRequest) -> Result<Vehicle, Status> {
        only(self.client.clone().update_vehicle(self.by(host, update)).await)
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
        only(self.client.clone().delete_vehicle(self.by(host, car)).await)
    }

    pub async fn add_rule(
        &self,
        host: Person,
        rule: AddAvailabilityRequest,
    ) -> Result<VehicleAvailability, Status> {
        only(self.client.clone().add_availability(self.by(host, rule)).await)
    }

    /// Holds a car for a booking of somebody who is not its host.
    pub async fn hold(&self, booking: Uuid, car: &Vehicle, span: Span) -> Result<PlaceHoldResponse, Status> {
        self.place(hold_of(booking, car, span)).await
    }

    pub async fn place(&self, hold: PlaceHoldRequest) -> Result<PlaceHoldResponse, Status> {
        only(
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
        (start, end): Span,
    ) -> Result<ConfirmHoldResponse, Status> {
        let hold = ConfirmHoldRequest {
            booking_id: booking.to_string(),
            vehicle_id: car.id.clone(),
            start_datetime: stamp(start),
            end_datetime: stamp(end),
        };
        only(
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
        only(
            self.client
                .clone()
                .release_hold(from_service("booking", hold))
                .await,
        )
    }

    pub async fn search(&self, search: SearchVehiclesRequest) -> Result<SearchVehiclesResponse, Status> {
        only(self.client.clone().search_vehicles(search).await)
    }

    /// Ids of the cars that a search shows, in order.
    pub async fn found(&self, search: SearchVehiclesRequest) -> Vec<String> {
        self.search(search)
            .await
            .unwrap()
            .vehicles
            .into_iter()
            .map(|car| car.id)
            .collect()
    }
}

/// A change of nothing.
pub fn change(car: &Vehicle) -> UpdateVehicleRequest {
    UpdateVehicleRequest {
        vehicle_id: car.id.clone(),
        ..UpdateVehicleRequest::default()
    }
}

/// A hold by a guest whom nobody knows.
pub fn hold_of(booking: Uuid, car: &Vehicle, (start, end): Span) -> PlaceHoldRequest {
    PlaceHoldRequest {
        booking_id: booking.to_string(),
        vehicle_id: car.id.clone(),
        guest_id: Uuid::from_u128(99).to_string(),
        start_datetime: stamp(start),
        end_datetime: stamp(end),
    }
}

/// A search around the Gangnam address.
pub fn near_gangnam((start, end): Span) -> SearchVehiclesRequest {
    SearchVehiclesRequest {
        lat: Some(37.500_024_240_551_5),
        lng: Some(127.036_508_620_542),
        start_datetime: stamp(start),
        end_datetime: stamp(end),
        ..SearchVehiclesRequest::default()
    }
}

/// Open every week on this day.
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

/// Blocked on this date.
pub fn blocked_on(car: &Vehicle, date: &str, start: &str, end: &str) -> AddAvailabilityRequest {
    AddAvailabilityRequest {
        day_of_week: None,
        is_recurring: false,
        specific_date: Some(date.into()),
        is_blocked: true,
        ..open_on(car, 0, start, end)
    }
}

/// What a booking's events say of it.
#[expect(clippy::unnecessary_wraps, reason = "the fields of the contract are optional")]
pub fn facts(booking: Uuid, car: &Vehicle, (start, end): Span) -> Option<BookingFacts> {
    Some(BookingFacts {
        booking_id: booking.to_string(),
        vehicle_id: car.id.clone(),
        guest_id: Uuid::from_u128(99).to_string(),
        host_id: car.owner_id.clone(),
        vehicle_title: format!("{} {}", car.make, car.model),
        start_datetime: stamp(start),
        end_datetime: stamp(end),
        total_amount: 60_000,
        platform_fee: 9_000,
    })
}
