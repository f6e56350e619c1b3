-- Ids look like those of version 7: kinds are 1 host, 2 guest, 3 car, 4 booking, 5 photo, 6 rule.
CREATE FUNCTION pg_temp.id(kind integer, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(1700000000000 + number), 12, '0') || '70008' || lpad(to_hex(kind), 3, '0')
            || lpad(to_hex(number), 12, '0'))::uuid
$$;

-- An encoded carshare.auth.v1.UserProfile.
CREATE FUNCTION pg_temp.profile(id uuid, role integer) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT '\x0a24'::bytea || convert_to(id::text, 'UTF8') || '\x1209'::bytea || convert_to('김하나', 'UTF8')
        || CASE role WHEN 1 THEN '\x1801'::bytea ELSE '\x1802'::bytea END
$$;

-- Triggers name tables of their schema
SET search_path = public, vehicle, booking;

-- Guests
INSERT INTO auth.users (id, email, password_hash, name, phone, role, is_verified, created_at, updated_at)
SELECT pg_temp.id(2, i), 'guest-' || i || '@bench.example',
    CASE WHEN i = {guests} THEN '{full_hash}' ELSE '{cheap_hash}' END, '김하나', '+8210' || lpad(i::text, 8, '0'), 'guest', true,
    now(), now()
FROM generate_series(1, {cars}) i;

-- Hosts
INSERT INTO auth.users (id, email, password_hash, name, phone, role, is_verified, created_at, updated_at)
SELECT pg_temp.id(1, i), 'host-' || i || '@bench.example', '{cheap_hash}', '김하나', '+8211' || lpad(i::text, 8, '0'), 'host', true,
    now(), now()
FROM generate_series(1, {cars} / 10) i;

-- Profiles of hosts
INSERT INTO vehicle.user_profiles (user_id, profile, occurred_at)
SELECT pg_temp.id(1, i), pg_temp.profile(pg_temp.id(1, i), 2), now() FROM generate_series(1, {cars} / 10) i;

-- Profiles of guests
INSERT INTO booking.user_profiles (user_id, profile, occurred_at)
SELECT pg_temp.id(2, i), pg_temp.profile(pg_temp.id(2, i), 1), now() FROM generate_series(1, {cars}) i;

-- Cars in and around Seoul
INSERT INTO vehicle.vehicles (id, owner_id, license_plate, make, model, year, color, fuel_type, transmission, hourly_rate_krw,
    location_address, location_lat, location_lng, status, description, created_at, updated_at)
SELECT pg_temp.id(3, i), pg_temp.id(1, 1 + i % ({cars} / 10)), 'B' || i, '현대', '아이오닉 5', 2020 + i % 6, '흰색', 'electric', 'automatic',
    9000 + i % 100 * 100, '서울특별시 중구 세종대로 ' || i, 37.4 + 0.3 * random(), 126.8 + 0.4 * random(), 'active',
    '충전 카드가 있습니다. 반려동물은 이동장에 넣어 주세요.', now(), now()
FROM generate_series(1, {cars}) i;

-- A photo of each
INSERT INTO vehicle.vehicle_images (id, vehicle_id, object_key, content_type, size_bytes, created_at, expires_at, completed_at, width, height)
SELECT pg_temp.id(5, i), pg_temp.id(3, i), 'vehicles/' || pg_temp.id(3, i) || '/' || pg_temp.id(5, i) || '.jpg', 'image/jpeg', 200000,
    now(), now(), now(), 1600, 1200
FROM generate_series(1, {cars}) i;

-- Every fifth car is open from 6 to 23
INSERT INTO vehicle.availabilities (id, vehicle_id, day_of_week, start_minute, end_minute, is_blocked, created_at)
SELECT pg_temp.id(6, i * 7 + day), pg_temp.id(3, i), day, 360, 1380, false, now()
FROM generate_series(5, {cars}, 5) i, generate_series(0, 6) day;

-- Size of the data
CREATE TABLE bench_data AS
SELECT {cars}::bigint AS cars, {bookings}::bigint AS bookings,
    (date_trunc('day', now() AT TIME ZONE 'Asia/Seoul') + interval '2 days') AT TIME ZONE 'Asia/Seoul' AS first_day;

-- Bookings of four hours, in rounds: each car once in {between} days
CREATE TEMPORARY TABLE loaded AS
SELECT pg_temp.id(4, i) AS id, pg_temp.id(3, 1 + i % {cars}) AS car, pg_temp.id(2, 1 + i * 7 % {cars}) AS guest,
    pg_temp.id(1, 1 + (1 + i % {cars}) % ({cars} / 10)) AS host,
    first_day + make_interval(days => (i / {cars} * {between} + i % {between})::integer, hours => (6 + i % 4 * 4)::integer) AS starts_at
FROM bench_data, generate_series(0::bigint, {bookings} - 1) i;

-- Their cars
INSERT INTO vehicle.occupancies (ref_id, vehicle_id, period, kind, created_at)
SELECT id, car, tstzrange(starts_at, starts_at + interval '4 hours'), 'booking', now() FROM loaded;

-- Their rows
INSERT INTO booking.bookings (id, version, vehicle_id, guest_id, host_id, starts_at, ends_at, hourly_rate_krw, total_krw,
    platform_fee_krw, refund_full_until_s, refund_part_until_s, refund_part_bps, vehicle_snapshot, status, payment_status,
    respond_by, payment_due_at, confirmed_at, created_at, updated_at)
SELECT id, 3, car, guest, host, starts_at, starts_at + interval '4 hours', 15000, 60000, 9000, 86400, 3600, 5000, '\x{snapshot}',
    'approved', 'paid', now(), now(), now(), now(), now()
FROM loaded;

-- Their history
INSERT INTO booking.status_history (booking_id, version, to_status, payment_status, actor, actor_id, changed_at)
SELECT id, 1, 'pending', 'none', 'guest', guest, now() FROM loaded;

-- Numbers of their events
INSERT INTO booking.event_sequences (key, last_seq) SELECT id, 3 FROM loaded;

VACUUM ANALYZE;

CHECKPOINT;
