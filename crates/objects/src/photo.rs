//! Photos that are shown: an uploaded file is decoded whole and encoded anew.
//!
//! What is shown has nothing of the upload but its picture: no metadata, such as the place where it was taken, and nothing that is
//! also a page or a program. Conversions run on blocking threads, a few at a time, and wait in the order of their arrival: beyond a number of
//! waiting ones the next is refused at once, as the memory of each is large.

mod convert;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use carshare_chassis::Error as ChassisError;
use carshare_chassis::telemetry::pool_usage::{InUse, PoolUsage};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Objects;
use crate::config::PhotoConfig;
use crate::error::Error;
use crate::image::{Announced, ImageFault, Pixels};

pub use convert::CONTENT_TYPE;

/// Last part of the key of a photo.
const PHOTO: &str = "/photo.jpeg";
/// Last part of the key of a thumbnail.
const THUMBNAIL: &str = "/thumbnail.jpeg";

/// When a refused caller may try again: most of the waiting conversions are then done.
const RETRY_AFTER: Duration = Duration::from_secs(4);

/// Counter of conversions, by outcome: `ok`, a fault of the file, or `refused` because too many wait.
pub const CONVERSIONS_TOTAL: &str = "objects_photo_conversions_total";

/// Converts uploads. Cheap to clone.
#[derive(Clone)]
pub struct Photos {
    objects: Objects,
    max_pixels: u64,
    /// One for each running or waiting conversion.
    places: Arc<Semaphore>,
    /// One for each running conversion.
    permits: Arc<Semaphore>,
    usage: Arc<PoolUsage>,
}

/// Who may read a photo that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody; caches keep it for a day.
    Public,
    /// Holders of a signed URL; no cache keeps it.
    Private,
}

/// A photo that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Dimensions of the photo.
    pub pixels: Pixels,
    /// Size of its file.
    pub size_bytes: i64,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// SHA-256 of the bytes that were uploaded, with their metadata.
    pub upload_sha256: [u8; 32],
}

/// Why a photo was not written.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Nothing was uploaded.
    #[error("the image was not uploaded")]
    NotUploaded,
    /// The upload is not the announced image.
    #[error("the image is not valid: {}", .0.as_str())]
    Invalid(ImageFault),
    /// The storage is unavailable, or too many conversions wait.
    #[error(transparent)]
    Other(ChassisError),
}

impl From<Error> for PublishError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotUploaded,
            error => Self::Other(error.into()),
        }
    }
}

/// Returns the key of the photo in a folder, `vehicles/<id>`.
pub fn key(folder: &str) -> String {
    format!("{folder}{PHOTO}")
}

/// Returns the key or URL of the thumbnail of the photo with this key or URL; `None` if the photo has none, as those of the time before
/// thumbnails.
pub fn thumbnail_of(photo: &str) -> Option<String> {
    Some(format!("{}{THUMBNAIL}", photo.strip_suffix(PHOTO)?))
}

/// Place and permit of a conversion, and their count in the gauge.
type Turn = (OwnedSemaphorePermit, InUse, OwnedSemaphorePermit);

impl Photos {
    /// Creates a converter of uploads in this storage.
    pub fn new(objects: Objects, config: &PhotoConfig) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let parallel = if config.max_parallel == 0 {
            cores.div_ceil(2)
        } else {
            config.max_parallel
        };
        metrics::describe_counter!(CONVERSIONS_TOTAL, "Conversions of uploaded photos, by outcome.");
        let places = parallel * (1 + config.max_waiting);
        Self {
            objects,
            max_pixels: config.max_pixels,
            places: Arc::new(Semaphore::new(places)),
            permits: Arc::new(Semaphore::new(parallel)),
            usage: Arc::new(PoolUsage::new("photo_conversions", places)),
        }
    }

    /// Converts the upload at `upload_key` and writes photo and thumbnail to the folder, for everybody. Its type and size have to be the
    /// announced ones, or if nothing was announced those that the signature of the upload has fixed. The upload stays.
    ///
    /// # Errors
    /// Besides faults of the upload, `UNAVAILABLE` when the storage is unreachable or too many conversions wait.
    pub async fn publish(
        &self,
        upload_key: &str,
        announced: Option<&Announced>,
        folder: &str,
    ) -> Result<Published, PublishError> {
        count(
            self.convert_upload(upload_key, announced, folder, Audience::Public)
                .await,
        )
    }

    /// As [`Photos::publish`], of an announced upload, for holders of a signed URL only.
    ///
    /// # Errors
    /// Those of [`Photos::publish`].
    pub async fn publish_private(
        &self,
        upload_key: &str,
        announced: &Announced,
        folder: &str,
    ) -> Result<Published, PublishError> {
        count(
            self.convert_upload(upload_key, Some(announced), folder, Audience::Private)
                .await,
        )
    }

    /// Converts a file of this type and writes photo and thumbnail to the folder, for holders of a signed URL only.
    ///
    /// # Errors
    /// Those of [`Photos::publish`], without `NotUploaded`.
    pub async fn publish_file(
        &self,
        content_type: &str,
        file: Bytes,
        folder: &str,
    ) -> Result<Published, PublishError> {
        let converted = async {
            let turn = self.wait_turn().await?;
            self.convert(turn, content_type.to_owned(), file, folder, Audience::Private)
                .await
        };
        count(converted.await)
    }

    async fn convert_upload(
        &self,
        upload_key: &str,
        announced: Option<&Announced>,
        folder: &str,
        audience: Audience,
    ) -> Result<Published, PublishError> {
        let head = self.objects.head(upload_key).await?;
        let stored = Announced {
            content_type: head.content_type.unwrap_or_default(),
            size_bytes: i64::try_from(head.content_length_bytes).unwrap_or(i64::MAX),
        };
        let announced = announced.unwrap_or(&stored);
        stored.check(announced).map_err(PublishError::Invalid)?;
        let turn = self.wait_turn().await?;
        let file = self.objects.get(upload_key).await?;
        self.convert(turn, stored.content_type, file, folder, audience)
            .await
    }

    /// Waits until the next conversion may run.
    async fn wait_turn(&self) -> Result<Turn, PublishError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            PublishError::Other(ChassisError::unavailable(
                "too many photos wait to be converted",
                RETRY_AFTER,
            ))
        })?;
        let usage = self.usage.take();
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|closed| PublishError::Other(ChassisError::internal(closed)))?;
        Ok((place, usage, permit))
    }

    async fn convert(
        &self,
        turn: Turn,
        content_type: String,
        file: Bytes,
        folder: &str,
        audience: Audience,
    ) -> Result<Published, PublishError> {
        let max_pixels = self.max_pixels;
        // The task owns place and permit: they end with the conversion, not with a cancelled call.
        let converted = tokio::task::spawn_blocking(move || {
            let _held = turn;
            let converted = convert::convert(&content_type, &file, max_pixels)?;
            let hashes = (sha256(&converted.photo), sha256(&file));
            Ok((converted, hashes))
        });
        let converted = converted
            .await
            .map_err(|panic| PublishError::Other(ChassisError::internal(panic)))?;
        let (converted, (sha256, upload_sha256)) = converted.map_err(PublishError::Invalid)?;
        let size_bytes = i64::try_from(converted.photo.len()).unwrap_or(i64::MAX);
        let put = async |key: String, file| match audience {
            Audience::Public => self.objects.put(&key, CONTENT_TYPE, file).await,
            Audience::Private => self.objects.put_private(&key, CONTENT_TYPE, file).await,
        };
        put(format!("{folder}{THUMBNAIL}"), converted.thumbnail).await?;
        put(key(folder), converted.photo).await?;
        Ok(Published {
            pixels: converted.pixels,
            size_bytes,
            sha256,
            upload_sha256,
        })
    }

    /// Deletes photo and thumbnail of a folder. Succeeds if they do not exist.
    pub async fn delete(&self, folder: &str) -> Result<(), Error> {
        self.objects.delete(&key(folder)).await?;
        self.objects.delete(&format!("{folder}{THUMBNAIL}")).await
    }
}

/// Counts a conversion by its outcome.
fn count(result: Result<Published, PublishError>) -> Result<Published, PublishError> {
    let outcome = match &result {
        Ok(_) => "ok",
        Err(PublishError::Invalid(fault)) => fault.as_str(),
        Err(PublishError::NotUploaded) => "not_uploaded",
        Err(PublishError::Other(_)) => "unavailable",
    };
    metrics::counter!(CONVERSIONS_TOTAL, "outcome" => outcome).increment(1);
    result
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests;
