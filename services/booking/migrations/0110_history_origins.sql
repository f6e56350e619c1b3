-- Why a change was made, and the request or event that led to it. Null in rows of earlier releases.
ALTER TABLE status_history
    ADD COLUMN reason text,
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent text;
