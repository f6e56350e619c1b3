//! Converts messages between the wire bytes of protobuf and canonical JSON (protobuf.dev/programming-guides/json), which clients of Connect
//! generate from the protos. The JSON of REST differs: it has the names and words of the product's own API.

use std::sync::Arc;

use carshare_chassis::{Error, Lang};
use prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use tonic::Status;

use super::Form;
use crate::method_table::Rpc;

pub(super) enum Codec {
    Proto,
    Json {
        input: MessageDescriptor,
        output: MessageDescriptor,
    },
}

impl Codec {
    /// # Errors
    /// `UNIMPLEMENTED` for JSON when the RPC is not one of the contract.
    pub fn of(form: Form, rpc: Option<&Arc<Rpc>>) -> Result<Self, Status> {
        match rpc {
            _ if !form.is_json => Ok(Self::Proto),
            Some(rpc) => Ok(Self::Json {
                input: rpc.descriptor.input(),
                output: rpc.descriptor.output(),
            }),
            None => Err(Status::unimplemented("there is no such RPC with JSON")),
        }
    }

    /// Converts a request message. Unknown fields are ignored, as by a client that decodes a reply of a newer server.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for malformed JSON.
    pub fn decode(&self, message: Vec<u8>, lang: Lang) -> Result<Vec<u8>, Status> {
        let Self::Json { input, .. } = self else {
            return Ok(message);
        };
        let options = DeserializeOptions::new().deny_unknown_fields(false);
        let mut json = serde_json::Deserializer::from_slice(&message);
        let decoded = DynamicMessage::deserialize_with_options(input.clone(), &mut json, &options)
            .and_then(|message| json.end().map(|()| message));
        decoded.map(|message| message.encode_to_vec()).map_err(|error| {
            let (ko, en) = (
                "올바른 JSON이 아닙니다.",
                format!("is not the JSON of the message: {error}"),
            );
            Error::invalid("", ko, en).into_status(lang)
        })
    }

    /// Converts a reply message.
    ///
    /// # Errors
    /// `INTERNAL` for bytes that are not the reply of the RPC.
    pub fn encode(&self, message: &[u8]) -> Result<Vec<u8>, Status> {
        let Self::Json { output, .. } = self else {
            return Ok(message.to_vec());
        };
        let internal = |error: anyhow::Error| Error::internal(error).into_status(Lang::En);
        let message =
            DynamicMessage::decode(output.clone(), message).map_err(|error| internal(error.into()))?;
        serde_json::to_vec(&message).map_err(|error| internal(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use carshare_proto::booking::v1::{Booking, BookingStatus, CreateBookingRequest};
    use serde_json::{Value, json};
    use tonic::Code;

    use super::*;
    use crate::method_table::MethodTable;

    fn json() -> Codec {
        let form = Form {
            is_unary: true,
            is_json: true,
        };
        let methods = MethodTable::read().unwrap();
        Codec::of(
            form,
            methods.find("/carshare.booking.v1.BookingService/CreateBooking"),
        )
        .unwrap()
    }

    #[test]
    fn messages_are_canonical_json() {
        let request = json!({ "vehicleId": "v", "startDatetime": "2026-11-23T01:00:00Z", "newer": 1 });
        let decoded = json().decode(request.to_string().into(), Lang::En).unwrap();
        let decoded = CreateBookingRequest::decode(&*decoded).unwrap();
        assert_eq!(
            (
                decoded.vehicle_id.as_str(),
                decoded.start_datetime.unwrap().seconds
            ),
            ("v", 1_795_395_600)
        );
        let reply = Booking {
            id: "b".into(),
            total_amount: 52_000,
            status: BookingStatus::Pending.into(),
            ..Default::default()
        };
        let encoded: Value = serde_json::from_slice(&json().encode(&reply.encode_to_vec()).unwrap()).unwrap();
        assert_eq!(
            encoded,
            json!({ "id": "b", "totalAmount": "52000", "status": "BOOKING_STATUS_PENDING" })
        );
    }

    #[test]
    fn malformed_json_is_an_invalid_argument() {
        for body in ["", "{", "[]", "{} {}", r#"{"vehicleId":1}"#] {
            let status = json().decode(body.into(), Lang::En).unwrap_err();
            assert_eq!(
                (status.code(), status.details().is_empty()),
                (Code::InvalidArgument, false),
                "{body}"
            );
        }
    }
}
