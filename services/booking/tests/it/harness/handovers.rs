//! Calls of the handover service, and files of photos.

use carshare_objects::Error as ObjectsError;
use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::Vehicle;
use tonic::Status;

use super::{Harness, Person, at, into_message};

/// Views of which a photo is required.
pub const ANGLES: [PhotoAngle; 6] = [
    PhotoAngle::Front,
    PhotoAngle::Rear,
    PhotoAngle::Left,
    PhotoAngle::Right,
    PhotoAngle::Interior,
    PhotoAngle::Dashboard,
];

impl Harness {
    /// Returns a rental of 09:00 to 13:00 on 1 December that began at 09:00.
    pub async fn active(&mut self, guest: Person, host: Person, car: &Vehicle) -> Booking {
        let booking = self.confirmed(guest, host, car).await;
        self.clock.set(at("2026-12-01T09:00:00Z"));
        self.start_booking(guest, &booking.id).await.unwrap()
    }

    pub async fn handover(&self, person: Person, booking_id: &str) -> Result<Handover, Status> {
        let booking_id = booking_id.to_owned();
        let request = self.request(person, GetHandoverRequest { booking_id });
        into_message(self.handovers.clone().get_handover(request).await)
    }

    pub async fn upload(
        &self,
        person: Person,
        booking_id: &str,
        phase: HandoverPhase,
        angle: PhotoAngle,
    ) -> Result<HandoverPhoto, Status> {
        self.upload_file(person, booking_id, (phase, angle), png(800, 600))
            .await
    }

    pub async fn upload_file(
        &self,
        person: Person,
        booking_id: &str,
        (phase, angle): (HandoverPhase, PhotoAngle),
        file: Vec<u8>,
    ) -> Result<HandoverPhoto, Status> {
        let request = UploadPhotoRequest {
            booking_id: booking_id.into(),
            phase: phase.into(),
            angle: angle.into(),
            content_type: "image/png".into(),
            file: file.into(),
        };
        let request = self.request(person, request);
        into_message(self.handovers.clone().upload_photo(request).await)
    }

    /// Uploads a photo of every required view.
    pub async fn upload_all(&self, person: Person, booking_id: &str, phase: HandoverPhase) {
        for angle in ANGLES {
            self.upload(person, booking_id, phase, angle).await.unwrap();
        }
    }

    pub async fn create_upload(
        &self,
        person: Person,
        booking_id: &str,
        size: usize,
    ) -> Result<PhotoUpload, Status> {
        let request = CreatePhotoUploadRequest {
            booking_id: booking_id.into(),
            phase: HandoverPhase::Pickup.into(),
            angle: PhotoAngle::Front.into(),
            content_type: "image/png".into(),
            size_bytes: size as i64,
        };
        let request = self.request(person, request);
        into_message(self.handovers.clone().create_photo_upload(request).await)
    }

    pub async fn complete_upload(
        &self,
        person: Person,
        booking_id: &str,
        photo_id: &str,
    ) -> Result<HandoverPhoto, Status> {
        let request = CompletePhotoUploadRequest {
            booking_id: booking_id.into(),
            photo_id: photo_id.into(),
        };
        let request = self.request(person, request);
        into_message(self.handovers.clone().complete_photo_upload(request).await)
    }

    pub async fn report(
        &self,
        person: Person,
        booking_id: &str,
        phase: HandoverPhase,
        odometer_km: i64,
    ) -> Result<HandoverEntry, Status> {
        let request = ReportHandoverRequest {
            booking_id: booking_id.into(),
            phase: phase.into(),
            odometer_km,
            energy_percent: 80,
            damage_notes: None,
        };
        let request = self.request(person, request);
        into_message(self.handovers.clone().report_handover(request).await)
    }

    pub async fn note(
        &self,
        person: Person,
        booking_id: &str,
        phase: HandoverPhase,
        text: &str,
    ) -> Result<HandoverEntry, Status> {
        let request = AddHandoverNoteRequest {
            booking_id: booking_id.into(),
            phase: phase.into(),
            damage_notes: text.into(),
        };
        let request = self.request(person, request);
        into_message(self.handovers.clone().add_handover_note(request).await)
    }

    pub async fn confirm_handover(
        &self,
        person: Person,
        booking_id: &str,
        phase: HandoverPhase,
        report_sha256: &str,
    ) -> Result<HandoverEntry, Status> {
        let request = ConfirmHandoverRequest {
            booking_id: booking_id.into(),
            phase: phase.into(),
            report_sha256: report_sha256.into(),
            damage_notes: None,
        };
        let request = self.request(person, request);
        into_message(self.handovers.clone().confirm_handover(request).await)
    }

    pub async fn is_stored(&self, key: &str) -> bool {
        match self.objects.head(key).await {
            Ok(_) => true,
            Err(ObjectsError::NotFound) => false,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Builds a black PNG.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    let pixels = vec![0; (width.div_ceil(8) * height) as usize];
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    file
}

fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

/// Uploads a file with the presigned request and returns the HTTP status.
pub async fn put(upload: &PhotoUpload, file: Vec<u8>) -> u16 {
    let method: reqwest::Method = upload.method.parse().unwrap();
    let request = http().request(method, &upload.url).body(file);
    let request = upload
        .headers
        .iter()
        .fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.unwrap().status().as_u16()
}

/// Reads a URL.
pub async fn get_file(url: &str) -> reqwest::Response {
    http().get(url).send().await.unwrap()
}

/// Returns the value of a line of a statement.
pub fn statement_of<'a>(entry: &'a HandoverEntry, name: &str) -> &'a str {
    let mut lines = entry.statement.lines().filter_map(|line| line.split_once('='));
    lines.find(|(found, _)| *found == name).unwrap().1
}
