//! The gRPC service of second factors: delegates each RPC to its file.

mod begin_totp_enrollment;
mod confirm_totp_enrollment;
mod disable_totp;
mod regenerate_recovery_codes;

use carshare_chassis::rpc;
use carshare_proto::auth::v1::mfa_service_server::MfaService;
use carshare_proto::auth::v1::*;
use tonic::{Request, Response, Status};

use super::Rpc;

#[tonic::async_trait]
impl MfaService for Rpc {
    async fn begin_totp_enrollment(
        &self,
        request: Request<BeginTotpEnrollmentRequest>,
    ) -> Result<Response<TotpEnrollment>, Status> {
        rpc::unary(&self.app, request, begin_totp_enrollment::handle).await
    }

    async fn confirm_totp_enrollment(
        &self,
        request: Request<ConfirmTotpEnrollmentRequest>,
    ) -> Result<Response<RecoveryCodes>, Status> {
        rpc::unary(&self.app, request, confirm_totp_enrollment::handle).await
    }

    async fn disable_totp(
        &self,
        request: Request<DisableTotpRequest>,
    ) -> Result<Response<DisableTotpResponse>, Status> {
        rpc::unary(&self.app, request, disable_totp::handle).await
    }

    async fn regenerate_recovery_codes(
        &self,
        request: Request<RegenerateRecoveryCodesRequest>,
    ) -> Result<Response<RecoveryCodes>, Status> {
        rpc::unary(&self.app, request, regenerate_recovery_codes::handle).await
    }
}

/// Converts recovery codes for their owner.
fn recovery_codes(codes: &[crate::domain::RecoveryCode]) -> RecoveryCodes {
    RecoveryCodes {
        codes: codes.iter().map(crate::domain::RecoveryCode::display).collect(),
    }
}
