//! Operations on the objects of a bucket.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::config::Config;
use crate::connect;
use crate::error::Error;
use crate::presign::{self, PresignedPut};

/// Characters of a key that are percent-encoded in a URL's path.
const KEY: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// Caching of public objects.
const CACHE_CONTROL: &str = "public, max-age=86400";
/// Caching of private objects.
const NO_STORE: &str = "private, no-store";

/// Objects of one bucket. Cheap to clone.
#[derive(Clone)]
pub struct Objects(Arc<Inner>);

struct Inner {
    client: Client,
    /// Only signs: clients may use another host name than this process, and the signature covers the host.
    signer: Client,
    bucket: String,
    /// `{public endpoint}/{bucket}`.
    public_prefix: String,
}

/// Metadata of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size of the content.
    pub content_length_bytes: u64,
    /// Content type that the uploader declared, which need not match the content.
    pub content_type: Option<String>,
    /// Entity tag, which changes with the content.
    pub etag: Option<String>,
}

impl Objects {
    /// Creates a handle on the bucket. Nothing is connected yet. Fails when an endpoint is no http(s) URL or the bucket has
    /// no name.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        for endpoint in [config.endpoint.as_str(), config.public_endpoint()] {
            let web = endpoint.starts_with("http://") || endpoint.starts_with("https://");
            ensure!(
                web,
                "the object storage's endpoint {endpoint:?} is no http(s) URL"
            );
        }
        ensure!(
            !config.bucket.is_empty(),
            "the object storage's bucket has no name"
        );
        for (name, secret) in [
            ("access_key", &config.access_key),
            ("secret_key", &config.secret_key),
        ] {
            ensure!(!secret.expose().is_empty(), "objects.{name} is not set");
        }
        metrics::describe_histogram!(
            "objects_request_duration_seconds",
            "Duration of a request to the object storage, by outcome."
        );
        Ok(Self(Arc::new(Inner {
            client: connect::client(config, &config.endpoint),
            signer: connect::client(config, config.public_endpoint()),
            bucket: config.bucket.clone(),
            public_prefix: format!("{}/{}", config.public_endpoint(), config.bucket),
        })))
    }

    /// Presigns an upload of exactly this type and length to `key`. `expires` is at most a week.
    pub async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        content_length_bytes: u64,
        expires: Duration,
    ) -> Result<PresignedPut, Error> {
        let length = i64::try_from(content_length_bytes)
            .context("content length")
            .map_err(Error::Internal)?;
        let request = self.0.signer.put_object().bucket(&self.0.bucket).key(key);
        let request = request.content_type(content_type).content_length(length);
        Ok(request.presigned(presign::expiry(expires)?).await?.into())
    }

    /// Returns the metadata of an object.
    pub async fn head(&self, key: &str) -> Result<Head, Error> {
        let request = self.0.client.head_object().bucket(&self.0.bucket).key(key);
        let head = measured("head", async { Ok(request.send().await?) }).await?;
        Ok(Head {
            content_length_bytes: head
                .content_length
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(0),
            content_type: head.content_type,
            etag: head.e_tag,
        })
    }

    /// Reads a whole object into memory. Check its size with [`Objects::head`] first.
    pub async fn get(&self, key: &str) -> Result<Bytes, Error> {
        let request = self.0.client.get_object().bucket(&self.0.bucket).key(key);
        measured("get", async { collect(request.send().await?.body).await }).await
    }

    /// Presigns a read of `key`. `expires` is at most a week.
    pub async fn presign_get(&self, key: &str, expires: Duration) -> Result<String, Error> {
        let request = self.0.signer.get_object().bucket(&self.0.bucket).key(key);
        let signed = request.presigned(presign::expiry(expires)?).await?;
        Ok(signed.uri().to_owned())
    }

    /// Writes a whole object and replaces an existing one. Caches keep it for a day: so long they may show what was deleted.
    pub async fn put(&self, key: &str, content_type: &str, content: Bytes) -> Result<(), Error> {
        self.write(key, content_type, CACHE_CONTROL, content).await
    }

    /// As [`Objects::put`], of an object that no cache may keep.
    pub async fn put_private(&self, key: &str, content_type: &str, content: Bytes) -> Result<(), Error> {
        self.write(key, content_type, NO_STORE, content).await
    }

    async fn write(
        &self,
        key: &str,
        content_type: &str,
        cache_control: &str,
        content: Bytes,
    ) -> Result<(), Error> {
        let request = self.0.client.put_object().bucket(&self.0.bucket).key(key);
        let request = request
            .content_type(content_type)
            .cache_control(cache_control)
            .body(ByteStream::from(content));
        measured("put", async { Ok(request.send().await.map(drop)?) }).await
    }

    /// Deletes an object. Succeeds if it does not exist.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let request = self.0.client.delete_object().bucket(&self.0.bucket).key(key);
        match measured("delete", async { Ok(request.send().await.map(drop)?) }).await {
            Err(Error::NotFound) => Ok(()),
            result => result,
        }
    }

    /// Creates the bucket unless it exists, for development and tests. In production the bucket and its read policy are
    /// infrastructure.
    pub async fn ensure_bucket(&self) -> Result<(), Error> {
        match self.check().await {
            Err(Error::NotFound) => {}
            result => return result,
        }
        let request = self.0.client.create_bucket().bucket(&self.0.bucket);
        measured("create_bucket", async {
            match request.send().await {
                Err(SdkError::ServiceError(refused))
                    if matches!(
                        refused.err().code(),
                        Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")
                    ) =>
                {
                    Ok(())
                }
                result => Ok(result.map(drop)?),
            }
        })
        .await
    }

    /// Checks that the bucket exists and the credentials are accepted, for readiness.
    pub async fn check(&self) -> Result<(), Error> {
        let request = self.0.client.head_bucket().bucket(&self.0.bucket);
        measured("head_bucket", async { Ok(request.send().await.map(drop)?) }).await
    }

    /// Returns the URL of an object for readers without credentials.
    pub fn public_url(&self, key: &str) -> String {
        format!("{}/{}", self.0.public_prefix, utf8_percent_encode(key, &KEY))
    }
}

async fn collect(body: ByteStream) -> Result<Bytes, Error> {
    // An incomplete body is a broken connection.
    let body = body
        .collect()
        .await
        .map_err(|error| Error::Unavailable(error.into()))?;
    Ok(body.into_bytes())
}

/// Runs an operation in a span and records its duration. Boxed, because the SDK's futures are tens of kilobytes large.
fn measured<'a, T: 'a>(
    operation: &'static str,
    work: impl Future<Output = Result<T, Error>> + Send + 'a,
) -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>> {
    let begin = Instant::now();
    let name = format!("objects.{operation}");
    let span = tracing::info_span!("objects", otel.name = name, otel.kind = "client", operation);
    let measured = async move {
        let result = work.await;
        let outcome = result.as_ref().map_or_else(Error::label, |_| "ok");
        metrics::histogram!("objects_request_duration_seconds", "operation" => operation, "outcome" => outcome)
            .record(begin.elapsed());
        result
    };
    Box::pin(measured.instrument(span))
}
