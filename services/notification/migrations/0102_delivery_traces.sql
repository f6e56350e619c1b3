-- Of the event that led to the push: the worker continues them.
ALTER TABLE deliveries
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent text;
