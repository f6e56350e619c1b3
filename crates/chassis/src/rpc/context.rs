//! Facts about a call that its handler gets besides the request message.

use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::Request;
use tonic::metadata::MetadataMap;

use super::{AccessToken, ClientInfo};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::identity::{Caller, UserCaller};
use crate::lang::Lang;
use crate::method_registry::Method;
use crate::request_context::RequestContext;

/// Metadata key and HTTP header of [`IdempotencyKey`].
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The call of a handler: caller, deadline, idempotency key, metadata.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The caller, whom the RPC's access option allows.
    pub caller: Caller,
    pub deadline: Deadline,
    /// The client of the gateway.
    pub client: ClientInfo,
    /// Id of the client's request in all services and events.
    pub correlation_id: String,
    pub idempotency: Option<IdempotencyKey>,
    pub lang: Lang,
    /// gRPC path, `/carshare.booking.v1.BookingService/ApproveBooking`.
    pub method: &'static str,
    /// SHA-256 of the request message; zero for an RPC that is safe to repeat and has no idempotency key.
    pub request_hash: [u8; 32],
    /// Hashes of the same request by former keys, where the hash has a key: a reply that is stored with one of them is that of this call.
    pub former_hashes: Vec<[u8; 32]>,
    /// The other metadata of the call.
    pub metadata: Metadata,
    /// Only of an RPC whose access option passes it to the handler.
    pub token: Option<AccessToken>,
}

/// Key of the client: calls with the same key are one call. 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Metadata of a call, without the access token. `Debug` does not print it, because callers can send anything.
#[derive(Clone, Default)]
pub struct Metadata(MetadataMap);

/// Request extension from the server's layers to the handler.
#[derive(Clone, Debug)]
pub(crate) struct Authorized {
    pub(crate) caller: Caller,
    pub(crate) token: Option<AccessToken>,
    pub(crate) deadline: Deadline,
    pub(crate) method: &'static Method,
}

impl CallContext {
    /// Returns the user, or `UNAUTHENTICATED`.
    pub fn user(&self) -> Result<&UserCaller, Error> {
        self.caller.user()
    }

    /// Returns the calling service, or `PERMISSION_DENIED`.
    pub fn service(&self) -> Result<&str, Error> {
        self.caller.service()
    }

    /// Returns a request to another service with the caller's access token: that service authorizes the caller, and this one has no rights
    /// of its own there.
    ///
    /// # Errors
    /// `INTERNAL` if the RPC's access option does not pass the token.
    pub fn as_caller<M>(&self, message: M) -> Result<Request<M>, Error> {
        let token = self.token.as_ref().and_then(AccessToken::to_metadata);
        let token =
            token.ok_or_else(|| Error::internal(anyhow::anyhow!("{} has no access token", self.method)))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", token);
        Ok(request)
    }

    /// Returns a context for calling a handler without a server in a test.
    pub fn for_test(caller: Caller) -> Self {
        Self {
            caller,
            client: ClientInfo::default(),
            deadline: Deadline::after(std::time::Duration::from_mins(1)),
            correlation_id: "test".to_owned(),
            idempotency: None,
            lang: Lang::En,
            method: "/carshare.test.v1.TestService/Test",
            request_hash: [0; 32],
            former_hashes: Vec::new(),
            metadata: Metadata::default(),
            token: None,
        }
    }

    /// Splits a request that came through the server's layers. Another one has no caller and is a defect.
    pub(super) fn split<M: Message>(request: Request<M>) -> Result<(Self, M), Error> {
        let (metadata, extensions, message) = request.into_parts();
        let (Some(authorized), Some(current)) = (extensions.get::<Authorized>(), RequestContext::current())
        else {
            return Err(Error::internal(anyhow::anyhow!(
                "the call did not come through chassis::Server"
            )));
        };
        let idempotency = IdempotencyKey::from_metadata(&metadata)?;
        let request_hash = if idempotency.is_some() || !authorized.method.is_safe_to_repeat() {
            Sha256::digest(message.encode_to_vec()).into()
        } else {
            [0; 32]
        };
        let context = Self {
            caller: authorized.caller.clone(),
            client: ClientInfo::read(&metadata),
            deadline: authorized.deadline,
            correlation_id: current.correlation_id().to_owned(),
            idempotency,
            lang: current.lang(),
            method: authorized.method.path(),
            request_hash,
            former_hashes: Vec::new(),
            metadata: Metadata(metadata),
            token: authorized.token.clone(),
        };
        Ok((context, message))
    }
}

impl IdempotencyKey {
    /// Parses a key; `None` for an invalid one.
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
    /// Returns the value of a text entry.
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
    fn key_is_1_to_255_visible_ascii_characters() {
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
    fn invalid_key_names_its_field() {
        let mut metadata = MetadataMap::new();
        metadata.insert(IDEMPOTENCY_KEY, "two words".parse().unwrap());
        let refused = IdempotencyKey::from_metadata(&metadata).unwrap_err();
        assert!(refused.is(Common::InvalidArgument));
        assert_eq!(refused.violations()[0].field, "idempotency-key");
    }

    #[test]
    fn request_without_the_layers_is_a_defect() {
        let refused = CallContext::split(Request::new(())).unwrap_err();
        assert!(refused.is(Common::Internal));
    }

    #[test]
    fn metadata_is_not_printed() {
        let mut map = MetadataMap::new();
        map.insert("authorization", "Bearer abc".parse().unwrap());
        let metadata = Metadata(map);
        assert_eq!(format!("{metadata:?}"), "Metadata(1 entries)");
        assert_eq!(metadata.get("authorization"), Some("Bearer abc"));
    }
}
