-- A host's cars, last registered first, and by their rate.
DROP INDEX vehicles_owner;
CREATE INDEX vehicles_owner ON vehicles (owner_id, id) WHERE withdrawn_at IS NULL;
CREATE INDEX vehicles_owner_rate ON vehicles (owner_id, hourly_rate_krw, id) WHERE withdrawn_at IS NULL;
