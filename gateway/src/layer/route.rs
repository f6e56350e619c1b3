//! Finds the RPC of a request and attaches it as [`Target`]; refuses unknown paths and wrong methods. An own layer, because
//! the routes come from the contract.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::{Error, trace_context};
use carshare_proto::common::v1::ErrorReason as Common;
use futures::TryFutureExt as _;
use futures::future::{Either, ready};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use uuid::Uuid;

use super::request_info::{Protocol, RequestInfo};
use super::{Inner, Result};
use crate::error::{GatewayError, method_not_allowed};
use crate::grpc::BuiltinServices;
use crate::method_table::Rpc;
use crate::routes::{Bindings, Route, RouteMatch};
use crate::state::AppState;

/// The receiver of a request.
#[derive(Clone, Debug)]
pub enum Target {
    /// Forwards the bytes of a gRPC call.
    Grpc(Arc<Rpc>),
    /// Transcodes a REST request, with the values of its path variables.
    Rest(Arc<Route>, Bindings),
    /// gRPC health or reflection, which the gateway answers itself.
    Builtin,
}

/// Extension of a response: the RPC that was called.
#[derive(Clone, Debug)]
pub struct MatchedRpc(pub Arc<Rpc>);

impl Target {
    /// Returns the RPC of a service.
    pub fn rpc(&self) -> Option<&Arc<Rpc>> {
        match self {
            Self::Grpc(rpc) => Some(rpc),
            Self::Rest(route, _) => Some(&route.rpc),
            Self::Builtin => None,
        }
    }
}

pub fn find<S: Inner>(
    state: &Arc<AppState>,
    inner: &mut S,
    mut request: Request,
) -> impl Future<Output = Result> + use<S> {
    let target = match target(state, &request) {
        Ok(target) => target,
        Err(refused) => return Either::Left(ready(Ok(*refused))),
    };
    let rpc = target.rpc().cloned();
    request.extensions_mut().insert(target);
    Either::Right(inner.call(request).map_ok(|mut response| {
        if let Some(rpc) = rpc {
            response.extensions_mut().insert(MatchedRpc(rpc));
        }
        response
    }))
}

fn target(state: &AppState, request: &Request) -> std::result::Result<Target, Box<Response>> {
    let path = request.uri().path();
    let found = match RequestInfo::of(request.extensions()).protocol {
        Protocol::Grpc | Protocol::Connect if !is_protobuf(request.headers()) => {
            Err(Common::UnsupportedMediaType)
        }
        Protocol::Grpc | Protocol::Connect if BuiltinServices::has(path) => return Ok(Target::Builtin),
        Protocol::Grpc | Protocol::Connect => state
            .methods
            .find(path)
            .cloned()
            .map(Target::Grpc)
            .ok_or(Common::UnknownMethod),
        Protocol::Rest => match state.routes.find(request.method(), path) {
            RouteMatch::Found(route, bindings) => {
                set_resources(&bindings);
                Ok(Target::Rest(route, bindings))
            }
            RouteMatch::OtherMethods(methods) => return Err(method_not_allowed(methods).into()),
            RouteMatch::NotFound => Err(Common::NotFound),
        },
    };
    found.map_err(|reason| GatewayError::from(Error::new(reason)).into_response().into())
}

/// Gives the span of the request the ids in its path, so that a call is found by them that changed nothing.
fn set_resources(bindings: &Bindings) {
    for (field, value) in bindings {
        if Uuid::try_parse(value).is_ok() {
            trace_context::set_resource(field.clone(), value);
        }
    }
}

/// Returns whether the messages of a gRPC request are protobuf, which is the default.
fn is_protobuf(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let essence = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    matches!(
        essence.trim_ascii_end(),
        b"application/grpc" | b"application/grpc+proto"
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use carshare_chassis::Lang;
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    /// Returns the span of the RPC that was found, or the code of the error.
    async fn found(protocol: Protocol, path: &str) -> String {
        let service = ServiceBuilder::new()
            .layer(from_fn(Arc::new(AppState::for_test()), find))
            .service(service_fn(async |request: Request| {
                assert!(request.extensions().get::<Target>().is_some());
                Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
            }));
        let mut request = Request::get(path)
            .header(CONTENT_TYPE, "application/grpc")
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(Arc::new(RequestInfo {
            protocol,
            ..RequestInfo::for_test(Lang::En, "c", path)
        }));
        let mut response = service.oneshot(request).await.unwrap();
        match (GatewayError::take(&mut response), response.extensions().get()) {
            (Some(error), _) => error.problem().code().to_owned(),
            (None, Some(MatchedRpc(rpc))) => rpc.method.span().to_owned(),
            (None, None) => "builtin".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rpc_is_found_by_rest_route_or_grpc_path() {
        for (protocol, path, expected) in [
            (Protocol::Rest, "/v1/bookings/7", "rpc.booking.get_booking"),
            (Protocol::Rest, "/v1/nothing", "COMMON002"),
            (Protocol::Rest, "/v1/auth/login", "COMMON011"),
            (
                Protocol::Rest,
                "/carshare.booking.v1.BookingService/GetBooking",
                "COMMON002",
            ),
            (
                Protocol::Grpc,
                "/carshare.booking.v1.BookingService/GetBooking",
                "rpc.booking.get_booking",
            ),
            (
                Protocol::Grpc,
                "/carshare.vehicle.v1.VehicleService/PlaceHold",
                "COMMON012",
            ),
            (Protocol::Grpc, "/grpc.health.v1.Health/Check", "builtin"),
        ] {
            assert_eq!(found(protocol, path).await, expected, "{path}");
        }
    }
}
