//! Lists the errors of an RPC: those that its comment names and those that its options imply.

use carshare_chassis::method_registry::Policy;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::errors::{self, ErrorSpec, Reason};

use super::comment::Comment;
use crate::method_table::Rpc;

/// Returns the errors of an RPC over REST, each once, ordered by HTTP status and code.
pub(super) fn error_specs(rpc: &Rpc) -> Vec<&'static ErrorSpec> {
    let comment = Comment::of(&rpc.descriptor.parent_file(), rpc.descriptor.path());
    let named = comment.reasons().filter_map(|reason| find(rpc, reason));
    let mut specs: Vec<_> = named.chain(implied(rpc).into_iter().map(Reason::spec)).collect();
    specs.sort_by_key(|spec| (spec.http, &spec.code));
    specs.dedup_by_key(|spec| &spec.code);
    specs
}

/// Finds a reason of the service itself, else of any domain: errors of other services are passed on.
fn find(rpc: &Rpc, reason: &str) -> Option<&'static ErrorSpec> {
    let domain = format!("carshare.{}", rpc.peer);
    let everywhere = || errors::all().find(|spec| spec.reason == reason);
    errors::find(&domain, reason).or_else(everywhere)
}

fn implied(rpc: &Rpc) -> Vec<Common> {
    // Calls of every RPC are counted.
    let mut reasons = vec![Common::Unavailable, Common::Internal, Common::RateLimited];
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
    reasons
}
