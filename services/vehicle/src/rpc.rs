//! RPC handlers, one file each, and the tonic service that delegates to them.

mod add_availability;
mod arrange_images;
mod authorization;
mod check_hold;
mod complete_image_upload;
mod confirm_hold;
mod convert;
mod create_image_upload;
mod create_vehicle;
mod delete_image;
mod delete_vehicle;
mod get_vehicle;
mod list_availability;
mod list_images;
mod list_my_vehicles;
mod place_hold;
mod pricing;
mod release_hold;
mod remove_availability;
mod search_vehicles;
mod set_vehicle_pricing;
mod update_vehicle;

use carshare_chassis::rpc;
use carshare_proto::vehicle::v1::vehicle_image_service_server::VehicleImageService;
use carshare_proto::vehicle::v1::vehicle_service_server::VehicleService;
use carshare_proto::vehicle::v1::*;
use tonic::{Request, Response, Status};

use crate::App;

/// Implements the tonic services: one delegating line per RPC.
#[derive(Clone)]
pub struct Rpc {
    pub app: App,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl VehicleService for Rpc {
    async fn create_vehicle(&self, request: Request<CreateVehicleRequest>) -> Reply<Vehicle> {
        rpc::unary(&self.app, request, create_vehicle::handle).await
    }

    async fn search_vehicles(
        &self,
        request: Request<SearchVehiclesRequest>,
    ) -> Reply<SearchVehiclesResponse> {
        rpc::unary(&self.app, request, search_vehicles::handle).await
    }

    async fn list_my_vehicles(
        &self,
        request: Request<ListMyVehiclesRequest>,
    ) -> Reply<ListMyVehiclesResponse> {
        rpc::unary(&self.app, request, list_my_vehicles::handle).await
    }

    async fn get_vehicle(&self, request: Request<GetVehicleRequest>) -> Reply<Vehicle> {
        rpc::unary(&self.app, request, get_vehicle::handle).await
    }

    async fn update_vehicle(&self, request: Request<UpdateVehicleRequest>) -> Reply<Vehicle> {
        rpc::unary(&self.app, request, update_vehicle::handle).await
    }

    async fn set_vehicle_pricing(&self, request: Request<SetVehiclePricingRequest>) -> Reply<Vehicle> {
        rpc::unary(&self.app, request, set_vehicle_pricing::handle).await
    }

    async fn delete_vehicle(&self, request: Request<DeleteVehicleRequest>) -> Reply<DeleteVehicleResponse> {
        rpc::unary(&self.app, request, delete_vehicle::handle).await
    }

    async fn create_image_upload(&self, request: Request<CreateImageUploadRequest>) -> Reply<ImageUpload> {
        rpc::unary(&self.app, request, create_image_upload::handle).await
    }

    async fn complete_image_upload(&self, request: Request<CompleteImageUploadRequest>) -> Reply<Vehicle> {
        rpc::unary(&self.app, request, complete_image_upload::handle).await
    }

    async fn add_availability(&self, request: Request<AddAvailabilityRequest>) -> Reply<VehicleAvailability> {
        rpc::unary(&self.app, request, add_availability::handle).await
    }

    async fn list_availability(
        &self,
        request: Request<ListAvailabilityRequest>,
    ) -> Reply<ListAvailabilityResponse> {
        rpc::unary(&self.app, request, list_availability::handle).await
    }

    async fn remove_availability(
        &self,
        request: Request<RemoveAvailabilityRequest>,
    ) -> Reply<RemoveAvailabilityResponse> {
        rpc::unary(&self.app, request, remove_availability::handle).await
    }

    async fn place_hold(&self, request: Request<PlaceHoldRequest>) -> Reply<PlaceHoldResponse> {
        rpc::unary(&self.app, request, place_hold::handle).await
    }

    async fn confirm_hold(&self, request: Request<ConfirmHoldRequest>) -> Reply<ConfirmHoldResponse> {
        rpc::unary(&self.app, request, confirm_hold::handle).await
    }

    async fn release_hold(&self, request: Request<ReleaseHoldRequest>) -> Reply<ReleaseHoldResponse> {
        rpc::unary(&self.app, request, release_hold::handle).await
    }

    async fn check_hold(&self, request: Request<CheckHoldRequest>) -> Reply<CheckHoldResponse> {
        rpc::unary(&self.app, request, check_hold::handle).await
    }
}

#[tonic::async_trait]
impl VehicleImageService for Rpc {
    async fn list_images(&self, request: Request<ListImagesRequest>) -> Reply<ListImagesResponse> {
        rpc::unary(&self.app, request, list_images::handle).await
    }

    async fn arrange_images(&self, request: Request<ArrangeImagesRequest>) -> Reply<ArrangeImagesResponse> {
        rpc::unary(&self.app, request, arrange_images::handle).await
    }

    async fn delete_image(&self, request: Request<DeleteImageRequest>) -> Reply<DeleteImageResponse> {
        rpc::unary(&self.app, request, delete_image::handle).await
    }
}
