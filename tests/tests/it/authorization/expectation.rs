//! Expected outcome of a call, from the access option of the RPC.

use carshare_proto::contract;
use carshare_proto::options::v1::Role;
use prost_reflect::MethodDescriptor;
use tonic::Code;

use super::callers::Caller;
use crate::harness::{path_fields, path_template};

/// Codes of errors that tell no more than that the caller was admitted.
const ADMITTED: [Code; 9] = [
    Code::Ok,
    Code::InvalidArgument,
    Code::NotFound,
    Code::AlreadyExists,
    Code::FailedPrecondition,
    Code::Aborted,
    // Of the RPC itself, such as a wrong password: the product's codes tell them from a missing token.
    Code::Unauthenticated,
    Code::PermissionDenied,
    Code::ResourceExhausted,
];

/// Codes of errors for an id that does not exist. An invalid request would show nothing.
const HIDDEN: [Code; 3] = [Code::NotFound, Code::PermissionDenied, Code::FailedPrecondition];

/// Product codes of a missing or invalid token, an expired one, a wrong role and a revoked token; and of an unknown RPC.
const REFUSALS: [&str; 5] = ["AUTH001", "AUTH002", "AUTH003", "AUTH004", "COMMON012"];

/// Status of a reply, and its product code, which Connect does not carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: Code,
    pub code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this error.
    Refused(Code, &'static str),
    /// An error, the same one as for an id that does not exist.
    Hidden,
    /// Anything that follows authorization.
    Admitted,
}

impl Expected {
    pub fn allows(self, reply: &Reply) -> bool {
        let code = reply.code.as_deref();
        match self {
            Self::Refused(status, expected) => {
                reply.status == status && code.is_none_or(|code| code == expected)
            }
            Self::Hidden => HIDDEN.contains(&reply.status),
            Self::Admitted => {
                let is_refusal = code.is_some_and(|code| REFUSALS.contains(&code));
                ADMITTED.contains(&reply.status) && !is_refusal
            }
        }
    }
}

/// Returns what the access option promises this caller; `None` for a stranger if the route names no resource.
pub fn expected(method: &MethodDescriptor, caller: Caller) -> Option<Expected> {
    let access = contract::access(method).unwrap_or_default();
    let admits = |role: Role| access.any_user || access.roles.contains(&role.into());
    let is_internal = !(access.public || access.any_user || !access.roles.is_empty());
    if let Caller::OtherGuest | Caller::OtherHost = caller {
        let names_resource = path_template(method).is_some_and(|path| !path_fields(&path).is_empty());
        let is_admitted = caller.role().is_some_and(admits);
        return (names_resource && is_admitted).then_some(Expected::Hidden);
    }
    let unauthenticated = |code| Expected::Refused(Code::Unauthenticated, code);
    Some(match caller {
        _ if is_internal => Expected::Refused(Code::Unimplemented, "COMMON012"),
        _ if access.public => Expected::Admitted,
        Caller::Anonymous => unauthenticated("AUTH001"),
        Caller::Expired => unauthenticated("AUTH002"),
        Caller::Revoked => unauthenticated("AUTH004"),
        _ if caller.role().is_some_and(admits) => Expected::Admitted,
        _ => Expected::Refused(Code::PermissionDenied, "AUTH003"),
    })
}

#[test]
fn expectation_rejects_other_outcomes() {
    let reply = |status, code: &str| Reply {
        status,
        code: Some(code.to_owned()),
    };
    let connect = |status| Reply { status, code: None };
    let anonymous = Expected::Refused(Code::Unauthenticated, "AUTH001");
    let table = [
        (anonymous, reply(Code::Unauthenticated, "AUTH001"), true),
        (anonymous, reply(Code::Unauthenticated, "AUTH002"), false),
        (anonymous, reply(Code::Ok, ""), false),
        (anonymous, connect(Code::Unauthenticated), true),
        (anonymous, connect(Code::InvalidArgument), false),
        (Expected::Hidden, reply(Code::NotFound, "BOOKING001"), true),
        (Expected::Hidden, reply(Code::InvalidArgument, "COMMON001"), false),
        (Expected::Hidden, reply(Code::Ok, ""), false),
        (
            Expected::Admitted,
            reply(Code::InvalidArgument, "COMMON001"),
            true,
        ),
        (
            Expected::Admitted,
            reply(Code::PermissionDenied, "AUTH003"),
            false,
        ),
        (Expected::Admitted, reply(Code::Unauthenticated, "AUTH001"), false),
        (Expected::Admitted, reply(Code::Internal, "COMMON010"), false),
    ];
    for (expected, reply, allowed) in table {
        assert_eq!(expected.allows(&reply), allowed, "{expected:?} {reply:?}");
    }
}

#[test]
fn expectation_follows_the_access_option() {
    let of = |path: &str, caller| expected(&contract::method(path).expect(path), caller);
    let refused = |status, code| Some(Expected::Refused(status, code));
    let approve = "/carshare.booking.v1.BookingService/ApproveBooking";
    assert_eq!(of(approve, Caller::Host), Some(Expected::Admitted));
    assert_eq!(
        of(approve, Caller::Guest),
        refused(Code::PermissionDenied, "AUTH003")
    );
    assert_eq!(of(approve, Caller::OtherHost), Some(Expected::Hidden));
    assert_eq!(of(approve, Caller::OtherGuest), None);
    assert_eq!(
        of(approve, Caller::Anonymous),
        refused(Code::Unauthenticated, "AUTH001")
    );
    let jwks = "/carshare.auth.v1.AuthService/GetJwks";
    assert_eq!(of(jwks, Caller::Expired), Some(Expected::Admitted));
    let hold = "/carshare.vehicle.v1.VehicleService/PlaceHold";
    assert_eq!(of(hold, Caller::Admin), refused(Code::Unimplemented, "COMMON012"));
}
