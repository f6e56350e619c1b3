-- Rules of the opening hours, in minutes since midnight in Asia/Seoul. An end at or before the start is on the next day.
CREATE TABLE availabilities (
    id            uuid PRIMARY KEY,
    vehicle_id    uuid NOT NULL REFERENCES vehicles (id),
    day_of_week   smallint CHECK (day_of_week BETWEEN 0 AND 6),
    specific_date date,
    start_minute  smallint NOT NULL CHECK (start_minute BETWEEN 0 AND 1439),
    end_minute    smallint NOT NULL CHECK (end_minute BETWEEN 0 AND 1440),
    is_blocked    boolean NOT NULL,
    created_at    timestamptz NOT NULL,
    CONSTRAINT availabilities_weekly_or_dated CHECK ((day_of_week IS NULL) <> (specific_date IS NULL))
);

CREATE INDEX availabilities_vehicle ON availabilities (vehicle_id);

-- Opening hours are a part of the car that a hold is decided on.
CREATE FUNCTION increment_revision_of_availability() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vehicles SET revision = revision + 1 WHERE id = coalesce(NEW.vehicle_id, OLD.vehicle_id);
    RETURN NULL;
END $$;
CREATE TRIGGER availabilities_vehicle_revision AFTER INSERT OR UPDATE OR DELETE ON availabilities
    FOR EACH ROW EXECUTE FUNCTION increment_revision_of_availability();
