-- Posted reviews by guests, by which a repeated event counts once.
CREATE TABLE vehicle_reviews (
    review_id  uuid PRIMARY KEY,
    vehicle_id uuid NOT NULL,
    rating     integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
    -- False while an admin hides the review.
    is_shown   boolean NOT NULL
);

-- Sum and number of the ratings of a car in the reviews that are shown.
CREATE TABLE vehicle_ratings (
    vehicle_id   uuid PRIMARY KEY,
    rating_sum   bigint NOT NULL,
    review_count bigint NOT NULL CHECK (review_count >= 0),
    CONSTRAINT vehicle_ratings_between_1_and_5 CHECK (rating_sum BETWEEN review_count AND 5 * review_count)
);

-- Stores whether a review is shown, and counts it or not. Events of a review are handled one after the other.
CREATE FUNCTION count_review(review uuid, car uuid, stars integer, shown boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    step integer;
BEGIN
    step := shown::integer - coalesce((SELECT is_shown::integer FROM vehicle_reviews WHERE review_id = review), 0);
    INSERT INTO vehicle_reviews (review_id, vehicle_id, rating, is_shown) VALUES (review, car, stars, shown)
        ON CONFLICT (review_id) DO UPDATE SET is_shown = excluded.is_shown;
    IF step = 0 THEN
        RETURN;
    END IF;
    INSERT INTO vehicle_ratings (vehicle_id, rating_sum, review_count) VALUES (car, 0, 0) ON CONFLICT DO NOTHING;
    UPDATE vehicle_ratings SET rating_sum = rating_sum + step * stars, review_count = review_count + step
        WHERE vehicle_id = car;
END $$;
