//! Conversions between messages and domain types.

use carshare_chassis::Error as ChassisError;
use carshare_chassis::etag;
use carshare_chassis::proto_types::{self, timestamp};
use carshare_objects::photo::thumbnail_of;
use carshare_proto::approximate_place::without_exact_place;
use carshare_proto::vehicle::v1 as pb;
use chrono::{DateTime, Datelike as _, Utc};
use prost_types::Timestamp;

use super::pricing;
use crate::domain::{Day, Distance, Effect, Fuel, Period, Status, Transmission, unless_empty};
use crate::error::Result;
use crate::image_urls::ImageUrls;
use crate::store::availabilities::Availability;
use crate::store::vehicle_images::VehicleImage;
use crate::store::views::View;

/// Converts a car for its host, with its tag.
pub fn vehicle(view: View, urls: &ImageUrls) -> pb::Vehicle {
    tagged(untagged_vehicle(view, urls))
}

/// Converts a car for everybody, without its license plate and its exact place.
pub fn public_vehicle(view: View, urls: &ImageUrls) -> pb::Vehicle {
    tagged(without_exact_place(untagged_vehicle(view, urls)))
}

/// Sets the tag. The ratings are not part of it: a review that is posted while a host edits the car does not refuse the update.
fn tagged(mut vehicle: pb::Vehicle) -> pb::Vehicle {
    let rating = vehicle.rating.take();
    let of_owner = vehicle.owner.as_mut().and_then(|owner| owner.rating.take());
    vehicle.etag = Some(etag::of(&vehicle));
    vehicle.rating = rating;
    if let Some(owner) = &mut vehicle.owner {
        owner.rating = of_owner;
    }
    vehicle
}

/// Converts a car where nobody updates it.
pub fn untagged_vehicle(view: View, urls: &ImageUrls) -> pb::Vehicle {
    let View {
        vehicle,
        image_keys,
        owner,
        rating,
    } = view;
    let images: Vec<String> = image_keys.iter().map(|key| urls.url(key)).collect();
    pb::Vehicle {
        id: vehicle.id.to_string(),
        owner_id: vehicle.owner_id.to_string(),
        license_plate: vehicle.license_plate.to_string(),
        make: vehicle.make,
        model: vehicle.model,
        year: vehicle.year,
        color: vehicle.color,
        fuel_type: vehicle.fuel.map_or(pb::FuelType::Unspecified, Into::into).into(),
        transmission: vehicle
            .transmission
            .map_or(pb::Transmission::Unspecified, Into::into)
            .into(),
        hourly_rate: vehicle.hourly_rate_krw,
        location_address: vehicle.location.address,
        location_lat: vehicle.location.coordinates.lat,
        location_lng: vehicle.location.coordinates.lng,
        status: pb::VehicleStatus::from(vehicle.status).into(),
        description: vehicle.description,
        instant_book: vehicle.instant_book,
        owner: Some(owner),
        distance_m: None,
        created_at: Some(timestamp(vehicle.created_at)),
        updated_at: Some(timestamp(vehicle.updated_at)),
        etag: None,
        thumbnail_url: images.first().and_then(|cover| thumbnail_of(cover)),
        images,
        rating,
        pricing: pricing::to_message(vehicle.pricing),
    }
}

/// Converts a search result.
pub fn found_vehicle(view: View, distance: Distance, urls: &ImageUrls) -> pb::Vehicle {
    pb::Vehicle {
        distance_m: Some(distance.m()),
        ..without_exact_place(untagged_vehicle(view, urls))
    }
}

/// Converts complete photos.
pub fn images(images: Vec<VehicleImage>, urls: &ImageUrls) -> Vec<pb::VehicleImage> {
    let images = images.into_iter().filter_map(|image| {
        let pixels = image.pixels?;
        Some(pb::VehicleImage {
            id: image.id.to_string(),
            url: urls.url(&image.object_key),
            content_type: image.announced.content_type,
            width: pixels.width,
            height: pixels.height,
            thumbnail_url: thumbnail_of(&urls.url(&image.object_key)),
        })
    });
    images.collect()
}

pub fn availability(of: Availability) -> pb::VehicleAvailability {
    let (day_of_week, specific_date) = match of.rule.day {
        Day::Weekly(weekday) => (Some(i32::from(weekday)), None),
        Day::Date(date) => (None, Some(date.to_string())),
    };
    pb::VehicleAvailability {
        id: of.id.to_string(),
        vehicle_id: of.vehicle.to_string(),
        day_of_week,
        start_time: of.rule.start.to_string(),
        end_time: of.rule.end.to_string(),
        is_recurring: day_of_week.is_some(),
        specific_date,
        is_blocked: of.rule.effect == Effect::Blocked,
    }
}

/// Converts the fields `start_datetime` and `end_datetime`.
pub fn period(start: Option<Timestamp>, end: Option<Timestamp>) -> Result<Period> {
    let (start, end) = (time("start_datetime", start)?, time("end_datetime", end)?);
    let refusal = || {
        ChassisError::invalid(
            "end_datetime",
            "시작 시각보다 뒤여야 합니다.",
            "must be after start_datetime",
        )
    };
    Ok(Period::new(start, end).map_err(|_| refusal())?)
}

/// Converts the time in `field`, of the years 2000 to 2199.
fn time(field: &str, time: Option<Timestamp>) -> Result<DateTime<Utc>> {
    let known = proto_types::to_datetime(time).filter(|time| (2000..2200).contains(&time.year()));
    Ok(known.ok_or_else(|| {
        ChassisError::invalid(
            field,
            "지원하지 않는 시각입니다.",
            "is not a time this service knows",
        )
    })?)
}

/// Converts an optional text; a blank one is absent.
pub fn optional_text(text: Option<String>) -> Option<String> {
    text.and_then(unless_empty)
}

/// Converts a status; `None` when unspecified.
pub fn status(value: i32) -> Option<Status> {
    match pb::VehicleStatus::try_from(value).ok()? {
        pb::VehicleStatus::Unspecified => None,
        pb::VehicleStatus::Active => Some(Status::Active),
        pb::VehicleStatus::Inactive => Some(Status::Inactive),
        pb::VehicleStatus::Maintenance => Some(Status::Maintenance),
    }
}

/// Converts a fuel; `None` when unspecified.
pub fn fuel(value: i32) -> Option<Fuel> {
    match pb::FuelType::try_from(value).ok()? {
        pb::FuelType::Unspecified => None,
        pb::FuelType::Gasoline => Some(Fuel::Gasoline),
        pb::FuelType::Diesel => Some(Fuel::Diesel),
        pb::FuelType::Electric => Some(Fuel::Electric),
        pb::FuelType::Hybrid => Some(Fuel::Hybrid),
    }
}

/// Converts a transmission; `None` when unspecified.
pub fn transmission(value: i32) -> Option<Transmission> {
    match pb::Transmission::try_from(value).ok()? {
        pb::Transmission::Unspecified => None,
        pb::Transmission::Manual => Some(Transmission::Manual),
        pb::Transmission::Automatic => Some(Transmission::Automatic),
    }
}

impl From<Status> for pb::VehicleStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Inactive => Self::Inactive,
            Status::Maintenance => Self::Maintenance,
        }
    }
}

impl From<Fuel> for pb::FuelType {
    fn from(fuel: Fuel) -> Self {
        match fuel {
            Fuel::Gasoline => Self::Gasoline,
            Fuel::Diesel => Self::Diesel,
            Fuel::Electric => Self::Electric,
            Fuel::Hybrid => Self::Hybrid,
        }
    }
}

impl From<Transmission> for pb::Transmission {
    fn from(transmission: Transmission) -> Self {
        match transmission {
            Transmission::Manual => Self::Manual,
            Transmission::Automatic => Self::Automatic,
        }
    }
}
