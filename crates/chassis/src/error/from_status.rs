//! Converts statuses of peers to errors.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::errors::{self, ErrorSpec};
use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt as _};

use super::{Error, Violation, error_chain};

/// Retry delay for a peer that is unavailable and sent none.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Error {
    /// Converts the status with which tonic refuses a request that it cannot read: one without a message, with a broken frame or
    /// compression, or above the size limit. tonic's code is `INTERNAL`, that of a defect. `None` for statuses with details, which a handler
    /// or a layer made, and for other codes.
    pub fn of_unreadable_request(status: &Status) -> Option<Self> {
        if !status.details().is_empty() {
            return None;
        }
        let error = match status.code() {
            Code::Internal => Self::invalid(
                "",
                "요청 메시지가 없거나 읽을 수 없습니다.",
                "The request message is missing or cannot be read.",
            ),
            Code::OutOfRange | Code::ResourceExhausted => Self::new(Common::TooLarge),
            _ => return None,
        };
        Some(error.cause(anyhow::anyhow!("{}", describe(status))))
    }

    /// Converts the status of a call with the caller's access token, as [`Self::from_status`] does; a refused token is the caller's.
    pub fn from_status_of_caller(status: Status) -> Self {
        match fact_of(&status) {
            Some(spec) if spec.grpc == Code::Unauthenticated => of_catalogue(spec, &status),
            _ => Self::from_status(status),
        }
    }

    /// Converts a peer's status.
    ///
    /// - An error of the catalogue is kept, with its details.
    /// - An authorization error of *this service* is a defect, because the user did not cause it.
    /// - A broken connection is [`Common::Unavailable`], a passed deadline [`Common::DeadlineExceeded`].
    /// - Any other status is a defect.
    pub fn from_status(status: Status) -> Self {
        match fact_of(&status) {
            Some(spec) if denies_this_service(spec) => Self::internal(anyhow::anyhow!(
                "a peer denied access to this service: {}",
                describe(&status)
            )),
            Some(spec) => of_catalogue(spec, &status),
            None => without_details(&status),
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::from_status(status)
    }
}

fn fact_of(status: &Status) -> Option<&'static ErrorSpec> {
    let info = status.get_details_error_info()?;
    errors::find(&info.domain, &info.reason)
}

/// The layers of a peer denied access, and its caller is this service.
fn denies_this_service(spec: &ErrorSpec) -> bool {
    spec.domain == "carshare.common" && matches!(spec.grpc, Code::Unauthenticated | Code::PermissionDenied)
}

fn of_catalogue(spec: &'static ErrorSpec, status: &Status) -> Error {
    let mut error = Error::of(spec);
    if let Some(info) = status.get_details_error_info() {
        error.0.metadata = info
            .metadata
            .into_iter()
            .filter(|(key, _)| key != "code")
            .collect();
    }
    if let Some(bad) = status.get_details_bad_request() {
        error.0.violations = bad.field_violations.into_iter().map(violation).collect();
    }
    error.0.retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    error.cause(anyhow::anyhow!("answered by a peer"))
}

fn violation(from: FieldViolation) -> Violation {
    let ko = from
        .localized_message
        .map(|text| text.message)
        .unwrap_or_default();
    Violation {
        field: from.field,
        rule: from.reason,
        ko,
        en: from.description,
    }
}

/// Converts a status without our details: one of the transport, or of a server outside this mesh.
fn without_details(status: &Status) -> Error {
    let cause = anyhow::anyhow!("{}", describe(status));
    match status.code() {
        Code::DeadlineExceeded => Error::new(Common::DeadlineExceeded).cause(cause),
        // tonic reports a refused client certificate and a connection that breaks during a call as Unknown.
        Code::Unavailable | Code::Unknown | Code::Cancelled => Error::new(Common::Unavailable)
            .retry_after(RETRY_AFTER)
            .cause(cause),
        Code::ResourceExhausted => Error::new(Common::RateLimited).cause(cause),
        _ => Error::internal(cause),
    }
}

fn describe(status: &Status) -> String {
    let text = format!("{:?}: {}", status.code(), status.message());
    match std::error::Error::source(status) {
        Some(source) => format!("{text}: {}", error_chain(source)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use carshare_proto::booking::v1::ErrorReason as Booking;

    #[test]
    fn error_of_a_peer_is_kept_with_its_details() {
        let sent = Error::new(Booking::SlotTaken)
            .with("vehicle_id", "7")
            .violation("start_time", "겹칩니다.", "overlaps")
            .retry_after(Duration::from_secs(2));
        let back = Error::from_status(sent.into_status(Lang::En));
        assert!(back.is(Booking::SlotTaken));
        assert_eq!(
            back.metadata().iter().collect::<Vec<_>>(),
            [(&"vehicle_id".to_owned(), &"7".to_owned())]
        );
        assert_eq!(back.violations()[0].ko, "겹칩니다.");
        assert_eq!(back.retry_delay(), Some(Duration::from_secs(2)));
        // Each server chooses the language of its caller.
        assert_eq!(
            back.into_status(Lang::Ko).message(),
            Error::new(Booking::SlotTaken).text(Lang::Ko)
        );
    }

    #[test]
    fn denied_access_of_this_service_is_a_defect() {
        let status = Error::new(Common::PermissionDenied).into_status(Lang::En);
        assert!(Error::from_status(status).is(Common::Internal));
    }

    #[test]
    fn refused_token_of_the_caller_is_their_error_and_denied_access_a_defect() {
        for (reason, expected) in [
            (Common::TokenExpired, Common::TokenExpired),
            (Common::TokenRevoked, Common::TokenRevoked),
            (Common::Unavailable, Common::Unavailable),
            (Common::PermissionDenied, Common::Internal),
        ] {
            let status = Error::new(reason).into_status(Lang::En);
            assert!(Error::from_status_of_caller(status).is(expected), "{reason:?}");
        }
    }

    #[test]
    fn request_that_tonic_cannot_read_is_invalid_or_too_large() {
        let converted = |status: &Status| Error::of_unreadable_request(status);
        for (status, reason) in [
            (
                Status::internal("Missing request message."),
                Common::InvalidArgument,
            ),
            (Status::out_of_range("found 5 bytes"), Common::TooLarge),
            (Status::resource_exhausted("size limit"), Common::TooLarge),
        ] {
            assert!(converted(&status).unwrap().is(reason), "{status:?}");
        }
        assert!(converted(&Status::unimplemented("compressed with br")).is_none());
        let of_handler = Error::internal(anyhow::anyhow!("a defect")).into_status(Lang::En);
        assert!(converted(&of_handler).is_none());
    }

    #[test]
    fn transport_failure_is_unavailable_with_a_retry_delay() {
        for code in [Code::Unavailable, Code::Unknown, Code::Cancelled] {
            let error = Error::from_status(Status::new(code, "transport error"));
            assert!(error.is(Common::Unavailable), "{code:?}");
            assert_eq!(error.retry_delay(), Some(Duration::from_secs(1)));
        }
    }

    #[test]
    fn other_statuses_without_details_are_mapped_by_code() {
        let table = [
            (Code::DeadlineExceeded, Common::DeadlineExceeded),
            (Code::ResourceExhausted, Common::RateLimited),
            (Code::Unimplemented, Common::Internal),
            (Code::NotFound, Common::Internal),
            (Code::Unauthenticated, Common::Internal),
        ];
        for (code, reason) in table {
            assert!(Error::from_status(Status::new(code, "")).is(reason), "{code:?}");
        }
    }
}
