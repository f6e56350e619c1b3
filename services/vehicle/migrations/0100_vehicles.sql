-- Cars. The row of a withdrawn car stays, because its history refers to it; its plate can be registered again.
CREATE TABLE vehicles (
    id               uuid PRIMARY KEY,
    owner_id         uuid NOT NULL,
    license_plate    text NOT NULL,
    make             text NOT NULL,
    model            text NOT NULL,
    year             integer NOT NULL,
    color            text,
    fuel_type        text CHECK (fuel_type IN ('gasoline', 'diesel', 'electric', 'hybrid')),
    transmission     text CHECK (transmission IN ('manual', 'automatic')),
    hourly_rate_krw  bigint NOT NULL CHECK (hourly_rate_krw > 0),
    location_address text NOT NULL,
    location_lat     double precision NOT NULL CHECK (location_lat BETWEEN -90 AND 90),
    location_lng     double precision NOT NULL CHECK (location_lng BETWEEN -180 AND 180),
    -- In metres from the centre of the earth: straight lines between such points order cars as the distances over ground
    -- do, which degrees do not. The radius is that of domain/location.rs.
    location_point   cube NOT NULL GENERATED ALWAYS AS (cube(ARRAY[
                         6371008.8 * cos(radians(location_lat)) * cos(radians(location_lng)),
                         6371008.8 * cos(radians(location_lat)) * sin(radians(location_lng)),
                         6371008.8 * sin(radians(location_lat))
                     ])) STORED,
    status           text NOT NULL CHECK (status IN ('active', 'inactive', 'maintenance')),
    description      text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    withdrawn_at     timestamptz,
    -- Incremented by every change of the car and of its opening hours: a hold is placed only at the revision it was decided on.
    revision         bigint NOT NULL DEFAULT 1,
    CONSTRAINT vehicles_withdrawn_is_not_offered CHECK (withdrawn_at IS NULL OR status = 'inactive')
);

CREATE UNIQUE INDEX vehicles_license_plate ON vehicles (license_plate) WHERE withdrawn_at IS NULL;
CREATE INDEX vehicles_owner ON vehicles (owner_id) WHERE withdrawn_at IS NULL;
CREATE INDEX vehicles_near ON vehicles USING gist (location_point) WHERE status = 'active';

-- A trigger, so that no writer can forget it.
CREATE FUNCTION increment_vehicle_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER vehicles_revision BEFORE UPDATE ON vehicles FOR EACH ROW EXECUTE FUNCTION increment_vehicle_revision();
