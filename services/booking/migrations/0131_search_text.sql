-- What ListBookings searches for a query: car and messages in lower case. NULL in rows of the previous release, which are searched by their
-- messages. No index: a search reads the bookings of one user by the index of their list.
ALTER TABLE bookings ADD COLUMN search_text text;
