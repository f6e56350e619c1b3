//! Lookups in the routes of the real contract.

use super::*;
use crate::method_table::MethodTable;

fn routes() -> Routes {
    Routes::read(MethodTable::read().unwrap().iter()).unwrap()
}

/// `GetBooking booking_id=7`, `405 GET,POST` or `404`.
fn found(routes: &Routes, method: &Method, path: &str) -> String {
    match routes.find(method, path) {
        RouteMatch::Found(route, bindings) => {
            let values = bindings.iter().map(|(field, value)| format!(" {field}={value}"));
            format!("{}{}", route.rpc.descriptor.name(), values.collect::<String>())
        }
        RouteMatch::OtherMethods(mut methods) => {
            methods.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
            let names: Vec<_> = methods.iter().map(Method::as_str).collect();
            format!("405 {}", names.join(","))
        }
        RouteMatch::NotFound => "404".to_owned(),
    }
}

#[test]
fn find_matches_method_and_path() {
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
        (Method::GET, "/v1/notifications/stream", "Subscribe"),
        (Method::HEAD, "/v1/bookings", "ListBookings"),
        (
            Method::PUT,
            "/v1/vehicles/1/images/2/complete",
            "CompleteImageUpload vehicle_id=1 image_id=2",
        ),
        (Method::PATCH, "/v1/vehicles/7", "UpdateVehicle vehicle_id=7"),
        (Method::PUT, "/v1/vehicles/7", "UpdateVehicle vehicle_id=7"),
        (Method::POST, "/v1/vehicles/1/images/2", "405 DELETE"),
        (Method::PATCH, "/v1/bookings", "405 GET,POST"),
        (Method::HEAD, "/v1/auth/login", "405 POST"),
        (Method::GET, "/v1/bookings/7/approve/x", "404"),
        (Method::GET, "/v1/Bookings", "404"),
        (Method::GET, "/v1/bookings/", "404"),
        (Method::GET, "/", "404"),
        (Method::GET, "", "404"),
        (Method::OPTIONS, "*", "404"),
    ] {
        assert_eq!(found(&routes, &method, path), expected, "{method} {path}");
    }
}

#[test]
fn no_path_of_the_contract_has_a_custom_verb() {
    for route in routes().iter() {
        assert!(!route.path.contains(':'), "{}: see ADR 0032", route.path);
    }
}

#[test]
fn patch_sets_fields_with_presence_only_so_that_null_can_clear_them() {
    let routes = routes();
    let patches: Vec<_> = routes
        .iter()
        .filter(|route| route.method == Method::PATCH)
        .collect();
    assert!(patches.len() >= 2);
    for route in patches {
        let fields = route.rpc.descriptor.input().fields().collect::<Vec<_>>();
        let fields = fields.iter().filter(|field| !route.has_variable(field.name()));
        for field in fields {
            let is_message = field.kind().as_message().is_some();
            assert!(
                field.supports_presence() && !is_message,
                "{}: see ADR 0031",
                field.full_name()
            );
        }
    }
}

#[test]
fn find_decodes_percent_encoding_once() {
    let routes = routes();
    for (path, expected) in [
        ("/v1/%62oo%6bings/7", "GetBooking booking_id=7"),
        ("/v1/bookings/a%2Fb%20%ED%95%9C", "GetBooking booking_id=a/b 한"),
        ("/v1/bookings/%2561%2", "GetBooking booking_id=%61%2"),
        ("/v1/bookings%2F7", "404"),
        ("/v1/bookings/%FF", "404"),
    ] {
        assert_eq!(found(&routes, &Method::GET, path), expected, "{path}");
    }
}

#[test]
fn literal_precedes_variable() {
    let routes = routes();
    for (path, expected) in [
        ("/v1/payments/methods", "ListPaymentMethods"),
        (
            "/v1/payments/bookings/history",
            "GetBookingPayment booking_id=history",
        ),
    ] {
        assert_eq!(found(&routes, &Method::GET, path), expected);
    }
}

#[test]
fn route_keeps_body_and_response_body_of_its_rule() {
    let routes = routes();
    let of = |name: &str| {
        let route = routes.iter().find(|route| route.rpc.descriptor.name() == name);
        let route = route.unwrap();
        (route.body.clone(), route.response_body.as_deref())
    };
    assert_eq!(of("CreateBooking"), (Body::Whole, None));
    assert_eq!(of("HandleWebhook"), (Body::Field("payload".into()), None));
    assert_eq!(of("ListBookings"), (Body::None, Some("bookings")));
}

#[test]
fn two_rpcs_with_one_route_are_refused() {
    let rpcs = MethodTable::read().unwrap();
    let twice = rpcs.iter().chain(rpcs.iter());
    let error = format!("{:#}", Routes::read(twice).unwrap_err());
    assert!(
        error.starts_with("the route of /carshare.") && error.contains("conflict"),
        "{error}"
    );
}

#[test]
fn unsupported_path_templates_are_refused() {
    let read = |path: &str| {
        let rule = HttpRule {
            pattern: Some(Pattern::Get(path.to_owned())),
            ..Default::default()
        };
        let rpcs = MethodTable::read().unwrap();
        let route = Route::read(&rule, Arc::clone(rpcs.iter().next().unwrap()))?;
        Routes::default().insert(Arc::new(route))
    };
    for broken in [
        "v1/x",
        "/v1//x",
        "/v1/{x",
        "/v1/{}",
        "/v1/{a=b/*}",
        "/v1/**",
        "/v1/{*a}",
        "/v1/{a}{b}",
    ] {
        assert!(read(broken).is_err(), "{broken}");
    }
    assert!(read("/v1/{booking.id}/x").is_ok());
}
