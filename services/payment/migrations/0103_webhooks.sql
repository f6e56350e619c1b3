-- Webhooks of the provider that name a payment, to recognise repeats. Their content is not stored: it is unsigned.
CREATE TABLE webhook_deliveries (
    -- The provider's transmission id, or a hash of the request.
    delivery_id text        PRIMARY KEY,
    payment_id  uuid        NOT NULL REFERENCES payments (id),
    event_type  text        NOT NULL,
    received_at timestamptz NOT NULL
);

CREATE INDEX webhook_deliveries_received_at ON webhook_deliveries (received_at);
