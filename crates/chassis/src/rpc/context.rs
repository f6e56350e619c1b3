//! What a handler knows about its call besides the request message.

use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::Request;
use tonic::metadata::MetadataMap;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::identity::{Caller, UserCaller};
use crate::lang::Lang;
use crate::method_registry::Method;
use crate::request_context::RequestContext;

/// Metadata key and HTTP header of [`IdempotencyKey`].
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Everything a handler may know about its call.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Who calls. Authorized by the RPC's access option already.
    pub caller: Caller,
    /// When the answer must be there.
    pub deadline: Deadline,
    /// Id of the client's request, across services and events.
    pub correlation_id: String,
    /// The client's key, when it sent one.
    pub idempotency: Option<IdempotencyKey>,
    pub lang: Lang,
    /// gRPC path, `/carshare.booking.v1.BookingService/ApproveBooking`.
    pub method: &'static str,
    /// SHA-256 of the request message.
    pub request_hash: [u8; 32],
    /// The other metadata of the call.
    pub metadata: Metadata,
}

/// The client's promise that calls with the same key are the same call: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Metadata of a call, without the bearer token, which the server takes away. It does not print itself all the same: it is
/// whatever the caller sent.
#[derive(Clone, Default)]
pub struct Metadata(MetadataMap);

/// What the server stack found out, on its way to the handler.
#[derive(Clone, Debug)]
pub(crate) struct Authorized {
    pub(crate) caller: Caller,
    pub(crate) deadline: Deadline,
    pub(crate) method: &'static Method,
}

impl CallContext {
    /// The signed-in user, or the refusal to sign in first.
    pub fn user(&self) -> Result<&UserCaller, Error> {
        self.caller.user()
    }

    /// The calling service, or a refusal.
    pub fn service(&self) -> Result<&str, Error> {
        self.caller.service()
    }

    /// A context for calling a handler directly, without a server, in a test.
    pub fn for_test(caller: Caller) -> Self {
        Self {
            caller,
            deadline: Deadline::after(std::time::Duration::from_mins(1)),
            correlation_id: "test".to_owned(),
            idempotency: None,
            lang: Lang::En,
            method: "/carshare.test.v1.TestService/Test",
            request_hash: [0; 32],
            metadata: Metadata::default(),
        }
    }

    /// Takes apart a request that came through the server stack. One that did not has no caller and is a defect.
    pub(super) fn split<M: Message>(request: Request<M>) -> Result<(Self, M), Error> {
        let (metadata, extensions, message) = request.into_parts();
        let (Some(admitted), Some(scope)) = (extensions.get::<Authorized>(), RequestContext::current())
        else {
            return Err(Error::internal(anyhow::anyhow!(
                "the call did not come through chassis::Server"
            )));
        };
        let context = Self {
            caller: admitted.caller.clone(),
            deadline: admitted.deadline,
            correlation_id: scope.correlation_id().to_owned(),
            idempotency: IdempotencyKey::from_metadata(&metadata)?,
            lang: scope.lang(),
            method: admitted.method.path(),
            request_hash: Sha256::digest(message.encode_to_vec()).into(),
            metadata: Metadata(metadata),
        };
        Ok((context, message))
    }
}

impl IdempotencyKey {
    /// A key that fits the rule.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    fn from_metadata(metadata: &MetadataMap) -> Result<Option<Self>, Error> {
        let Some(value) = metadata.get(IDEMPOTENCY_KEY) else {
            return Ok(None);
        };
        let key = value.to_str().ok().and_then(Self::parse);
        key.map(Some).ok_or_else(|| {
            Error::invalid(
                IDEMPOTENCY_KEY,
                "1자 이상 255자 이하의 ASCII 문자여야 합니다.",
                "must be 1 to 255 visible ASCII characters",
            )
        })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Metadata {
    /// The text of an entry.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Metadata({} entries)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;

    use super::*;

    #[test]
    fn keys_are_visible_ascii_of_1_to_255() {
        assert!(IdempotencyKey::parse(&"k".repeat(255)).is_some());
        for wrong in [
            String::new(),
            "k".repeat(256),
            "two words".into(),
            "키".into(),
            "tab\t".into(),
        ] {
            assert_eq!(IdempotencyKey::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wrong_key_names_itself() {
        let mut metadata = MetadataMap::new();
        metadata.insert(IDEMPOTENCY_KEY, "two words".parse().unwrap());
        let refused = IdempotencyKey::from_metadata(&metadata).unwrap_err();
        assert!(refused.is(Common::InvalidArgument));
        assert_eq!(refused.violations()[0].field, "idempotency-key");
    }

    #[test]
    fn a_request_around_the_stack_is_a_defect() {
        let refused = CallContext::split(Request::new(())).unwrap_err();
        assert!(refused.is(Common::Internal));
    }

    #[test]
    fn metadata_does_not_print_the_token() {
        let mut map = MetadataMap::new();
        map.insert("authorization", "Bearer abc".parse().unwrap());
        let metadata = Metadata(map);
        assert_eq!(format!("{metadata:?}"), "Metadata(1 entries)");
        assert_eq!(metadata.get("authorization"), Some("Bearer abc"));
    }
}
