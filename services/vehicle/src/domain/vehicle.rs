//! A car, its visibility, and every change of its status.

use chrono::{DateTime, Utc};

use super::ids::{UserId, VehicleId};
use super::license_plate::LicensePlate;
use super::location::Location;
use super::pricing::Pricing;

mod attributes;

pub use attributes::{Fuel, Status, Transmission};

/// A car that is on the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Vehicle {
    pub id: VehicleId,
    pub owner_id: UserId,
    pub license_plate: LicensePlate,
    pub make: String,
    pub model: String,
    pub year: i32,
    pub color: Option<String>,
    pub fuel: Option<Fuel>,
    pub transmission: Option<Transmission>,
    pub hourly_rate_krw: i64,
    pub pricing: Pricing,
    /// Pickup location.
    pub location: Location,
    pub status: Status,
    pub description: Option<String>,
    /// Bookings are approved at once, without an answer of the host.
    pub instant_book: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Changes of a host. `None` leaves a field unchanged; an empty text clears a colour or description.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    pub make: Option<String>,
    pub model: Option<String>,
    pub year: Option<i32>,
    pub color: Option<String>,
    /// `Some(None)` clears it.
    pub fuel: Option<Option<Fuel>>,
    /// `Some(None)` clears it.
    pub transmission: Option<Option<Transmission>>,
    pub hourly_rate_krw: Option<i64>,
    pub location: Option<Location>,
    pub description: Option<String>,
    pub instant_book: Option<bool>,
    pub status: Option<Status>,
}

/// Effect of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The car had these values.
    Nothing,
    Fields,
    /// Fields, and the car became active.
    Activated,
}

/// A car without a photo cannot be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the car has no photo")]
pub struct NoImage;

impl Vehicle {
    /// Returns manufacturer and model, for texts.
    pub fn title(&self) -> String {
        format!("{} {}", self.make, self.model)
    }

    /// Returns whether the car may be shown: an active car to everybody, any other to its host only.
    pub fn is_visible_to(&self, viewer: Option<UserId>) -> bool {
        self.status == Status::Active || viewer == Some(self.owner_id)
    }

    /// Applies the changes.
    pub fn change(
        &mut self,
        change: Change,
        has_image: bool,
        now: DateTime<Utc>,
    ) -> Result<Changed, NoImage> {
        let before = self.clone();
        let activated = change.status == Some(Status::Active) && self.status != Status::Active;
        if activated && !has_image {
            return Err(NoImage);
        }
        set(&mut self.make, change.make);
        set(&mut self.model, change.model);
        set(&mut self.year, change.year);
        set(&mut self.color, change.color.map(unless_empty));
        set(&mut self.fuel, change.fuel);
        set(&mut self.transmission, change.transmission);
        set(&mut self.hourly_rate_krw, change.hourly_rate_krw);
        set(&mut self.location, change.location);
        set(&mut self.description, change.description.map(unless_empty));
        set(&mut self.instant_book, change.instant_book);
        set(&mut self.status, change.status);
        if *self == before {
            return Ok(Changed::Nothing);
        }
        self.updated_at = now;
        Ok(if activated {
            Changed::Activated
        } else {
            Changed::Fields
        })
    }

    /// Replaces the prices besides the hourly rate. Returns whether they differ.
    pub fn set_pricing(&mut self, pricing: Pricing, now: DateTime<Utc>) -> bool {
        if self.pricing == pricing {
            return false;
        }
        self.pricing = pricing;
        self.updated_at = now;
        true
    }

    /// Returns whether a complete photo may be deleted, of `count` ones.
    pub fn may_delete_image(&self, count: u64) -> Result<(), NoImage> {
        if self.status == Status::Active && count <= 1 {
            return Err(NoImage);
        }
        Ok(())
    }

    /// Records a checked photo, of which the first activates an inactive car. Returns whether it did.
    pub fn image_completed(&mut self, is_first: bool, now: DateTime<Utc>) -> bool {
        let activated = is_first && self.status == Status::Inactive;
        if activated {
            self.status = Status::Active;
        }
        self.updated_at = now;
        activated
    }
}

fn set<T>(field: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *field = new;
    }
}

/// Returns the text, or `None` if it is blank.
pub(crate) fn unless_empty(text: String) -> Option<String> {
    if text.trim().is_empty() { None } else { Some(text) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::super::location::Coordinates;
    use super::*;

    fn car(status: Status) -> Vehicle {
        let registered = "2026-11-22T12:00:00Z".parse().unwrap();
        Vehicle {
            id: VehicleId(Uuid::from_u128(1)),
            owner_id: UserId(Uuid::from_u128(2)),
            license_plate: LicensePlate::stored("12하3456".to_owned()),
            make: "제네시스".to_owned(),
            model: "G80".to_owned(),
            year: 2024,
            color: Some("검정".to_owned()),
            fuel: Some(Fuel::Gasoline),
            transmission: None,
            hourly_rate_krw: 15_000,
            pricing: Pricing::default(),
            location: Location {
                address: "서울 강남구 테헤란로 152".to_owned(),
                coordinates: Coordinates {
                    lat: 37.5,
                    lng: 127.0,
                },
            },
            status,
            description: None,
            instant_book: false,
            created_at: registered,
            updated_at: registered,
        }
    }

    fn later() -> DateTime<Utc> {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    #[rstest]
    #[case(Status::Inactive, Status::Active, true, Ok(Changed::Activated))]
    #[case(Status::Inactive, Status::Active, false, Err(NoImage))]
    #[case(Status::Inactive, Status::Inactive, false, Ok(Changed::Nothing))]
    #[case(Status::Inactive, Status::Maintenance, false, Ok(Changed::Fields))]
    #[case(Status::Active, Status::Active, true, Ok(Changed::Nothing))]
    #[case(Status::Active, Status::Inactive, true, Ok(Changed::Fields))]
    #[case(Status::Active, Status::Maintenance, true, Ok(Changed::Fields))]
    #[case(Status::Maintenance, Status::Active, true, Ok(Changed::Activated))]
    #[case(Status::Maintenance, Status::Active, false, Err(NoImage))]
    #[case(Status::Maintenance, Status::Inactive, true, Ok(Changed::Fields))]
    #[case(Status::Maintenance, Status::Maintenance, true, Ok(Changed::Nothing))]
    fn every_change_of_status_is_allowed_or_refused(
        #[case] from: Status,
        #[case] to: Status,
        #[case] has_image: bool,
        #[case] expected: Result<Changed, NoImage>,
    ) {
        let mut changed = car(from);
        let change = Change {
            status: Some(to),
            ..Change::default()
        };
        assert_eq!(changed.change(change, has_image, later()), expected);
        assert_eq!(changed.status, if expected.is_ok() { to } else { from });
        let is_later = matches!(expected, Ok(Changed::Fields | Changed::Activated));
        assert_eq!(changed.updated_at == later(), is_later);
    }

    #[rstest]
    #[case(Status::Inactive, true, true)]
    #[case(Status::Inactive, false, false)]
    #[case(Status::Active, true, false)]
    #[case(Status::Maintenance, true, false)]
    fn first_photo_activates_an_inactive_car_only(
        #[case] from: Status,
        #[case] is_first: bool,
        #[case] activated: bool,
    ) {
        let mut changed = car(from);
        assert_eq!(changed.image_completed(is_first, later()), activated);
        assert_eq!(changed.status, if activated { Status::Active } else { from });
    }

    #[rstest]
    #[case(Status::Active, 1, Err(NoImage))]
    #[case(Status::Active, 2, Ok(()))]
    #[case(Status::Inactive, 1, Ok(()))]
    #[case(Status::Maintenance, 1, Ok(()))]
    fn only_photo_of_an_active_car_is_not_deleted(
        #[case] status: Status,
        #[case] count: u64,
        #[case] expected: Result<(), NoImage>,
    ) {
        assert_eq!(car(status).may_delete_image(count), expected);
    }

    #[test]
    fn absent_fields_stay_and_empty_texts_clear() {
        let mut changed = car(Status::Active);
        let change = Change {
            color: Some(String::new()),
            fuel: Some(None),
            hourly_rate_krw: Some(20_000),
            instant_book: Some(true),
            ..Change::default()
        };
        assert_eq!(changed.change(change, true, later()), Ok(Changed::Fields));
        let expected = Vehicle {
            color: None,
            fuel: None,
            hourly_rate_krw: 20_000,
            instant_book: true,
            updated_at: later(),
            ..car(Status::Active)
        };
        assert_eq!(changed, expected);
    }

    #[test]
    fn car_that_is_not_active_is_visible_to_its_host_only() {
        let (host, other) = (Some(UserId(Uuid::from_u128(2))), Some(UserId(Uuid::from_u128(3))));
        for status in [Status::Inactive, Status::Maintenance] {
            assert_eq!(
                [host, other, None].map(|viewer| car(status).is_visible_to(viewer)),
                [true, false, false]
            );
        }
        assert_eq!(
            [host, other, None].map(|viewer| car(Status::Active).is_visible_to(viewer)),
            [true; 3]
        );
    }
}
