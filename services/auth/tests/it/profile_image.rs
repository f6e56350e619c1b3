//! `CreateProfileImageUpload`, `CompleteProfileImageUpload` and `DeleteProfileImage`, with uploads to a real S3 server.

use std::time::Duration;

use carshare_objects::{Error as ObjectsError, Objects};
use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, wait_until, with_idempotency_key};
use carshare_testkit::S3;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;

/// The service with an S3 server, and a signed-in user.
struct Images {
    auth: Auth,
    objects: Objects,
    session: AuthResponse,
    _s3: S3,
}

/// Builds a file of `size` bytes: a black PNG, and zeros after it.
fn png(size: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 400, 300);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0; 50 * 300]).unwrap();
    writer.finish().unwrap();
    file.resize(size, 0);
    file
}

fn http() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    client.build().unwrap()
}

impl Images {
    async fn start() -> Self {
        let s3 = carshare_testkit::s3().await;
        let auth = Auth::start_with(|config| {
            config.objects.endpoint.clone_from(&s3.endpoint);
            config.objects.access_key = s3.access_key.clone().into();
            config.objects.secret_key = s3.secret_key.clone().into();
        })
        .await;
        let objects = Objects::new(&auth.replica.config.service.objects).unwrap();
        objects.ensure_bucket().await.unwrap();
        let session = auth.register("minji@example.com").await;
        Self {
            auth,
            objects,
            session,
            _s3: s3,
        }
    }

    fn upload_key(&self, image_id: &str) -> String {
        format!(
            "uploads/profiles/{}/{image_id}",
            self.session.user.as_ref().unwrap().id
        )
    }

    /// Returns the HTTP statuses of a photo and its thumbnail.
    async fn statuses(&self, user: &User) -> [u16; 2] {
        let mut statuses = [0; 2];
        let urls = [&user.profile_image_url, &user.profile_thumbnail_url];
        for (status, url) in statuses.iter_mut().zip(urls) {
            let reply = http().get(url.as_ref().unwrap()).send().await.unwrap();
            *status = reply.status().as_u16();
        }
        statuses
    }

    async fn create(&self, content_type: &str, size_bytes: i64) -> Result<ProfileImageUpload, Status> {
        let request = CreateProfileImageUploadRequest {
            content_type: content_type.into(),
            size_bytes,
        };
        let request = bearer(request, &self.session.access_token);
        into_message(self.auth.client().create_profile_image_upload(request).await)
    }

    /// Creates an upload and puts the file, of which the object storage accepts the announced size only.
    async fn upload(&self, file: Vec<u8>) -> String {
        let upload = self.create("image/png", file.len() as i64).await.unwrap();
        let request = http().put(&upload.url).body(file);
        let headers = upload.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
        upload.image_id
    }

    async fn complete(&self, session: &AuthResponse, image_id: &str) -> Result<User, Status> {
        let image_id = image_id.to_owned();
        let request = bearer(
            CompleteProfileImageUploadRequest { image_id },
            &session.access_token,
        );
        into_message(self.auth.client().complete_profile_image_upload(request).await)
    }

    async fn delete(&self) -> Result<DeleteProfileImageResponse, Status> {
        let request = bearer(DeleteProfileImageRequest {}, &self.session.access_token);
        into_message(self.auth.client().delete_profile_image(request).await)
    }

    async fn is_stored(&self, key: &str) -> bool {
        match self.objects.head(key).await {
            Ok(_) => true,
            Err(ObjectsError::NotFound) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn finish(self) {
        self.auth.finish().await;
    }
}

#[tokio::test]
async fn completed_image_is_shown_in_place_of_the_previous_one() {
    let images = Images::start().await;
    let before = images.session.user.clone().unwrap();
    let mut previous: Option<User> = None;
    for size in [500, 600] {
        let id = images.upload(png(size)).await;
        let user = images.complete(&images.session, &id).await.unwrap();
        let url = user.profile_image_url.clone().unwrap();
        let shown = http().get(&url).send().await.unwrap();
        assert_eq!(shown.headers()["content-type"], "image/jpeg");
        assert!(shown.bytes().await.unwrap().starts_with(b"\xff\xd8\xff"));
        assert!(!images.is_stored(&images.upload_key(&id)).await);
        if let Some(previous) = &previous {
            assert_eq!(images.statuses(previous).await, [404, 404]);
        }
        assert_eq!(images.statuses(&user).await, [200, 200]);
        // A repeat changes nothing.
        assert_eq!(images.complete(&images.session, &id).await.unwrap(), user);
        assert_eq!(images.auth.me(&images.session.access_token).await.unwrap(), user);
        previous = Some(user);
    }
    assert_eq!(
        images.auth.event_names(&before.id).await,
        ["user.registered", "user.updated", "user.updated"]
    );
    images.finish().await;
}

#[tokio::test]
async fn deleted_image_and_its_file_are_gone() {
    let images = Images::start().await;
    let id = images.upload(png(500)).await;
    let shown = images.complete(&images.session, &id).await.unwrap();
    assert_eq!(images.statuses(&shown).await, [200, 200]);
    for _ in 0..2 {
        images.delete().await.unwrap();
        let user = images.auth.me(&images.session.access_token).await.unwrap();
        assert_eq!(Some(user), images.session.user);
        assert_eq!(images.statuses(&shown).await, [404, 404]);
    }
    let again = images.complete(&images.session, &id).await;
    assert_error(again, Code::FailedPrecondition, "IMAGE_NOT_UPLOADED", "AUTH017");
    images.finish().await;
}

/// A crash leaves an upload that nobody completed, a photo that is not shown any more, or an upload that was written again.
#[tokio::test]
async fn files_that_are_not_shown_are_deleted_by_a_job() {
    let images = Images::start().await;
    let (left, shown) = (images.upload(png(500)).await, images.upload(png(600)).await);
    let user = images.complete(&images.session, &shown).await.unwrap();
    let (left, again) = (images.upload_key(&left), images.upload_key(&shown));
    images
        .objects
        .put(&again, "image/png", png(600).into())
        .await
        .unwrap();
    images.auth.replica.clock.advance(Duration::from_hours(1));
    wait_until(|| async { !images.is_stored(&left).await && !images.is_stored(&again).await }).await;
    assert_eq!(images.statuses(&user).await, [200, 200]);
    images.finish().await;
}

#[tokio::test]
async fn upload_that_is_no_image_or_of_another_user_is_refused() {
    let images = Images::start().await;
    let announced = images.create("image/png", 500).await.unwrap();
    let missing = images.complete(&images.session, &announced.image_id).await;
    assert_error(missing, Code::FailedPrecondition, "IMAGE_NOT_UPLOADED", "AUTH017");
    let other = images.auth.register("other@example.com").await;
    let id = images.upload(png(500)).await;
    let foreign = images.complete(&other, &id).await;
    assert_error(foreign, Code::FailedPrecondition, "IMAGE_NOT_UPLOADED", "AUTH017");
    let text = images.upload(vec![b'x'; 500]).await;
    let invalid = images.complete(&images.session, &text).await;
    assert_error(invalid, Code::InvalidArgument, "IMAGE_INVALID", "AUTH018");
    let again = images.complete(&images.session, &text).await;
    assert_error(again, Code::FailedPrecondition, "IMAGE_NOT_UPLOADED", "AUTH017");
    assert!(!images.is_stored(&images.upload_key(&text)).await);
    images.finish().await;
}

#[tokio::test]
async fn upload_with_an_invalid_field_names_it() {
    let images = Images::start().await;
    for (content_type, size_bytes, field) in [
        ("image/gif", 500, "content_type"),
        ("image/png", 0, "size_bytes"),
        ("image/png", 5_242_881, "size_bytes"),
    ] {
        let error = images.create(content_type, size_bytes).await.unwrap_err();
        let violations = error.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, field);
    }
    images.finish().await;
}

#[tokio::test]
async fn repeated_upload_request_with_the_same_key_returns_the_first_reply() {
    let images = Images::start().await;
    let call = || {
        let request = CreateProfileImageUploadRequest {
            content_type: "image/png".into(),
            size_bytes: 500,
        };
        with_idempotency_key(bearer(request, &images.session.access_token), "k1")
    };
    let mut client = images.auth.client();
    let first = client
        .create_profile_image_upload(call())
        .await
        .unwrap()
        .into_inner();
    images.auth.replica.clock.advance(Duration::from_secs(1));
    let again = client
        .create_profile_image_upload(call())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, first);
    images.finish().await;
}
