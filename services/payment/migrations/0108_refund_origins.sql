-- Apart from the migration that adds it, so that the table is read without a lock that keeps writers out.
ALTER TABLE refunds VALIDATE CONSTRAINT refunds_origin;
