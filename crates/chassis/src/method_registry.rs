//! The RPCs of the contract, read once: who may call them, whether they stream, whether they may be repeated.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, OnceLock};

use carshare_proto::contract;
use carshare_proto::google::api::http_rule::Pattern;
use carshare_proto::options::v1 as options;
use prost_reflect::MethodDescriptor;
use prost_types::method_options::IdempotencyLevel;

use crate::identity::Role;
use crate::telemetry::rpc_metrics::{ClientMetrics, ServerMetrics};

/// Facts of the contract about one RPC.
#[derive(Debug)]
pub struct Method {
    path: String,
    span: String,
    streaming: Streaming,
    safe_to_repeat: bool,
    policy: Policy,
    passes_token: bool,
    server_metrics: OnceLock<ServerMetrics>,
    client_metrics: OnceLock<ClientMetrics>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streaming {
    /// The request is a stream.
    pub client: bool,
    /// The response is a stream.
    pub server: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// No caller: the RPC has no access option.
    Nobody,
    Public,
    AnyUser,
    /// Any user, and admins without a second factor.
    AnyUserWithoutMfa,
    /// Signed-in users with one of these roles.
    Roles(Vec<Role>),
    Internal(Vec<String>),
}

/// RPCs of the gRPC project, which probes and tools call without a token: path, span, whether request and response stream.
const INFRASTRUCTURE: [(&str, &str, bool, bool); 5] = [
    ("/grpc.health.v1.Health/Check", "rpc.health.check", false, false),
    ("/grpc.health.v1.Health/List", "rpc.health.list", false, false),
    ("/grpc.health.v1.Health/Watch", "rpc.health.watch", false, true),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "rpc.reflection.info",
        true,
        true,
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "rpc.reflection.info",
        true,
        true,
    ),
];

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let ours = contract::methods().map(|method| Method::read(&method));
    let infrastructure = INFRASTRUCTURE.map(|(path, span, client, server)| Method {
        path: path.to_owned(),
        span: span.to_owned(),
        streaming: Streaming { client, server },
        safe_to_repeat: true,
        policy: Policy::Public,
        passes_token: false,
        server_metrics: OnceLock::new(),
        client_metrics: OnceLock::new(),
    });
    let all = ours.chain(infrastructure);
    all.map(|method| (method.path.clone(), method)).collect()
});

/// Name of the gateway as a peer.
pub(crate) const GATEWAY: &str = "gateway";

/// Names of the services of the contract.
static SERVICES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let methods = contract::methods();
    methods
        .map(|method| package_word(method.parent_service().package_name()).to_owned())
        .collect()
});

/// Returns whether a peer of this name belongs to the mesh: the gateway, or a service of the contract.
pub(crate) fn is_peer(name: &str) -> bool {
    name == GATEWAY || SERVICES.contains(name)
}

/// Returns the RPC with a gRPC path, `/carshare.booking.v1.BookingService/CreateBooking`.
pub fn find(path: &str) -> Option<&'static Method> {
    METHODS.get(path)
}

impl Method {
    fn read(method: &MethodDescriptor) -> Self {
        let service = method.parent_service();
        Self {
            path: format!("/{}/{}", service.full_name(), method.name()),
            span: format!(
                "rpc.{}.{}",
                package_word(service.package_name()),
                snake_case(method.name())
            ),
            streaming: Streaming {
                client: method.is_client_streaming(),
                server: method.is_server_streaming(),
            },
            safe_to_repeat: is_safe_to_repeat(method),
            policy: Policy::of(contract::access(method)),
            passes_token: contract::access(method).is_some_and(|access| access.any_user && access.with_token),
            server_metrics: OnceLock::new(),
            client_metrics: OnceLock::new(),
        }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Name of the method's span, `rpc.booking.approve_booking`; the label of metrics.
    pub fn span(&self) -> &str {
        &self.span
    }

    pub fn streaming(&self) -> Streaming {
        self.streaming
    }

    pub fn is_unary(&self) -> bool {
        !self.streaming.client && !self.streaming.server
    }

    /// Whether a second call has no further effect, even when the result of the first is unknown.
    pub fn is_safe_to_repeat(&self) -> bool {
        self.safe_to_repeat
    }

    /// Whether the RPC is one of the gRPC project, which probes call every few seconds.
    pub fn is_infrastructure(&self) -> bool {
        self.path.starts_with("/grpc.")
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether the handler gets the caller's access token.
    pub(crate) fn passes_token(&self) -> bool {
        self.passes_token
    }

    pub(crate) fn server_metrics(&'static self) -> &'static ServerMetrics {
        self.server_metrics.get_or_init(|| ServerMetrics::new(&self.span))
    }

    /// Metrics of calls to `peer`.
    pub(crate) fn client_metrics(&'static self, peer: &'static str) -> Option<&'static ClientMetrics> {
        let metrics = self.client_metrics.get_or_init(|| ClientMetrics::new(peer));
        (metrics.peer == peer).then_some(metrics)
    }
}

impl Policy {
    /// The contract sets exactly one kind, as one of its tests checks; otherwise the strictest one counts.
    fn of(access: Option<options::Access>) -> Self {
        let Some(access) = access else { return Self::Nobody };
        if !access.internal.is_empty() {
            return Self::Internal(access.internal);
        }
        if !access.roles.is_empty() {
            return Self::Roles(
                access
                    .roles()
                    .filter_map(|role| Role::try_from(role).ok())
                    .collect(),
            );
        }
        match (access.any_user, access.public) {
            (true, _) if access.without_mfa => Self::AnyUserWithoutMfa,
            (true, _) => Self::AnyUser,
            (false, true) => Self::Public,
            (false, false) => Self::Nobody,
        }
    }
}

/// Returns whether the contract says so, by `idempotency_level` or by a GET route.
fn is_safe_to_repeat(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    let stated = options.is_some_and(|o| o.idempotency_level() != IdempotencyLevel::IdempotencyUnknown);
    stated || contract::http(method).is_some_and(|rule| matches!(rule.pattern, Some(Pattern::Get(_))))
}

/// `carshare.booking.v1` → `booking`.
fn package_word(package: &str) -> &str {
    package.split('.').nth(1).unwrap_or(package)
}

/// `ApproveBooking` → `approve_booking`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_of_the_contract_is_found_by_path() {
        let login = find("/carshare.auth.v1.AuthService/Login").unwrap();
        assert_eq!(login.span(), "rpc.auth.login");
        assert_eq!(login.policy(), &Policy::Public);
        assert!(login.is_unary() && !login.is_safe_to_repeat());
        let me = find("/carshare.auth.v1.AuthService/GetMe").unwrap();
        assert_eq!(
            (me.span(), me.policy()),
            ("rpc.auth.get_me", &Policy::AnyUserWithoutMfa)
        );
        assert!(me.is_safe_to_repeat());
        assert!(find("/carshare.auth.v1.AuthService/Nope").is_none());
    }

    #[test]
    fn access_token_is_passed_to_the_export_only() {
        let passing = METHODS.values().filter(|method| method.passes_token());
        let spans: Vec<_> = passing.map(Method::span).collect();
        assert_eq!(spans, ["rpc.auth.export_my_data"]);
    }

    #[test]
    fn missing_option_denies_all_and_the_strictest_kind_wins() {
        assert_eq!(Policy::of(None), Policy::Nobody);
        assert_eq!(Policy::of(Some(options::Access::default())), Policy::Nobody);
        let both = options::Access {
            public: true,
            internal: vec!["booking".into()],
            ..Default::default()
        };
        assert_eq!(Policy::of(Some(both)), Policy::Internal(vec!["booking".into()]));
        let unknown = options::Access {
            public: true,
            roles: vec![0],
            ..Default::default()
        };
        assert_eq!(Policy::of(Some(unknown)), Policy::Roles(vec![]));
    }
}
