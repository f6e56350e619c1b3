//! The tonic service of handovers: one delegating line per RPC.

use carshare_chassis::rpc;
use carshare_proto::booking::v1::handover_service_server::HandoverService;
use carshare_proto::booking::v1::*;
use tonic::Request;

use super::{
    Reply, Rpc, add_handover_note, complete_photo_upload, confirm_handover, create_photo_upload,
    get_handover, report_handover, upload_photo,
};

#[tonic::async_trait]
impl HandoverService for Rpc {
    async fn get_handover(&self, request: Request<GetHandoverRequest>) -> Reply<Handover> {
        rpc::unary(&self.app, request, get_handover::handle).await
    }

    async fn upload_photo(&self, request: Request<UploadPhotoRequest>) -> Reply<HandoverPhoto> {
        rpc::unary(&self.app, request, upload_photo::handle).await
    }

    async fn create_photo_upload(&self, request: Request<CreatePhotoUploadRequest>) -> Reply<PhotoUpload> {
        rpc::unary(&self.app, request, create_photo_upload::handle).await
    }

    async fn complete_photo_upload(
        &self,
        request: Request<CompletePhotoUploadRequest>,
    ) -> Reply<HandoverPhoto> {
        rpc::unary(&self.app, request, complete_photo_upload::handle).await
    }

    async fn report_handover(&self, request: Request<ReportHandoverRequest>) -> Reply<HandoverEntry> {
        rpc::unary(&self.app, request, report_handover::handle).await
    }

    async fn add_handover_note(&self, request: Request<AddHandoverNoteRequest>) -> Reply<HandoverEntry> {
        rpc::unary(&self.app, request, add_handover_note::handle).await
    }

    async fn confirm_handover(&self, request: Request<ConfirmHandoverRequest>) -> Reply<HandoverEntry> {
        rpc::unary(&self.app, request, confirm_handover::handle).await
    }
}
