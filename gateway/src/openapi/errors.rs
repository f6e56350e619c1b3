//! Which refusals an RPC can give: those its comment names, and those that its options imply.

use carshare_chassis::method_registry::Policy;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::errors::{self, ErrorSpec, Reason};

use super::comment::of_method;
use crate::method_table::Rpc;

/// All refusals of an RPC over REST, each once, by HTTP status and code.
pub(crate) fn refusals(rpc: &Rpc) -> Vec<&'static ErrorSpec> {
    let comment = of_method(&rpc.descriptor);
    let named = comment.reasons().filter_map(|reason| find(rpc, reason));
    let mut facts: Vec<_> = named.chain(implied(rpc).into_iter().map(Reason::fact)).collect();
    facts.sort_by_key(|fact| (fact.http, &fact.code));
    facts.dedup_by_key(|fact| &fact.code);
    facts
}

/// A reason of the service itself, of what all share, or of another service whose refusal travels on.
fn find(rpc: &Rpc, reason: &str) -> Option<&'static ErrorSpec> {
    let domain = format!("carshare.{}", rpc.peer);
    let everywhere = || errors::all().find(|fact| fact.reason == reason);
    errors::find(&domain, reason).or_else(everywhere)
}

fn implied(rpc: &Rpc) -> Vec<Common> {
    let mut reasons = vec![Common::Unavailable, Common::Internal];
    if rpc.descriptor.input().fields().len() > 0 {
        reasons.push(Common::InvalidArgument);
    }
    if *rpc.method.policy() != Policy::Public {
        reasons.extend([
            Common::Unauthenticated,
            Common::TokenExpired,
            Common::TokenRevoked,
        ]);
    }
    if matches!(rpc.method.policy(), Policy::Roles(_)) {
        reasons.push(Common::PermissionDenied);
    }
    if rpc.limit.is_some() {
        reasons.push(Common::RateLimited);
    }
    reasons
}
