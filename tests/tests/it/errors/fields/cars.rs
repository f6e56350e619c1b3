//! Invalid fields of accounts and cars.

use carshare_proto::auth::v1::RegisterRequest;
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::{
    AddAvailabilityRequest, CreateImageUploadRequest, CreateVehicleRequest, SearchVehiclesRequest,
};
use serde_json::json;

use crate::errors::case::{Case, Faults};

const ID: &str = "5b0e0000-0000-7000-8000-000000000001";

pub(super) fn register() -> (Case, Faults) {
    let rest =
        json!({ "email": "me", "password": "short", "name": "", "phone": "02-123-4567", "role": "admin" });
    let message = RegisterRequest {
        email: "me".to_owned(),
        password: "short".to_owned(),
        name: String::new(),
        phone: "02-123-4567".to_owned(),
        role: Role::Admin.into(),
    };
    let case = Case::post("/v1/auth/register", rest, "auth.AuthService/Register", message);
    let faults: Faults = &[
        ("email", "STRING_EMAIL"),
        ("password", "STRING_MIN_LEN"),
        ("name", "STRING_MIN_LEN"),
        ("phone", "PHONE_KR_MOBILE"),
        ("role", "ENUM_IN"),
    ];
    (case, faults)
}

pub(super) fn vehicle() -> (Case, Faults) {
    let rest = json!({ "license_plate": "x", "model": "m".repeat(51), "year": 1979, "hourly_rate": 999, "location_address": "서" });
    let message = CreateVehicleRequest {
        license_plate: "x".to_owned(),
        model: "m".repeat(51),
        year: 1979,
        hourly_rate: 999,
        location_address: "서".to_owned(),
        ..Default::default()
    };
    let case = Case::post(
        "/v1/vehicles",
        rest,
        "vehicle.VehicleService/CreateVehicle",
        message,
    );
    let faults: Faults = &[
        ("license_plate", "STRING_MIN_LEN"),
        ("make", "STRING_MIN_LEN"),
        ("model", "STRING_MAX_LEN"),
        ("year", "INT32_GTE_LTE"),
        ("hourly_rate", "INT64_GTE_LTE"),
        ("location_address", "STRING_MIN_LEN"),
    ];
    (case, faults)
}

pub(super) fn search() -> (Case, Faults) {
    let message = SearchVehiclesRequest {
        lat: Some(91.0),
        radius: Some(0.0),
        page_size: 201,
        ..Default::default()
    };
    let case = Case::get(
        "/v1/vehicles?lat=91&radius=0&page_size=201",
        "vehicle.VehicleService/SearchVehicles",
        message,
    );
    let faults: Faults = &[
        ("lat", "DOUBLE_GTE_LTE"),
        ("lng", "REQUIRED"),
        ("start_datetime", "REQUIRED"),
        ("end_datetime", "REQUIRED"),
        ("radius", "DOUBLE_GT_LTE"),
        ("page_size", "INT32_GTE_LTE"),
    ];
    (case, faults)
}

pub(super) fn image() -> (Case, Faults) {
    let rest = json!({ "content_type": "image/gif", "size_bytes": 10_485_761 });
    let message = CreateImageUploadRequest {
        vehicle_id: ID.to_owned(),
        content_type: "image/gif".to_owned(),
        size_bytes: 10_485_761,
    };
    let path = format!("/v1/vehicles/{ID}/images");
    let case = Case::post(path, rest, "vehicle.VehicleService/CreateImageUpload", message);
    let faults: Faults = &[("content_type", "STRING_IN"), ("size_bytes", "INT64_GTE_LTE")];
    (case, faults)
}

pub(super) fn opening_hours() -> (Case, Faults) {
    let rest =
        json!({ "day_of_week": 7, "start_time": "24:00", "end_time": "noon", "specific_date": "2026-13-01" });
    let message = AddAvailabilityRequest {
        vehicle_id: ID.to_owned(),
        day_of_week: Some(7),
        start_time: "24:00".to_owned(),
        end_time: "noon".to_owned(),
        specific_date: Some("2026-13-01".to_owned()),
        ..Default::default()
    };
    let path = format!("/v1/vehicles/{ID}/availability");
    let case = Case::post(path, rest, "vehicle.VehicleService/AddAvailability", message);
    let faults: Faults = &[
        ("is_recurring", "ADD_AVAILABILITY_KIND"),
        ("day_of_week", "ADD_AVAILABILITY_KIND"),
        ("specific_date", "ADD_AVAILABILITY_KIND"),
        ("day_of_week", "INT32_GTE_LTE"),
        ("start_time", "STRING_PATTERN"),
        ("end_time", "STRING_PATTERN"),
        ("specific_date", "STRING_PATTERN"),
    ];
    (case, faults)
}
