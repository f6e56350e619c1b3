//! The gRPC service: delegates each RPC to its file.

mod change_password;
mod complete_profile_image_upload;
pub mod convert;
mod create_profile_image_upload;
mod delete_me;
mod delete_profile_image;
mod disable_account;
mod enable_account;
mod end_other_sessions;
mod end_session;
mod export_my_data;
mod get_jwks;
mod get_me;
mod list_security_events;
mod list_sessions;
mod login;
mod logout;
mod mfa;
mod refresh;
pub(crate) mod register;
mod request_password_reset;
mod resend_verification_email;
mod reset_password;
mod update_me;
mod verify_email;

use carshare_chassis::rpc::{self, ReplyStream};
use carshare_proto::auth::export::v1 as export;
use carshare_proto::auth::export::v1::export_service_server::ExportService;
use carshare_proto::auth::v1::account_service_server::AccountService;
use carshare_proto::auth::v1::auth_service_server::AuthService;
use carshare_proto::auth::v1::email_service_server::EmailService;
use carshare_proto::auth::v1::*;
use tonic::{Request, Response, Status};

use crate::App;

/// Implements `AuthService`, `AccountService`, `MfaService`, `EmailService` and `ExportService`.
pub struct Rpc {
    pub app: App,
}

#[tonic::async_trait]
impl AuthService for Rpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<AuthResponse>, Status> {
        rpc::unary(&self.app, request, register::handle).await
    }

    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<AuthResponse>, Status> {
        rpc::unary(&self.app, request, login::handle).await
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Result<Response<AuthResponse>, Status> {
        rpc::unary(&self.app, request, refresh::handle).await
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<LogoutResponse>, Status> {
        rpc::unary(&self.app, request, logout::handle).await
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<User>, Status> {
        rpc::unary(&self.app, request, get_me::handle).await
    }

    async fn update_me(&self, request: Request<UpdateMeRequest>) -> Result<Response<User>, Status> {
        rpc::unary(&self.app, request, update_me::handle).await
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        rpc::unary(&self.app, request, change_password::handle).await
    }

    async fn create_profile_image_upload(
        &self,
        request: Request<CreateProfileImageUploadRequest>,
    ) -> Result<Response<ProfileImageUpload>, Status> {
        rpc::unary(&self.app, request, create_profile_image_upload::handle).await
    }

    async fn complete_profile_image_upload(
        &self,
        request: Request<CompleteProfileImageUploadRequest>,
    ) -> Result<Response<User>, Status> {
        rpc::unary(&self.app, request, complete_profile_image_upload::handle).await
    }

    async fn delete_profile_image(
        &self,
        request: Request<DeleteProfileImageRequest>,
    ) -> Result<Response<DeleteProfileImageResponse>, Status> {
        rpc::unary(&self.app, request, delete_profile_image::handle).await
    }

    async fn get_jwks(&self, request: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        rpc::unary(&self.app, request, get_jwks::handle).await
    }
}

#[tonic::async_trait]
impl AccountService for Rpc {
    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        rpc::unary(&self.app, request, list_sessions::handle).await
    }

    async fn end_session(
        &self,
        request: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        rpc::unary(&self.app, request, end_session::handle).await
    }

    async fn end_other_sessions(
        &self,
        request: Request<EndOtherSessionsRequest>,
    ) -> Result<Response<EndOtherSessionsResponse>, Status> {
        rpc::unary(&self.app, request, end_other_sessions::handle).await
    }

    async fn list_security_events(
        &self,
        request: Request<ListSecurityEventsRequest>,
    ) -> Result<Response<ListSecurityEventsResponse>, Status> {
        rpc::unary(&self.app, request, list_security_events::handle).await
    }

    async fn disable_account(
        &self,
        request: Request<DisableAccountRequest>,
    ) -> Result<Response<AccountState>, Status> {
        rpc::unary(&self.app, request, disable_account::handle).await
    }

    async fn enable_account(
        &self,
        request: Request<EnableAccountRequest>,
    ) -> Result<Response<AccountState>, Status> {
        rpc::unary(&self.app, request, enable_account::handle).await
    }

    async fn delete_me(
        &self,
        request: Request<DeleteMeRequest>,
    ) -> Result<Response<DeleteMeResponse>, Status> {
        rpc::unary(&self.app, request, delete_me::handle).await
    }
}

#[tonic::async_trait]
impl EmailService for Rpc {
    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        rpc::unary(&self.app, request, verify_email::handle).await
    }

    async fn resend_verification_email(
        &self,
        request: Request<ResendVerificationEmailRequest>,
    ) -> Result<Response<ResendVerificationEmailResponse>, Status> {
        rpc::unary(&self.app, request, resend_verification_email::handle).await
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        rpc::unary(&self.app, request, request_password_reset::handle).await
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        rpc::unary(&self.app, request, reset_password::handle).await
    }
}

#[tonic::async_trait]
impl ExportService for Rpc {
    type ExportMyDataStream = ReplyStream<export::ExportRecord>;

    async fn export_my_data(
        &self,
        request: Request<export::ExportMyDataRequest>,
    ) -> Result<Response<Self::ExportMyDataStream>, Status> {
        rpc::server_stream(&self.app, request, export_my_data::handle).await
    }
}
