-- Profile images: announced, uploaded to the object storage, converted and shown until another one replaces it. The row stays until
-- its files are deleted.
CREATE TABLE profile_images (
    id                uuid PRIMARY KEY,
    user_id           uuid NOT NULL,
    created_at        timestamptz NOT NULL,
    -- An image that is not shown is abandoned then. The upload is deleted then in any case.
    expires_at        timestamptz NOT NULL,
    shown_at          timestamptz,
    upload_deleted_at timestamptz
);

CREATE INDEX profile_images_of_user ON profile_images (user_id);
CREATE INDEX profile_images_to_sweep ON profile_images (expires_at) WHERE shown_at IS NULL OR upload_deleted_at IS NULL;
