-- Whether bookings of the car are approved at once, without an answer of the host. The previous release does not write the column, which has a
-- default.
-- squawk-ignore ban-new-write-restriction
ALTER TABLE vehicles ADD COLUMN instant_book boolean NOT NULL DEFAULT false;
