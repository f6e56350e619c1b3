//! The gRPC service: delegates each RPC to its file.

mod convert;
mod get_notification;
mod get_unread_count;
mod list_booking_notifications;
mod list_devices;
mod list_notifications;
mod mark_all_read;
mod mark_read;
mod register_device;
mod subscribe;
mod unregister_device;

use carshare_chassis::rpc::{self, ReplyStream};
use carshare_proto::notification::v1 as pb;
use carshare_proto::notification::v1::notification_service_server::NotificationService;
use tonic::{Request, Response, Status};

use crate::App;

/// Implements `NotificationService`.
pub struct Rpc {
    pub app: App,
}

#[tonic::async_trait]
impl NotificationService for Rpc {
    type SubscribeStream = ReplyStream<pb::SubscribeResponse>;

    async fn list_notifications(
        &self,
        request: Request<pb::ListNotificationsRequest>,
    ) -> Result<Response<pb::ListNotificationsResponse>, Status> {
        rpc::unary(&self.app, request, list_notifications::handle).await
    }

    async fn get_notification(
        &self,
        request: Request<pb::GetNotificationRequest>,
    ) -> Result<Response<pb::Notification>, Status> {
        rpc::unary(&self.app, request, get_notification::handle).await
    }

    async fn mark_read(
        &self,
        request: Request<pb::MarkReadRequest>,
    ) -> Result<Response<pb::Notification>, Status> {
        rpc::unary(&self.app, request, mark_read::handle).await
    }

    async fn mark_all_read(
        &self,
        request: Request<pb::MarkAllReadRequest>,
    ) -> Result<Response<pb::MarkAllReadResponse>, Status> {
        rpc::unary(&self.app, request, mark_all_read::handle).await
    }

    async fn get_unread_count(
        &self,
        request: Request<pb::GetUnreadCountRequest>,
    ) -> Result<Response<pb::GetUnreadCountResponse>, Status> {
        rpc::unary(&self.app, request, get_unread_count::handle).await
    }

    async fn register_device(
        &self,
        request: Request<pb::RegisterDeviceRequest>,
    ) -> Result<Response<pb::Device>, Status> {
        rpc::unary(&self.app, request, register_device::handle).await
    }

    async fn list_devices(
        &self,
        request: Request<pb::ListDevicesRequest>,
    ) -> Result<Response<pb::ListDevicesResponse>, Status> {
        rpc::unary(&self.app, request, list_devices::handle).await
    }

    async fn unregister_device(
        &self,
        request: Request<pb::UnregisterDeviceRequest>,
    ) -> Result<Response<pb::UnregisterDeviceResponse>, Status> {
        rpc::unary(&self.app, request, unregister_device::handle).await
    }

    async fn list_booking_notifications(
        &self,
        request: Request<pb::ListBookingNotificationsRequest>,
    ) -> Result<Response<pb::ListBookingNotificationsResponse>, Status> {
        rpc::unary(&self.app, request, list_booking_notifications::handle).await
    }

    async fn subscribe(
        &self,
        request: Request<pb::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        rpc::server_stream(&self.app, request, subscribe::handle).await
    }
}
