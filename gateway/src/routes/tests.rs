//! The routes of the real contract.

use super::*;
use crate::method_table::Rpcs;

fn routes() -> Routes {
    Routes::read(Rpcs::read().unwrap().iter()).unwrap()
}

fn found(routes: &Routes, method: Method, path: &str) -> String {
    match routes.find(&method, path) {
        Found::Route(route, bindings) => {
            let values: Vec<_> = bindings
                .iter()
                .map(|(field, value)| format!("{field}={value}"))
                .collect();
            format!("{} {}", route.rpc.descriptor.name(), values.join(","))
                .trim_end()
                .to_owned()
        }
        Found::OtherMethods(methods) => {
            let mut names: Vec<_> = methods.iter().map(Method::as_str).collect();
            names.sort_unstable();
            format!("405 {}", names.join(","))
        }
        Found::Nothing => "404".to_owned(),
    }
}

#[test]
fn the_spec_s_paths_lead_to_their_rpcs() {
    let routes = routes();
    for (method, path, expected) in [
        (Method::POST, "/v1/auth/register", "Register"),
        (Method::GET, "/.well-known/jwks.json", "GetJwks"),
        (Method::GET, "/v1/vehicles", "SearchVehicles"),
        (Method::POST, "/v1/vehicles", "CreateVehicle"),
        (Method::GET, "/v1/bookings/7", "GetBooking booking_id=7"),
        (
            Method::PUT,
            "/v1/bookings/7/approve",
            "ApproveBooking booking_id=7",
        ),
        (
            Method::POST,
            "/v1/vehicles/1/images/2:complete",
            "CompleteImageUpload vehicle_id=1,image_id=2",
        ),
        (Method::GET, "/v1/notifications/stream", "Subscribe"),
        (Method::HEAD, "/v1/bookings", "ListBookings"),
        (Method::PATCH, "/v1/bookings", "405 GET,POST"),
        (Method::GET, "/v1/auth/login", "405 POST"),
        (Method::GET, "/v1/bookings/7/approve/x", "404"),
        (Method::GET, "/", "404"),
        (Method::GET, "", "404"),
    ] {
        assert_eq!(found(&routes, method.clone(), path), expected, "{method} {path}");
    }
}

#[test]
fn a_literal_beats_a_variable() {
    let routes = routes();
    assert_eq!(
        found(&routes, Method::GET, "/v1/payments/methods"),
        "ListPaymentMethods"
    );
    assert_eq!(
        found(&routes, Method::GET, "/v1/payments/bookings/history"),
        "GetBookingPayment booking_id=history"
    );
}

#[test]
fn what_a_rule_says_about_bodies_is_kept() {
    let routes = routes();
    let route = |name: &str| {
        routes
            .iter()
            .find(|route| route.rpc.descriptor.name() == name)
            .unwrap()
    };
    assert_eq!(route("CreateBooking").body, Body::Whole);
    assert_eq!(route("HandleWebhook").body, Body::Field("payload".into()));
    assert_eq!(route("ListBookings").body, Body::None);
    assert_eq!(route("ListBookings").response_body.as_deref(), Some("bookings"));
}

#[test]
fn two_rpcs_at_one_place_are_refused() {
    let rpcs = Rpcs::read().unwrap();
    let twice = rpcs.iter().chain(rpcs.iter());
    let refused = Routes::read(twice).unwrap_err();
    assert!(refused.to_string().contains("have one route"), "{refused}");
}
