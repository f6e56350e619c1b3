-- Changes of bookings hold and release cars as bookings do, each under its own id: released_bookings and occupancies have ids of either.

-- Gives the occupancy of a booking another car or period, because a change of the booking applies, and returns whether it could: not if the
-- car is withdrawn, or another booking has it. What the change itself has held is released, for good: a confirmation that comes later takes
-- nothing. The second call for a change does nothing, so that an older change which is delivered again does not undo a newer one.
--
-- Booking has stored the change under its own constraint over live bookings. So a hold that is in the way, expired or not, belongs to no stored
-- booking of this time, and to none that can be stored.
CREATE FUNCTION move_occupancy(booking uuid, change uuid, car uuid, during tstzrange, moved_at timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM vehicles
    WHERE id = car OR id IN (SELECT vehicle_id FROM occupancies WHERE ref_id IN (booking, change))
    ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM released_bookings WHERE booking_id = change) THEN
        RETURN true;
    END IF;
    INSERT INTO released_bookings (booking_id, released_at) VALUES (change, moved_at);
    DELETE FROM occupancies WHERE ref_id = change;
    IF EXISTS (SELECT FROM released_bookings WHERE booking_id = booking) THEN
        RETURN true;
    END IF;
    IF NOT EXISTS (SELECT FROM vehicles WHERE id = car AND withdrawn_at IS NULL) THEN
        RETURN false;
    END IF;
    BEGIN
        DELETE FROM occupancies WHERE vehicle_id = car AND period && during AND kind = 'hold' AND ref_id <> booking;
        INSERT INTO occupancies (ref_id, vehicle_id, period, kind, created_at)
        VALUES (booking, car, during, 'booking', moved_at)
        ON CONFLICT (ref_id) DO UPDATE
            SET vehicle_id = excluded.vehicle_id, period = excluded.period, kind = 'booking', expires_at = NULL;
        RETURN true;
    EXCEPTION WHEN exclusion_violation THEN
        RETURN false;
    END;
END $$;
