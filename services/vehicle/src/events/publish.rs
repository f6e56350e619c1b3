//! Events of this service.

use carshare_proto::vehicle::v1 as pb;

use crate::domain::{BookingId, Vehicle, VehicleId};

pub fn registered(vehicle: &Vehicle) -> pb::VehicleRegistered {
    pb::VehicleRegistered {
        vehicle_id: vehicle.id.to_string(),
        owner_id: vehicle.owner_id.to_string(),
        license_plate: vehicle.license_plate.to_string(),
        title: vehicle.title(),
    }
}

pub fn activated(vehicle: &Vehicle) -> pb::VehicleActivated {
    pb::VehicleActivated {
        vehicle_id: vehicle.id.to_string(),
        owner_id: vehicle.owner_id.to_string(),
        title: vehicle.title(),
    }
}

pub fn updated(vehicle: &Vehicle) -> pb::VehicleUpdated {
    pb::VehicleUpdated {
        vehicle_id: vehicle.id.to_string(),
        owner_id: vehicle.owner_id.to_string(),
    }
}

pub fn withdrawn(vehicle: &Vehicle) -> pb::VehicleWithdrawn {
    pb::VehicleWithdrawn {
        vehicle_id: vehicle.id.to_string(),
        owner_id: vehicle.owner_id.to_string(),
    }
}

pub fn hold_lost(vehicle: VehicleId, booking: BookingId) -> pb::VehicleHoldLost {
    pb::VehicleHoldLost {
        vehicle_id: vehicle.to_string(),
        booking_id: booking.to_string(),
    }
}
