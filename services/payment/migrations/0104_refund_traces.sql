-- A refund goes on in the trace and under the correlation id of the cancellation that led to it, not of the charge.
ALTER TABLE refunds
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent    text;
