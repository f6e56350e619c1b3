-- The request that led to a notification. Null in rows of earlier releases.
ALTER TABLE notifications
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent text;

-- The notifications of a booking, for its timeline. While the index is built no notification is written: events wait for seconds, and nobody
-- waits for them. A concurrent build would wait for the migrations of the other schemas.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX notifications_of_booking ON notifications ((data ->> 'booking_id'));
