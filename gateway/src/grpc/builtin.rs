//! The gRPC services of the gateway itself: health, and reflection in both versions, which tools read.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use carshare_proto::DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::server::health_reporter;
use tonic_reflection::server::Builder;
use tower::ServiceExt as _;

use crate::method_table::MethodTable;

const HEALTH: &str = "grpc.health.v1.Health";

#[derive(Clone, Debug)]
pub struct BuiltinServices(Routes);

impl BuiltinServices {
    /// Reflects the RPCs that clients may call.
    ///
    /// # Errors
    /// A descriptor set that cannot be read: a defect of the build.
    pub fn new(methods: &MethodTable) -> anyhow::Result<Self> {
        let contract = for_clients(methods)?;
        let reflection = || {
            let names = methods
                .iter()
                .map(|rpc| rpc.descriptor.parent_service().full_name().to_owned());
            let builder = Builder::configure()
                .register_file_descriptor_set(contract.clone())
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
            names
                .chain([HEALTH.to_owned()])
                .fold(builder, Builder::with_service_name)
        };
        let (_, health) = health_reporter();
        let mut services = RoutesBuilder::default();
        services
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        services.add_service(health);
        Ok(Self(services.routes().prepare()))
    }

    /// Returns whether the gRPC path belongs to one of them.
    pub fn has(path: &str) -> bool {
        path.starts_with("/grpc.")
    }

    pub async fn call(&self, request: Request) -> Response {
        let Ok(response) = self.0.clone().oneshot(request).await;
        response.map(Body::new)
    }
}

/// Returns the contract without internal RPCs. Comments are removed too: they are addressed by the index of the RPC and mention
/// internal ones.
fn for_clients(methods: &MethodTable) -> anyhow::Result<FileDescriptorSet> {
    let mut contract = FileDescriptorSet::decode(DESCRIPTOR_SET)?;
    for file in &mut contract.file {
        let package = file.package().to_owned();
        file.source_code_info = None;
        for service in &mut file.service {
            let name = service.name().to_owned();
            let exists = |rpc: &str| methods.find(&format!("/{package}.{name}/{rpc}")).is_some();
            service.method.retain(|method| exists(method.name()));
        }
        file.service.retain(|service| !service.method.is_empty());
    }
    Ok(contract)
}
