//! Checks the access option of an RPC against the caller. Deny is the default.

use carshare_proto::common::v1::ErrorReason as Common;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::error::Error;
use crate::identity::{Caller, Role, UserCaller, Verifier};
use crate::method_registry::{Method, Policy};

/// Credentials of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// Service at the other end of the connection, named by its certificate.
    pub peer: Option<&'a str>,
    /// Access token.
    pub bearer: Option<&'a str>,
}

/// Returns the caller if the RPC's access option allows it.
///
/// - public: allows all; the caller is the user of a valid token. An invalid token is ignored, so that an expired one does not
///   prevent signing in.
/// - users: needs a valid token, of one of the roles if the option names roles. A service is not a user, and an admin without a
///   second factor only where the option says so.
/// - internal: needs a service that the option names; its token is ignored.
pub async fn authorize(
    method: &Method,
    credentials: Credentials<'_>,
    verifier: &Verifier,
) -> Result<Caller, Error> {
    match method.policy() {
        Policy::Nobody => Err(Error::new(Common::PermissionDenied)),
        Policy::Internal(services) => service(services, credentials.peer),
        Policy::Public => match credentials.bearer {
            Some(token) => Ok(verifier
                .verify_from(credentials.peer, token)
                .await
                .map_or(Caller::Anonymous, Caller::User)),
            None => Ok(Caller::Anonymous),
        },
        Policy::AnyUserWithoutMfa => Ok(Caller::User(user(credentials, verifier).await?)),
        Policy::AnyUser => {
            let user = user(credentials, verifier).await?;
            if user.role == Role::Unenrolled {
                return Err(Error::new(Common::PermissionDenied));
            }
            Ok(Caller::User(user))
        }
        Policy::Roles(roles) => {
            let user = user(credentials, verifier).await?;
            if roles.contains(&user.role) {
                Ok(Caller::User(user))
            } else {
                Err(Error::new(Common::PermissionDenied))
            }
        }
    }
}

fn service(allowed: &[String], peer: Option<&str>) -> Result<Caller, Error> {
    match peer {
        Some(peer) if allowed.iter().any(|name| name == peer) => Ok(Caller::Service(peer.to_owned())),
        Some(_) => Err(Error::new(Common::PermissionDenied)),
        None => Err(Error::new(Common::Unauthenticated)),
    }
}

async fn user(credentials: Credentials<'_>, verifier: &Verifier) -> Result<UserCaller, Error> {
    let token = credentials
        .bearer
        .ok_or_else(|| Error::new(Common::Unauthenticated))?;
    verifier.verify_from(credentials.peer, token).await
}

/// Returns the token of an `Authorization: Bearer …` header (RFC 6750 §2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use carshare_testkit::Tokens;
    use uuid::Uuid;

    use super::*;
    use crate::clock::Clock;
    use crate::config;
    use crate::identity::StaticJwks;
    use crate::method_registry::find;

    const PUBLIC: &str = "/carshare.auth.v1.AuthService/Login";
    const ANY_USER: &str = "/carshare.auth.v1.AuthService/GetMe";
    const GUESTS: &str = "/carshare.booking.v1.BookingService/CreateBooking";
    const INTERNAL: &str = "/carshare.vehicle.v1.VehicleService/PlaceHold";

    /// What comes of each kind of credentials: a caller's label or the reason of the refusal.
    async fn outcome(path: &str, peer: Option<&str>, role: Option<&str>) -> String {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let tokens = Tokens::new().unwrap();
        let source = Arc::new(StaticJwks::from_json(&tokens.jwks()).unwrap());
        let verifier = Verifier::new(&config::Identity::default(), source, Clock::manual(now).0);
        let token = role.map(|role| match role {
            "broken" => "a.b.c".to_owned(),
            role => tokens.mint(role, Uuid::from_u128(1), now),
        });
        let given = Credentials {
            peer,
            bearer: token.as_deref(),
        };
        match authorize(find(path).unwrap(), given, &verifier).await {
            Ok(caller) => caller.label().into_owned(),
            Err(error) => error.reason().to_owned(),
        }
    }

    #[tokio::test]
    async fn access_options_allow_their_callers_only() {
        let table = [
            (PUBLIC, None, None, "anonymous"),
            (PUBLIC, Some("gateway"), Some("host"), "host"),
            (PUBLIC, None, Some("broken"), "anonymous"),
            (ANY_USER, None, None, "UNAUTHENTICATED"),
            (ANY_USER, Some("gateway"), None, "UNAUTHENTICATED"),
            (ANY_USER, Some("booking"), None, "UNAUTHENTICATED"),
            (ANY_USER, None, Some("broken"), "UNAUTHENTICATED"),
            (ANY_USER, Some("gateway"), Some("guest"), "guest"),
            (ANY_USER, Some("gateway"), Some("unenrolled"), "unenrolled"),
            (GUESTS, None, Some("guest"), "guest"),
            (GUESTS, None, Some("host"), "PERMISSION_DENIED"),
            (GUESTS, None, None, "UNAUTHENTICATED"),
            (INTERNAL, Some("booking"), None, "booking"),
            (INTERNAL, Some("booking"), Some("guest"), "booking"),
            (INTERNAL, Some("gateway"), Some("admin"), "PERMISSION_DENIED"),
            (INTERNAL, None, Some("admin"), "UNAUTHENTICATED"),
        ];
        for (path, peer, role, expected) in table {
            assert_eq!(
                outcome(path, peer, role).await,
                expected,
                "{path} {peer:?} {role:?}"
            );
        }
    }

    #[tokio::test]
    async fn admin_without_second_factor_reaches_its_enrolment_only() {
        let mut admitted = Vec::new();
        for method in carshare_proto::contract::methods() {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let is_public = *find(&path).unwrap().policy() == Policy::Public;
            match outcome(&path, Some("gateway"), Some("unenrolled")).await.as_str() {
                "unenrolled" if !is_public => admitted.push(method.name().to_owned()),
                "unenrolled" | "PERMISSION_DENIED" => {}
                other => panic!("{path}: {other}"),
            }
        }
        admitted.sort();
        let enrolment = [
            "BeginTotpEnrollment",
            "ChangePassword",
            "ConfirmTotpEnrollment",
            "GetMe",
            "Logout",
        ];
        assert_eq!(admitted, enrolment);
    }

    #[test]
    fn bearer_scheme_is_case_insensitive() {
        let of = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("Bearer"), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
