//! Files of handover photos: conversion of uploads, signed URLs, deletion.

use carshare_chassis::rpc::CallContext;
use carshare_objects::photo::{self, PublishError, Published};
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use crate::App;
use crate::domain::handover::{Chain, Content, Digest, Phase, Sealed};
use crate::domain::{BookingId, PhotoId};
use crate::error::{Error, PhotoFault};
use crate::handover::{self, Target};
use crate::rpc::convert_handover::{self, PhotoUrls};
use crate::store::handover_photos::{self, HandoverPhoto};

/// A photo to announce.
pub struct Announcement {
    pub target: Target,
    pub id: PhotoId,
    pub photo: NewPhoto,
    pub max: u64,
}

/// What a client says about a photo.
#[derive(Clone, Debug)]
pub struct NewPhoto {
    pub angle: crate::domain::handover::Angle,
    pub announced: carshare_objects::image::Announced,
    pub expires_at: chrono::DateTime<chrono::Utc>,
    /// Whether the file is uploaded apart from the call.
    pub has_upload: bool,
}

struct Completion {
    target: Target,
    photo: HandoverPhoto,
    published: Published,
    urls: PhotoUrls,
}

/// Stores an announced photo, if there may be one more.
pub async fn announce(tx: &Tx, new: &Announcement) -> Result<HandoverPhoto, Error> {
    let open = handover::open(tx, &new.target).await?;
    let Target { booking, phase, .. } = new.target;
    if handover_photos::count(tx.conn(), booking, phase, tx.now()).await? >= new.max {
        return Err(Error::HandoverFull { max: new.max });
    }
    let NewPhoto {
        angle,
        announced,
        expires_at,
        has_upload,
    } = new.photo.clone();
    let photo = HandoverPhoto {
        id: new.id,
        booking,
        phase,
        angle,
        party: open.party,
        announced,
        expires_at,
        is_complete: false,
    };
    handover_photos::insert(tx.conn(), &photo, has_upload, tx.now()).await?;
    Ok(photo)
}

/// Returns what was converted. A photo with an invalid file is abandoned: its row stays while its URL takes uploads, so that the job deletes
/// them.
pub async fn accept(
    app: &App,
    photo: &HandoverPhoto,
    converted: Result<Published, PublishError>,
) -> Result<Published, Error> {
    let fault = match converted {
        Ok(published) => return Ok(published),
        Err(PublishError::NotUploaded) => return Err(Error::PhotoInvalid(PhotoFault::NotUploaded)),
        Err(PublishError::Other(error)) => return Err(error.into()),
        Err(PublishError::Invalid(fault)) => fault,
    };
    app.objects.delete(&photo.upload_key()).await?;
    let now = app.environment.clock.now();
    handover_photos::abandon(app.db.conn(), photo.id, now).await?;
    Err(Error::PhotoInvalid(PhotoFault::Image(fault)))
}

/// Adds a converted photo to the evidence and deletes its upload. A client can write to the upload key until its URL expires, so the job
/// deletes it again then.
pub async fn complete(
    app: &App,
    ctx: &CallContext,
    target: Target,
    photo: HandoverPhoto,
    published: Published,
) -> Result<pb::HandoverPhoto, Error> {
    let urls = urls(app, photo.booking, photo.id).await?;
    let upload_key = photo.upload_key();
    let completion = Completion {
        target,
        photo,
        published,
        urls,
    };
    let completed = app
        .db
        .idempotent(ctx, "handover_photos.complete", completion, store)
        .await?;
    if let Err(error) = app.objects.delete(&upload_key).await {
        tracing::warn!(upload_key, error = %error, "cannot delete an upload yet");
    }
    Ok(completed)
}

async fn store(tx: &Tx, done: &Completion) -> Result<pb::HandoverPhoto, Error> {
    let open = handover::open(tx, &done.target).await?;
    // It may have been completed or abandoned since it was read.
    let photo = handover_photos::find(tx.conn(), done.photo.booking, done.photo.id, tx.now()).await?;
    let photo = photo.ok_or(Error::PhotoNotFound)?;
    if photo.is_complete {
        let sealed = find(&open.chain, photo.id).ok_or(Error::PhotoNotFound)?;
        return convert_handover::photo(sealed, Some(&done.urls)).ok_or(Error::PhotoNotFound);
    }
    let content = Content::Photo {
        id: photo.id,
        angle: photo.angle,
        width: done.published.pixels.width,
        height: done.published.pixels.height,
        stored: Digest(done.published.sha256),
        upload: Digest(done.published.upload_sha256),
    };
    let sealed = handover::append(tx, &done.target, &open, content, None).await?;
    handover_photos::complete(tx.conn(), photo.id, tx.now()).await?;
    convert_handover::photo(&sealed, Some(&done.urls)).ok_or(Error::PhotoNotFound)
}

/// Finds the entry of a photo.
pub fn find(chain: &Chain, photo: PhotoId) -> Option<&Sealed> {
    let mut entries = chain.entries().iter();
    entries.find(|sealed| matches!(sealed.entry.content, Content::Photo { id, .. } if id == photo))
}

/// Signs URLs for the files of a photo.
pub async fn urls(app: &App, booking: BookingId, id: PhotoId) -> Result<PhotoUrls, Error> {
    let key = photo::key(&handover_photos::folder(booking, id));
    let expires = app.config.handover.read_ttl;
    let thumbnail = photo::thumbnail_of(&key).unwrap_or_default();
    Ok(PhotoUrls {
        photo: app.objects.presign_get(&key, expires).await?,
        thumbnail: app.objects.presign_get(&thumbnail, expires).await?,
    })
}

/// Lists the photos of a pickup or return, with signed URLs for those that have files.
pub async fn list(
    app: &App,
    chain: &Chain,
    with_files: &[PhotoId],
    phase: Phase,
) -> Result<Vec<pb::HandoverPhoto>, Error> {
    let mut photos = Vec::new();
    for sealed in chain
        .entries()
        .iter()
        .filter(|sealed| sealed.entry.phase == phase)
    {
        let Content::Photo { id, .. } = sealed.entry.content else {
            continue;
        };
        let urls = if with_files.contains(&id) {
            Some(urls(app, sealed.entry.booking, id).await?)
        } else {
            None
        };
        photos.extend(convert_handover::photo(sealed, urls.as_ref()));
    }
    Ok(photos)
}
