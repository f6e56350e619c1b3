//! The way in: what a peer answered, as an error of ours.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::errors::{self, ErrorSpec};
use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt as _};

use super::{Error, Violation, error_chain};

/// When a peer is away and did not say for how long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Error {
    /// What a peer's status means here.
    ///
    /// - A refusal of the catalogue travels on unchanged, with its facts.
    /// - A refusal of *this service* (its certificate is not admitted) is a defect of ours, not of the user.
    /// - A broken connection is [`Common::Unavailable`], a passed deadline [`Common::DeadlineExceeded`].
    /// - Anything else is a defect.
    pub fn from_status(status: Status) -> Self {
        match fact_of(&status) {
            Some(fact) if concerns_us(fact) => {
                Self::internal(anyhow::anyhow!("a peer refused us: {}", told(&status)))
            }
            Some(fact) => refusal(fact, &status),
            None => bare(&status),
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

/// The stack of a peer did not authorize the caller, and the caller is this service.
fn concerns_us(fact: &ErrorSpec) -> bool {
    fact.domain == "carshare.common" && matches!(fact.grpc, Code::Unauthenticated | Code::PermissionDenied)
}

fn refusal(fact: &'static ErrorSpec, status: &Status) -> Error {
    let mut error = Error::of(fact);
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

/// A status without facts of ours: it comes from the transport, or from something that is not of this mesh.
fn bare(status: &Status) -> Error {
    let cause = anyhow::anyhow!("{}", told(status));
    match status.code() {
        Code::DeadlineExceeded => Error::new(Common::DeadlineExceeded).cause(cause),
        // Tonic reports a refused client certificate and a connection cut in mid-call as Unknown.
        Code::Unavailable | Code::Unknown | Code::Cancelled => Error::new(Common::Unavailable)
            .retry_after(RETRY_AFTER)
            .cause(cause),
        Code::ResourceExhausted => Error::new(Common::RateLimited).cause(cause),
        _ => Error::internal(cause),
    }
}

fn told(status: &Status) -> String {
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
    fn a_peers_refusal_travels_on_with_its_facts() {
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
        // The language is chosen anew at each edge.
        assert_eq!(
            back.into_status(Lang::Ko).message(),
            Error::new(Booking::SlotTaken).text(Lang::Ko)
        );
    }

    #[test]
    fn a_refusal_of_our_certificate_is_our_defect() {
        let status = Error::new(Common::PermissionDenied).into_status(Lang::En);
        assert!(Error::from_status(status).is(Common::Internal));
    }

    #[test]
    fn transport_failures_are_unavailable_and_say_when_to_come_back() {
        for code in [Code::Unavailable, Code::Unknown, Code::Cancelled] {
            let error = Error::from_status(Status::new(code, "transport error"));
            assert!(error.is(Common::Unavailable), "{code:?}");
            assert_eq!(error.retry_delay(), Some(Duration::from_secs(1)));
        }
    }

    #[test]
    fn other_bare_statuses_are_mapped_by_what_they_mean_for_us() {
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
