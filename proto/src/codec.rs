//! gRPC codec of the generated clients and servers: prost with the `buf.validate` rules.
//!
//! A tower layer sees undecoded frames only; the codec sees each message, so that unary calls and every message of a stream
//! are validated before any handler runs.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::LazyLock;

use prost::bytes::Buf as _;
use prost_protovalidate::{Error, Validator};
use prost_reflect::ReflectMessage;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};
use tonic_types::{BadRequest, ErrorDetail, ErrorInfo, FieldViolation, LocalizedMessage, StatusExt};

use crate::common::v1::ErrorReason;
use crate::errors::Reason;

mod localized_messages;
mod message_checks;
mod message_types;
mod rule_text;
mod text_checks;

/// One for the process, since it caches compiled rules.
static VALIDATOR: LazyLock<Validator> = LazyLock::new(Validator::new);

/// Encodes `T`; decodes and validates `U`.
#[derive(Debug, Clone)]
pub struct ValidatingCodec<T, U> {
    inner: ProstCodec<T, U>,
}

impl<T, U> Default for ValidatingCodec<T, U> {
    fn default() -> Self {
        Self {
            inner: ProstCodec::new(),
        }
    }
}

impl<T, U> Codec for ValidatingCodec<T, U>
where
    T: prost::Message + Send + 'static,
    U: prost::Message + ReflectMessage + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ValidatingDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        self.inner.encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        ValidatingDecoder {
            inner: self.inner.decoder(),
            decodes: PhantomData,
        }
    }
}

/// Decodes and validates messages of type `U`.
#[derive(Debug)]
pub struct ValidatingDecoder<U> {
    inner: ProstDecoder<U>,
    decodes: PhantomData<U>,
}

impl<U> Decoder for ValidatingDecoder<U>
where
    U: prost::Message + ReflectMessage + Default,
{
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // Without a zero byte no string has a NUL character.
        let has_zero = source.chunk().len() < source.remaining() || source.chunk().contains(&0);
        // prost reports an undecodable message as INTERNAL, but the sender is at fault.
        let decoded = self
            .inner
            .decode(source)
            .map_err(|_| invalid_argument(vec![malformed()]))?;
        if let Some(message) = &decoded
            && (has_zero || !message_types::is_rule_free(&message.descriptor()))
        {
            validate(message)?;
        }
        Ok(decoded)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.inner.buffer_settings()
    }
}

/// Validates a message against the rules of its type.
///
/// # Errors
/// `INVALID_ARGUMENT` with `ErrorInfo`, a `BadRequest` that names the invalid fields, the first hundred at most, and both messages; `INTERNAL` when a
/// rule cannot be evaluated, which the tests of this crate exclude.
pub fn validate<M: ReflectMessage>(message: &M) -> Result<(), Status> {
    let message = message.transcode_to_dynamic();
    let mut violations = message_checks::violations(&message);
    match VALIDATOR.validate(&message) {
        Ok(()) => {}
        Err(Error::Validation(error)) => {
            violations.extend(error.violations().iter().flat_map(localized_messages::violations));
        }
        // A rule may be unable to evaluate a value that `message_checks` has found invalid.
        Err(_) if !violations.is_empty() => {}
        Err(_) => return Err(Status::internal("a validation rule could not be evaluated")),
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(invalid_argument(violations))
    }
}

fn malformed() -> FieldViolation {
    message_checks::violation(
        "",
        "MALFORMED",
        "the message cannot be decoded",
        "메시지를 읽을 수 없습니다.",
    )
}

/// Upper bound of the violations of a status, which is sent in the head of a reply.
const MAX_VIOLATIONS: usize = 100;

fn invalid_argument(mut violations: Vec<FieldViolation>) -> Status {
    violations.truncate(MAX_VIOLATIONS);
    let spec = ErrorReason::InvalidArgument.spec();
    let metadata = HashMap::from([("code".to_owned(), spec.code.clone())]);
    let details: Vec<ErrorDetail> = vec![
        ErrorInfo::new(&spec.reason, &spec.domain, metadata).into(),
        BadRequest::new(violations).into(),
        LocalizedMessage::new("ko", &spec.ko).into(),
        LocalizedMessage::new("en", &spec.en).into(),
    ];
    Status::with_error_details_vec(Code::InvalidArgument, &spec.en, details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::v1::RegisterRequest;
    use crate::booking::v1::CreateBookingRequest;
    use crate::options::v1::Role;
    use crate::vehicle::v1::{AddAvailabilityRequest, SearchVehiclesRequest};
    use crate::{DESCRIPTOR_POOL, contract};

    fn violations(status: &Status) -> Vec<(String, String)> {
        let bad_request = status.get_details_bad_request().expect("a BadRequest");
        bad_request
            .field_violations
            .into_iter()
            .map(|v| (v.field, v.reason))
            .collect()
    }

    fn register() -> RegisterRequest {
        RegisterRequest {
            email: "guest@example.com".into(),
            password: "correct horse".into(),
            name: "김민지".into(),
            phone: "010-1234-5678".into(),
            role: Role::Guest.into(),
        }
    }

    #[test]
    fn valid_message_passes() {
        validate(&register()).expect("valid");
        validate(&RegisterRequest {
            phone: "+821012345678".into(),
            ..register()
        })
        .expect("valid");
    }

    #[test]
    fn every_invalid_field_is_named_with_its_rule() {
        let bad = RegisterRequest {
            email: "nobody".into(),
            password: "short".into(),
            phone: "02-123-4567".into(),
            role: Role::Admin.into(),
            ..register()
        };
        let status = validate(&bad).expect_err("four violations");
        assert_eq!(status.code(), Code::InvalidArgument);
        let named: Vec<_> = violations(&status);
        let expected = [
            ("email", "STRING_EMAIL"),
            ("password", "STRING_MIN_LEN"),
            ("phone", "PHONE_KR_MOBILE"),
            ("role", "ENUM_IN"),
        ];
        assert_eq!(
            named,
            expected.map(|(field, rule)| (field.to_owned(), rule.to_owned()))
        );
        let info = status.get_details_error_info().expect("an ErrorInfo");
        assert_eq!(
            (info.reason.as_str(), info.metadata["code"].as_str()),
            ("INVALID_ARGUMENT", "COMMON001")
        );
    }

    #[test]
    fn violation_has_messages_in_both_languages() {
        let status = validate(&RegisterRequest {
            name: String::new(),
            ..register()
        })
        .expect_err("no name");
        let violation = status
            .get_details_bad_request()
            .expect("a BadRequest")
            .field_violations
            .remove(0);
        assert_eq!(violation.description, "must have at least 1 character");
        let korean = violation.localized_message.expect("a Korean text");
        assert_eq!(
            (korean.locale.as_str(), korean.message.as_str()),
            ("ko", "1자 이상이어야 합니다.")
        );
    }

    #[test]
    fn violation_lists_enum_values_by_their_short_names() {
        let status = validate(&RegisterRequest {
            role: Role::Admin.into(),
            ..register()
        })
        .expect_err("not offered");
        let violation = status
            .get_details_bad_request()
            .expect("a BadRequest")
            .field_violations
            .remove(0);
        assert_eq!(violation.description, "must be one of guest, host");
    }

    #[test]
    fn missing_message_field_is_a_violation() {
        let status = validate(&CreateBookingRequest::default()).expect_err("empty");
        let fields: Vec<_> = violations(&status).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["vehicle_id", "start_datetime", "end_datetime"]);
        let status = validate(&SearchVehiclesRequest::default()).expect_err("empty");
        let fields: Vec<_> = violations(&status).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["lat", "lng", "start_datetime", "end_datetime"]);
    }

    #[test]
    fn availability_rule_is_either_weekly_or_dated() {
        let weekly = AddAvailabilityRequest {
            vehicle_id: "5b0e0000-0000-7000-8000-000000000000".into(),
            day_of_week: Some(0),
            start_time: "09:00".into(),
            end_time: "24:00".into(),
            is_recurring: true,
            ..Default::default()
        };
        validate(&weekly).expect("valid");
        let both = AddAvailabilityRequest {
            specific_date: Some("2026-12-25".into()),
            ..weekly
        };
        let status = validate(&both).expect_err("both kinds");
        assert_eq!(
            violations(&status),
            ["is_recurring", "day_of_week", "specific_date"]
                .map(|field| (field.to_owned(), "ADD_AVAILABILITY_KIND".to_owned()))
        );
    }

    #[test]
    fn rules_of_every_request_can_be_evaluated() {
        for method in contract::methods() {
            let empty = prost_reflect::DynamicMessage::new(method.input());
            match VALIDATOR.validate(&empty) {
                Ok(()) | Err(Error::Validation(_)) => {}
                Err(error) => panic!("{}: {error}", method.input().full_name()),
            }
        }
        assert!(
            DESCRIPTOR_POOL
                .get_extension_by_name("buf.validate.field")
                .is_some()
        );
    }
}
