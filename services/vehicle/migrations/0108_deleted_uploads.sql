-- When the upload of a complete photo was deleted for good: after `expires_at`, because the host can write to the upload URL after the
-- photo is complete.
ALTER TABLE vehicle_images ADD COLUMN upload_deleted_at timestamptz;
CREATE INDEX vehicle_images_uploaded ON vehicle_images (expires_at)
    WHERE completed_at IS NOT NULL AND upload_deleted_at IS NULL;
