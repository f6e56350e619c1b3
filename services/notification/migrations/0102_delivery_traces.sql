-- A push goes on in the trace and under the correlation id of the event it tells of.
ALTER TABLE deliveries
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent text;
