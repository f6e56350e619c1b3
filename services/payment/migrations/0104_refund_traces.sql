-- Of the cancellation that led to the refund (not of the charge): the worker continues them.
ALTER TABLE refunds
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent    text;
