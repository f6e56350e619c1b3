//! Photo files and the calls that upload them.

use carshare_objects::Error as ObjectsError;
use carshare_proto::vehicle::v1::*;
use tonic::Status;

use super::{Harness, Person, into_message};

/// Builds a file of `size` bytes: a black PNG, and zeros after it.
pub fn png(width: u32, height: u32, size: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    let pixels = vec![0; (width.div_ceil(8) * height) as usize];
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    assert!(file.len() <= size, "{}", file.len());
    file.resize(size, 0);
    file
}

impl Harness {
    pub async fn create_upload(
        &self,
        host: Person,
        vehicle_id: &str,
        content_type: &str,
        size: usize,
    ) -> Result<ImageUpload, Status> {
        let request = CreateImageUploadRequest {
            vehicle_id: vehicle_id.into(),
            content_type: content_type.into(),
            size_bytes: size as i64,
        };
        into_message(
            self.client
                .clone()
                .create_image_upload(self.request(host, request))
                .await,
        )
    }

    pub async fn complete_upload(
        &self,
        host: Person,
        vehicle_id: &str,
        image_id: &str,
    ) -> Result<Vehicle, Status> {
        let request = CompleteImageUploadRequest {
            vehicle_id: vehicle_id.into(),
            image_id: image_id.into(),
        };
        into_message(
            self.client
                .clone()
                .complete_image_upload(self.request(host, request))
                .await,
        )
    }

    /// Uploads and completes a photo.
    pub async fn add_photo(&self, host: Person, car: &Vehicle) -> Vehicle {
        let upload = self.create_upload(host, &car.id, "image/png", 500).await.unwrap();
        assert_eq!(put(&upload, png(800, 600, 500)).await, 200);
        self.complete_upload(host, &car.id, &upload.image_id)
            .await
            .unwrap()
    }

    pub async fn is_stored(&self, key: &str) -> bool {
        match self.objects.head(key).await {
            Ok(_) => true,
            Err(ObjectsError::NotFound) => false,
            Err(error) => panic!("{error:?}"),
        }
    }
}

pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

/// Uploads a file with the presigned request and returns the HTTP status.
pub async fn put(upload: &ImageUpload, file: Vec<u8>) -> u16 {
    let method: reqwest::Method = upload.method.parse().unwrap();
    let request = http().request(method, &upload.url).body(file);
    let request = upload
        .headers
        .iter()
        .fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.unwrap().status().as_u16()
}
