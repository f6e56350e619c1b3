-- Rates of dates and discounts for long rentals, as domain/pricing.rs writes them; null = none. The previous release neither reads nor
-- writes it.
ALTER TABLE vehicles ADD COLUMN pricing jsonb;
