-- Photos: announced, uploaded by the host to the object storage, then checked and completed.
CREATE TABLE vehicle_images (
    id           uuid PRIMARY KEY,
    vehicle_id   uuid NOT NULL REFERENCES vehicles (id),
    object_key   text NOT NULL UNIQUE,
    content_type text NOT NULL,
    size_bytes   bigint NOT NULL CHECK (size_bytes > 0),
    created_at   timestamptz NOT NULL,
    -- A photo that is not completed by then is abandoned.
    expires_at   timestamptz NOT NULL,
    completed_at timestamptz,
    width        integer CHECK (width > 0),
    height       integer CHECK (height > 0),
    CONSTRAINT vehicle_images_completed_has_size CHECK (
        (completed_at IS NULL) = (width IS NULL) AND (completed_at IS NULL) = (height IS NULL)
    )
);

CREATE INDEX vehicle_images_vehicle ON vehicle_images (vehicle_id, id);
CREATE INDEX vehicle_images_announced ON vehicle_images (expires_at) WHERE completed_at IS NULL;
