-- Place of a photo in the order of the host; photos that were added after it was set follow in the order of upload.
ALTER TABLE vehicle_images ADD COLUMN position integer;
DROP INDEX vehicle_images_vehicle;
CREATE INDEX vehicle_images_vehicle ON vehicle_images (vehicle_id, position, id);
