-- Tables that tests need: what handlers write, and one constraint of every kind.
CREATE TABLE effects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    note text NOT NULL
);

-- Rows of a job queue.
CREATE TABLE tasks (
    id bigint PRIMARY KEY,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0
);

CREATE TABLE rooms (
    number int CONSTRAINT rooms_pkey PRIMARY KEY,
    beds int NOT NULL CONSTRAINT rooms_have_beds CHECK (beds > 0),
    guests int NOT NULL DEFAULT 0
);
INSERT INTO rooms (number, beds) VALUES (1, 2), (2, 2);

CREATE TABLE stays (
    room int NOT NULL CONSTRAINT stays_room_exists REFERENCES rooms (number),
    period tstzrange NOT NULL,
    CONSTRAINT stays_no_overlap EXCLUDE USING gist (room WITH =, period WITH &&)
);

-- Breaks the connection at COMMIT when the note says so.
CREATE FUNCTION break_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER break_at_commit AFTER INSERT ON effects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.note = 'break at commit') EXECUTE FUNCTION break_at_commit();
