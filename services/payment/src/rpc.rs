//! The gRPC services: delegate each RPC to its file.

mod check_payment_method;
mod check_settlement;
mod convert;
mod delete_payment_method;
mod get_booking_payment;
mod get_payment_customer;
mod handle_webhook;
mod list_booking_payment_steps;
mod list_payment_methods;
mod list_payments;
mod process_payment;
mod register_payment_method;
mod set_default_payment_method;
mod settlements;

use carshare_chassis::rpc;
use carshare_proto::payment::v1 as pb;
use carshare_proto::payment::v1::payment_service_server::PaymentService;
use tonic::{Request, Response, Status, async_trait};

use crate::App;

/// Implements `PaymentService` and `SettlementService`.
#[derive(Clone)]
pub struct Rpc {
    pub app: App,
}

#[async_trait]
impl PaymentService for Rpc {
    async fn get_payment_customer(
        &self,
        request: Request<pb::GetPaymentCustomerRequest>,
    ) -> Result<Response<pb::PaymentCustomer>, Status> {
        rpc::unary(&self.app, request, get_payment_customer::handle).await
    }

    async fn register_payment_method(
        &self,
        request: Request<pb::RegisterPaymentMethodRequest>,
    ) -> Result<Response<pb::PaymentMethod>, Status> {
        rpc::unary(&self.app, request, register_payment_method::handle).await
    }

    async fn list_payment_methods(
        &self,
        request: Request<pb::ListPaymentMethodsRequest>,
    ) -> Result<Response<pb::ListPaymentMethodsResponse>, Status> {
        rpc::unary(&self.app, request, list_payment_methods::handle).await
    }

    async fn set_default_payment_method(
        &self,
        request: Request<pb::SetDefaultPaymentMethodRequest>,
    ) -> Result<Response<pb::PaymentMethod>, Status> {
        rpc::unary(&self.app, request, set_default_payment_method::handle).await
    }

    async fn delete_payment_method(
        &self,
        request: Request<pb::DeletePaymentMethodRequest>,
    ) -> Result<Response<pb::DeletePaymentMethodResponse>, Status> {
        rpc::unary(&self.app, request, delete_payment_method::handle).await
    }

    async fn get_booking_payment(
        &self,
        request: Request<pb::GetBookingPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        rpc::unary(&self.app, request, get_booking_payment::handle).await
    }

    async fn process_payment(
        &self,
        request: Request<pb::ProcessPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        rpc::unary(&self.app, request, process_payment::handle).await
    }

    async fn list_payments(
        &self,
        request: Request<pb::ListPaymentsRequest>,
    ) -> Result<Response<pb::ListPaymentsResponse>, Status> {
        rpc::unary(&self.app, request, list_payments::handle).await
    }

    async fn check_payment_method(
        &self,
        request: Request<pb::CheckPaymentMethodRequest>,
    ) -> Result<Response<pb::CheckPaymentMethodResponse>, Status> {
        rpc::unary(&self.app, request, check_payment_method::handle).await
    }

    async fn list_booking_payment_steps(
        &self,
        request: Request<pb::ListBookingPaymentStepsRequest>,
    ) -> Result<Response<pb::ListBookingPaymentStepsResponse>, Status> {
        rpc::unary(&self.app, request, list_booking_payment_steps::handle).await
    }

    async fn check_settlement(
        &self,
        request: Request<pb::CheckSettlementRequest>,
    ) -> Result<Response<pb::CheckSettlementResponse>, Status> {
        rpc::unary(&self.app, request, check_settlement::handle).await
    }

    async fn handle_webhook(
        &self,
        request: Request<pb::HandleWebhookRequest>,
    ) -> Result<Response<pb::HandleWebhookResponse>, Status> {
        rpc::unary(&self.app, request, handle_webhook::handle).await
    }
}
