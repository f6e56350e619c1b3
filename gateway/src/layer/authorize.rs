//! Verifies the access token, checks the RPC's access option and takes the call from the caller's rate limits; attaches the
//! `Caller`. The service checks access again. Refused callers are counted too, so that guessing is limited.
//!
//! Callers of one class, and callers without an account, have some of the places for requests in flight, not all: whoever sends them from
//! many addresses does not keep users out.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse as _;
use carshare_chassis::Error;
use carshare_chassis::authorization::{self, Credentials};
use carshare_chassis::identity::Caller;
use carshare_chassis::layer::take;
use carshare_proto::common::v1::ErrorReason as Common;
use http::request::Parts;

use super::request_info::RequestInfo;
use super::route::Target;
use super::{Inner, Result, overload};
use crate::config::Limits;
use crate::error::GatewayError;
use crate::in_flight::{Arrival, Place};
use crate::method_table::Rpc;
use crate::state::AppState;

pub fn authorize<S: Inner + Clone>(
    state: &Arc<AppState>,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    let (state, mut inner) = (Arc::clone(state), take(inner));
    async move {
        let (mut parts, body) = request.into_parts();
        match caller(&state, &parts).await {
            Ok((caller, _place)) => {
                parts.extensions.insert(caller);
                inner.call(Request::from_parts(parts, body)).await
            }
            Err(error) => Ok(error.into_response()),
        }
    }
}

type ClassPlace = Place<Cow<'static, str>>;

/// Returns the caller, with the place of the request if it needs one until it is answered.
async fn caller(
    state: &AppState,
    parts: &Parts,
) -> std::result::Result<(Caller, Option<ClassPlace>), GatewayError> {
    let info = RequestInfo::of(&parts.extensions);
    let rpc = parts.extensions.get().and_then(Target::rpc);
    let authorized = match rpc {
        Some(rpc) => {
            let credentials = Credentials {
                peer: None,
                bearer: authorization::bearer(&parts.headers),
            };
            authorization::authorize(rpc.method, credentials, &state.verifier).await
        }
        None => Ok(Caller::Anonymous),
    };
    let caller = authorized.as_ref().unwrap_or(&Caller::Anonymous);
    let rpc = rpc.map(AsRef::as_ref);
    let (status, within_limits) = state.rate_limiter.take(rpc, info.client_ip, caller).await;
    if let Some(status) = status {
        // A request is counted once, so the cell is empty.
        let _ = info.rate_limit.set(status);
    }
    within_limits?;
    let caller = authorized?;
    let Some(rpc) = rpc else {
        return Ok((caller, None));
    };
    check_network(&state.config.service.limits, rpc, info.client_ip)?;
    let place = place(state, rpc, &caller, parts.extensions.get())?;
    Ok((caller, place))
}

/// Takes a place of the RPC's class, or of those for callers without an account.
fn place(
    state: &AppState,
    rpc: &Rpc,
    caller: &Caller,
    arrival: Option<&Arrival>,
) -> std::result::Result<Option<ClassPlace>, Error> {
    let key = match (&rpc.limit, caller) {
        (Some(class), _) => Cow::Owned(class.name.clone()),
        (None, Caller::Anonymous) => Cow::Borrowed("anonymous"),
        (None, _) => return Ok(None),
    };
    let place = state.in_flight.by_class.take(key, arrival).map(Some);
    place.ok_or_else(overload::refusal)
}

/// Refuses an address from which calls of the RPC's class may not come.
fn check_network(limits: &Limits, rpc: &Rpc, address: IpAddr) -> std::result::Result<(), Error> {
    let class = rpc.limit.as_ref();
    let networks = class.and_then(|class| limits.allowed_networks.get(&class.name));
    match networks {
        Some(networks) if !networks.iter().any(|network| network.contains(&address)) => {
            Err(Error::new(Common::PermissionDenied))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use axum::response::Response;
    use carshare_chassis::Lang;
    use carshare_chassis::identity::{Role, UserCaller};
    use carshare_chassis::layer::from_fn;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;
    use crate::in_flight::InFlight;

    const PUBLIC: &str = "/carshare.auth.v1.AuthService/GetJwks";
    const ANY_USER: &str = "/carshare.auth.v1.AuthService/GetMe";

    const WEBHOOK: &str = "/carshare.payment.v1.PaymentService/HandleWebhook";

    fn user() -> UserCaller {
        UserCaller {
            id: uuid::Uuid::from_u128(1),
            role: Role::Guest,
            email_verified: true,
            token_id: uuid::Uuid::from_u128(2),
            session_id: uuid::Uuid::from_u128(3),
            expires_at: "2026-11-22T12:15:00Z".parse().unwrap(),
        }
    }

    /// Returns the error code, and the `RateLimit` header.
    async fn call(state: &Arc<AppState>, path: &str) -> (Option<String>, String) {
        call_from(state, path, "192.0.2.1").await
    }

    async fn call_from(state: &Arc<AppState>, path: &str, address: &str) -> (Option<String>, String) {
        let service = ServiceBuilder::new()
            .layer(from_fn(Arc::clone(state), authorize))
            .service(service_fn(async |request: Request| {
                assert!(matches!(request.extensions().get(), Some(Caller::Anonymous)));
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let info = Arc::new(RequestInfo {
            client_ip: address.parse().unwrap(),
            ..RequestInfo::for_test(Lang::En, "c", path)
        });
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Arc::clone(&info));
        let rpc = Arc::clone(state.methods.find(path).unwrap());
        request.extensions_mut().insert(Target::Grpc(rpc));
        let error = GatewayError::take(&mut service.oneshot(request).await.unwrap());
        let mut headers = http::HeaderMap::new();
        info.rate_limit.get().unwrap().write(&mut headers);
        let code = error.map(|error| error.problem().code().to_owned());
        (code, headers["ratelimit"].to_str().unwrap().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn unauthorized_caller_is_refused_and_counted() {
        let state = Arc::new(AppState::for_test());
        let status = |remaining: u32, seconds: u32| format!("\"address\";r={remaining};t={seconds}");
        assert_eq!(call(&state, PUBLIC).await, (None, status(99, 1)));
        let unauthenticated = Some("AUTH001".to_owned());
        assert_eq!(call(&state, ANY_USER).await, (unauthenticated, status(98, 2)));
        for _ in 0..98 {
            call(&state, ANY_USER).await;
        }
        let limited = Some("COMMON004".to_owned());
        assert_eq!(call(&state, ANY_USER).await, (limited.clone(), status(0, 60)));
        assert_eq!(call(&state, PUBLIC).await, (limited, status(0, 60)));
    }
    #[tokio::test(start_paused = true)]
    async fn class_with_networks_is_called_from_these_only() {
        let mut state = AppState::for_test();
        let networks = ["13.124.18.147/32", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let allowed = &mut state.config.service.limits.allowed_networks;
        allowed.insert("webhook".to_owned(), networks.to_vec());
        let state = Arc::new(state);
        let forbidden = Some("AUTH003".to_owned());
        for (path, address, code) in [
            (WEBHOOK, "13.124.18.147", None),
            (WEBHOOK, "2001:db8::1", None),
            (WEBHOOK, "13.124.18.148", forbidden.clone()),
            (WEBHOOK, "::1", forbidden),
            (PUBLIC, "13.124.18.148", None),
        ] {
            assert_eq!(call_from(&state, path, address).await.0, code, "{path} {address}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_of_a_class_or_without_account_have_places_of_their_own() {
        let mut state = AppState::for_test();
        state.in_flight.by_class = InFlight::new(1);
        let state = Arc::new(state);
        let rpc = |path: &str| Arc::clone(state.methods.find(path).unwrap());
        let anonymous = Caller::Anonymous;
        let place = |rpc: &Rpc, caller: &Caller| place(&state, rpc, caller, None);
        let first = place(&rpc(PUBLIC), &anonymous).unwrap();
        let refused = place(&rpc(PUBLIC), &anonymous).unwrap_err();
        assert!(refused.is(Common::Unavailable));
        let user = Caller::User(user());
        assert!(place(&rpc(PUBLIC), &user).unwrap().is_none());
        let webhook = place(&rpc(WEBHOOK), &anonymous).unwrap();
        assert!(place(&rpc(WEBHOOK), &user).is_err());
        drop((first, webhook));
        assert!(place(&rpc(PUBLIC), &anonymous).is_ok());
        assert!(place(&rpc(WEBHOOK), &user).is_ok());
    }
}
