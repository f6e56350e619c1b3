-- The billing key of a disabled method is deleted at the provider, and then here, once no attempt needs it.
ALTER TABLE payment_methods
    ALTER COLUMN billing_key_sealed DROP NOT NULL,
    -- When the worker tries next; NULL = nothing to do. The tries so far set the delay.
    ADD COLUMN key_removal_due_at timestamptz,
    ADD COLUMN key_removal_tries integer NOT NULL DEFAULT 0,
    -- Of the request that disabled the method: the worker continues them.
    ADD COLUMN correlation_id text,
    ADD COLUMN traceparent text,
    ADD COLUMN version bigint NOT NULL DEFAULT 0;
UPDATE payment_methods SET key_removal_due_at = disabled_at WHERE disabled_at IS NOT NULL;
ALTER TABLE payment_methods
    ADD CONSTRAINT payment_methods_key_of_enabled CHECK (disabled_at IS NOT NULL OR billing_key_sealed IS NOT NULL),
    ADD CONSTRAINT payment_methods_key_to_remove
        CHECK (key_removal_due_at IS NULL OR (disabled_at IS NOT NULL AND billing_key_sealed IS NOT NULL));
CREATE INDEX payment_methods_key_removal ON payment_methods (key_removal_due_at) WHERE key_removal_due_at IS NOT NULL;
CREATE INDEX payment_attempts_open_of_method ON payment_attempts (method_id) WHERE outcome = 'open';
