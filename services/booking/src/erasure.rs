//! Erases what bookings have about a deleted account, and keeps the record of the contract: the terms, the period, the times, the ids of both
//! sides, and the car with its plate.

use carshare_proto::approximate_place::without_exact_place;
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::Vehicle;
use prost::Message as _;

use crate::domain::{Booking, Party};
use crate::error::Error;
use crate::rpc::convert;
use crate::store::user_erasures::UserErasure;

/// Erases a booking of the account.
pub fn erase(booking: &mut Booking, erasure: UserErasure) -> Result<(), Error> {
    booking.erase_messages_of(erasure.party);
    if erasure.party == Party::Host {
        let vehicle = convert::vehicle(booking)?;
        booking.vehicle_snapshot = erased(vehicle, erasure).encode_to_vec();
    }
    Ok(())
}

/// Returns the car without its exact place, description, named rates, photos and the profile of its host.
fn erased(vehicle: Vehicle, erasure: UserErasure) -> Vehicle {
    let owner = carshare_profiles::deleted(Role::Host, erasure.user.0, erasure.deleted_at);
    Vehicle {
        license_plate: vehicle.license_plate.clone(),
        description: None,
        pricing: None,
        images: Vec::new(),
        thumbnail_url: None,
        owner: Some(owner),
        ..without_exact_place(vehicle)
    }
}
