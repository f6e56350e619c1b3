//! Finds the RPC of a request and attaches it as [`Target`]; refuses unknown paths and wrong methods. An own layer, because
//! the routes come from the contract.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;

use super::request_info::{Protocol, RequestInfo};
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

pub async fn find(
    State(state): State<Arc<AppState>>,
    Extension(info): Extension<RequestInfo>,
    mut request: Request,
    next: Next,
) -> Response {
    let target = match info.protocol {
        Protocol::Grpc => grpc(&state, request.uri().path()),
        Protocol::Rest => match state.routes.find(request.method(), request.uri().path()) {
            RouteMatch::Found(route, bindings) => Ok(Target::Rest(route, bindings)),
            RouteMatch::OtherMethods(methods) => return method_not_allowed(methods),
            RouteMatch::NotFound => Err(Common::NotFound),
        },
    };
    let target = match target {
        Ok(target) => target,
        Err(reason) => return GatewayError::from(Error::new(reason)).into_response(),
    };
    let rpc = target.rpc().cloned();
    request.extensions_mut().insert(target);
    let mut response = next.run(request).await;
    if let Some(rpc) = rpc {
        response.extensions_mut().insert(MatchedRpc(rpc));
    }
    response
}

fn grpc(state: &AppState, path: &str) -> Result<Target, Common> {
    if BuiltinServices::has(path) {
        return Ok(Target::Builtin);
    }
    let rpc = state.methods.find(path).ok_or(Common::UnknownMethod)?;
    Ok(Target::Grpc(Arc::clone(rpc)))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use carshare_chassis::Lang;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    /// Returns the span of the RPC that was found, or the code of the error.
    async fn found(protocol: Protocol, path: &str) -> String {
        let service = ServiceBuilder::new()
            .layer(from_fn_with_state(Arc::new(AppState::for_test()), find))
            .service(service_fn(async |request: Request| {
                assert!(request.extensions().get::<Target>().is_some());
                Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
            }));
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(RequestInfo {
            protocol,
            ..RequestInfo::for_test(Lang::En, "c", path)
        });
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
