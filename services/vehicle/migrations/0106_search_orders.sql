-- Cheapest first: the index returns the cars of a box by their rate, and those with the same rate by their distance. Its condition on
-- the rate holds for every car and is there to keep the index out of plans of the search that is nearest first.
CREATE INDEX vehicles_cheapest ON vehicles USING gist (location_point, hourly_rate_krw)
    WHERE status = 'active' AND hourly_rate_krw > 0;

-- Lists up to `max_count` cars within the radius that are not taken and pass the filter, after the car `after_*`: cheapest first or
-- nearest first. The filters are null for all cars. Distances are straight lines in metres.
--
-- A function for its settings. PostgreSQL takes a box for a thousandth of all cars, expects fewer of them than are asked for, and
-- would read and sort every car in it; with them it reads an index in the requested order and ends with the page.
CREATE FUNCTION search_vehicles(
    center cube, radius_m float8, by_rate boolean, after_rate bigint, after_m float8, after_id uuid,
    starts_at timestamptz, ends_at timestamptz, searched_at timestamptz,
    fuel text, gearbox text, max_rate bigint, max_count bigint
) RETURNS TABLE (found_id uuid, found_m float8) LANGUAGE plpgsql STABLE ROWS 50
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF by_rate THEN
        RETURN QUERY SELECT f.id, f.chord_m FROM (
            SELECT v.id, v.hourly_rate_krw, v.location_point <-> center AS chord_m FROM vehicles v
            WHERE v.status = 'active' AND v.hourly_rate_krw > 0
              AND v.location_point <@ cube_enlarge(center, radius_m, 3) AND v.location_point <-> center <= radius_m
              AND v.hourly_rate_krw >= after_rate
              AND (v.hourly_rate_krw, v.location_point <-> center, v.id) > (after_rate, after_m, after_id)
              AND (fuel IS NULL OR v.fuel_type = fuel) AND (gearbox IS NULL OR v.transmission = gearbox)
              AND v.hourly_rate_krw <= coalesce(max_rate, 9223372036854775807)
              AND coalesce((
                  SELECT lower(o.period) >= ends_at FROM occupancies o
                  WHERE o.vehicle_id = v.id AND upper(o.period) > starts_at
                    AND (o.expires_at IS NULL OR o.expires_at > searched_at)
                  ORDER BY upper(o.period) LIMIT 1), true)
            ORDER BY v.hourly_rate_krw <-> 0::bigint, v.location_point <-> center
            FETCH FIRST (max_count) ROWS WITH TIES
        ) f ORDER BY f.hourly_rate_krw, f.chord_m, f.id LIMIT max_count;
    ELSE
        RETURN QUERY SELECT f.id, f.chord_m FROM (
            SELECT v.id, v.location_point <-> center AS chord_m FROM vehicles v
            WHERE v.status = 'active'
              AND v.location_point <@ cube_enlarge(center, radius_m, 3) AND v.location_point <-> center <= radius_m
              AND (v.location_point <-> center, v.id) > (after_m, after_id)
              AND (fuel IS NULL OR v.fuel_type = fuel) AND (gearbox IS NULL OR v.transmission = gearbox)
              AND v.hourly_rate_krw <= coalesce(max_rate, 9223372036854775807)
              AND coalesce((
                  SELECT lower(o.period) >= ends_at FROM occupancies o
                  WHERE o.vehicle_id = v.id AND upper(o.period) > starts_at
                    AND (o.expires_at IS NULL OR o.expires_at > searched_at)
                  ORDER BY upper(o.period) LIMIT 1), true)
            ORDER BY v.location_point <-> center
            FETCH FIRST (max_count) ROWS WITH TIES
        ) f ORDER BY f.chord_m, f.id LIMIT max_count;
    END IF;
END $$;
