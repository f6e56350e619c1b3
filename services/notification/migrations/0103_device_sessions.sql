-- The session that registered the device last. Its end deletes the device. Rows from before this migration have none until the
-- app registers again, which it does at every start.
ALTER TABLE devices ADD COLUMN session_id uuid;
CREATE INDEX devices_session ON devices (session_id);

-- Sessions that have ended, for as long as their access tokens might still register a device.
CREATE TABLE ended_sessions (
    session_id uuid PRIMARY KEY,
    ended_at timestamptz NOT NULL
);
CREATE INDEX ended_sessions_ended_at ON ended_sessions (ended_at);
