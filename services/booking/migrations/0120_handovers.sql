-- Evidence of pickups and returns: a chain of entries for each booking, of which each has the hash of the one before it. Rows are appended only.
CREATE TABLE handover_entries (
    booking_id  uuid NOT NULL REFERENCES bookings (id),
    sequence    integer NOT NULL CHECK (sequence > 0),
    -- All that the entry says, in a canonical form. A text of a user is in it as a salted hash only.
    statement   text NOT NULL CONSTRAINT handover_entries_statement_length CHECK (length(statement) BETWEEN 1 AND 2000),
    -- SHA-256 of the statement.
    hash        bytea NOT NULL,
    recorded_at timestamptz NOT NULL,

    PRIMARY KEY (booking_id, sequence),
    CONSTRAINT handover_entries_hash_of_statement CHECK (hash = sha256(convert_to(statement, 'UTF8')))
);

CREATE FUNCTION refuse_handover_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'handover_entries is append-only: %', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER handover_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON handover_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_handover_change();

-- The last entry of each booking, by which one that is missing at the end is noticed.
CREATE TABLE handover_heads (
    booking_id uuid PRIMARY KEY REFERENCES bookings (id),
    sequence   integer NOT NULL CHECK (sequence > 0),
    hash       bytea NOT NULL
);

-- Texts of users, which are erased with the account of their author.
CREATE TABLE handover_notes (
    booking_id uuid NOT NULL,
    sequence   integer NOT NULL,
    party      text NOT NULL CHECK (party IN ('guest', 'host')),
    -- Precedes the text in its hash, so that nobody can guess an erased text from the statement.
    salt       bytea NOT NULL CONSTRAINT handover_notes_salt_length CHECK (octet_length(salt) = 16),
    body       text NOT NULL CONSTRAINT handover_notes_body_length CHECK (length(body) BETWEEN 1 AND 2000),

    PRIMARY KEY (booking_id, sequence),
    FOREIGN KEY (booking_id, sequence) REFERENCES handover_entries (booking_id, sequence)
);

-- Photos of pickups and returns, announced or complete. A complete one has an entry.
CREATE TABLE handover_photos (
    id                uuid PRIMARY KEY,
    booking_id        uuid NOT NULL REFERENCES bookings (id),
    phase             text NOT NULL CHECK (phase IN ('pickup', 'return')),
    angle             text NOT NULL CHECK (angle IN ('front', 'rear', 'left', 'right', 'interior', 'dashboard', 'detail')),
    party             text NOT NULL CHECK (party IN ('guest', 'host')),
    -- Of the upload.
    content_type      text NOT NULL CHECK (content_type IN ('image/jpeg', 'image/png', 'image/webp')),
    size_bytes        bigint NOT NULL CHECK (size_bytes > 0),
    created_at        timestamptz NOT NULL,
    -- When a photo that is not complete is abandoned; the upload is deleted then in any case.
    expires_at        timestamptz NOT NULL,
    completed_at      timestamptz,
    -- When the upload of a complete photo was deleted for good.
    upload_deleted_at timestamptz,
    -- When the files of a complete photo were deleted.
    files_deleted_at  timestamptz
);
CREATE INDEX handover_photos_of_booking ON handover_photos (booking_id, phase);
CREATE INDEX handover_photos_abandoned ON handover_photos (expires_at) WHERE completed_at IS NULL;
CREATE INDEX handover_photos_uploaded ON handover_photos (expires_at) WHERE completed_at IS NOT NULL AND upload_deleted_at IS NULL;
CREATE INDEX handover_photos_kept ON handover_photos (completed_at) WHERE files_deleted_at IS NULL;

-- Whether every entry of a booking has its hash and that of the entry before it, and none is missing. The service checks the same when it reads
-- them; the reconciler calls this.
CREATE FUNCTION handover_is_intact(booking uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM (
            SELECT hash = sha256(convert_to(statement, 'UTF8'))
                   AND sequence = row_number() OVER entries
                   AND position(E'\nprevious=' || coalesce(encode(lag(hash) OVER entries, 'hex'), repeat('0', 64)) || E'\n' IN statement) > 0
                   AND position(E'\nbooking=' || booking || E'\nsequence=' || sequence || E'\n' IN statement) > 0 AS is_valid
            FROM handover_entries WHERE booking_id = booking
            WINDOW entries AS (ORDER BY sequence)
        ) checked WHERE NOT is_valid
    ) AND (SELECT sequence || encode(hash, 'hex') FROM handover_heads WHERE booking_id = booking)
        IS NOT DISTINCT FROM
        (SELECT sequence || encode(hash, 'hex') FROM handover_entries WHERE booking_id = booking ORDER BY sequence DESC LIMIT 1)
$$;
