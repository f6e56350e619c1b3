-- Whether bookings of the car are approved at once, without an answer of the host.
ALTER TABLE vehicles ADD COLUMN instant_book boolean NOT NULL DEFAULT false;
