-- Lists are of a guest or a host: no query reads all bookings, newest first, any more.
DROP INDEX bookings_newest;
