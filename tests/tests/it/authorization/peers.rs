//! Calls to the services themselves, with the certificate of each service, of an unknown one, and of another authority.

use carshare_chassis::config::Tls;
use carshare_mesh::Mesh;
use carshare_mesh::dependencies::SERVICES;
use carshare_proto::contract;
use carshare_testkit::Ca;
use prost_reflect::MethodDescriptor;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::expectation::Expected;
use super::mesh;
use super::transports::over_grpc;
use crate::harness::{GrpcClient, Ids, example_request, grpc_path};

/// Name of no service.
const UNKNOWN: &str = "stranger";

/// Returns what a service without a user's token may expect: what the access option promises, and a stranger nothing.
fn expected(method: &MethodDescriptor, peer: &str) -> Expected {
    if peer == UNKNOWN {
        return Expected::Refused(Code::PermissionDenied, "AUTH003");
    }
    let access = contract::access(method).unwrap_or_default();
    if access.public || access.internal.iter().any(|name| name == peer) {
        Expected::Admitted
    } else if access.any_user || !access.roles.is_empty() {
        Expected::Refused(Code::Unauthenticated, "AUTH001")
    } else {
        Expected::Refused(Code::PermissionDenied, "AUTH003")
    }
}

/// Returns the service that implements the RPC. The event log is one of every publisher.
fn server_of(method: &MethodDescriptor) -> &'static str {
    let service = method.parent_service();
    let package = service.package_name();
    let found = SERVICES
        .into_iter()
        .find(|name| package == format!("carshare.{name}.v1"));
    found.unwrap_or("auth")
}

fn endpoint(mesh: &Mesh, service: &str, ca: &Ca, peer: &str) -> Endpoint {
    let issued = ca.issue(peer).expect("a certificate");
    let config = Tls {
        ca_pem: Some(mesh.dependencies().ca.cert_pem()),
        cert_pem: Some(issued.cert_pem),
        key_pem: Some(issued.key_pem.into()),
        ..Tls::default()
    };
    let certificate = mesh.environment().certificate(&config);
    let config = certificate.expect("certificates").expect("TLS").client(service);
    let address = mesh.service(service).expect("an address");
    let endpoint = Channel::from_shared(format!("https://{address}")).expect("a URI");
    endpoint.tls_config(config).expect("a configuration")
}

#[tokio::test(flavor = "multi_thread")]
async fn services_admit_the_peers_of_an_internal_rpc_only() {
    let mesh = mesh().await;
    let mut found = Vec::new();
    let mut calls = 0;
    for peer in SERVICES.into_iter().chain(["gateway", UNKNOWN]) {
        for service in SERVICES {
            let channel = endpoint(&mesh, service, &mesh.dependencies().ca, peer)
                .connect()
                .await;
            let wire = GrpcClient::over(channel.expect("a connection"));
            for method in contract::methods().filter(|method| server_of(method) == service) {
                let (path, expected) = (grpc_path(&method), expected(&method, peer));
                let request = example_request(&method, &Ids::new());
                let reply = over_grpc(&wire, &method, &path, &request, None).await;
                calls += 1;
                if !expected.allows(&reply) {
                    found.push(format!("{path} from {peer}: {reply:?}, not {expected:?}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} of {calls}: {found:#?}", found.len());
    assert!(calls > 300, "only {calls} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_refuse_certificates_of_another_authority() {
    let mesh = mesh().await;
    let other = Ca::new().expect("an authority");
    let hold = contract::method("/carshare.vehicle.v1.VehicleService/PlaceHold").expect("in the contract");
    for (ca, is_connected) in [(&mesh.dependencies().ca, true), (&other, false)] {
        let channel = endpoint(&mesh, "vehicle", ca, "booking").connect_lazy();
        let request = example_request(&hold, &Ids::new());
        let reply = over_grpc(
            &GrpcClient::over(channel),
            &hold,
            &grpc_path(&hold),
            &request,
            None,
        )
        .await;
        // A request without a period is invalid.
        assert_eq!(reply.status == Code::InvalidArgument, is_connected, "{reply:?}");
    }
}
