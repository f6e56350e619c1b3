-- Messages of the provider that named a payment of ours, to recognise repeats. Their contents are not kept: nothing in
-- them is believed.
CREATE TABLE webhook_deliveries (
    -- The provider's transmission or event id, or a hash of the body.
    delivery_id text        PRIMARY KEY,
    payment_id  uuid        NOT NULL REFERENCES payments (id),
    event_type  text        NOT NULL,
    received_at timestamptz NOT NULL
);
