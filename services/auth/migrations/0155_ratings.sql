-- Sum and number of the ratings of a user in the reviews that are shown. The previous release writes neither column, so that its
-- accounts get the default.
-- squawk-ignore ban-new-write-restriction
ALTER TABLE users ADD COLUMN rating_sum bigint NOT NULL DEFAULT 0;
-- squawk-ignore ban-new-write-restriction
ALTER TABLE users ADD COLUMN review_count bigint NOT NULL DEFAULT 0;

-- Posted reviews about users, by which a repeated event counts once.
CREATE TABLE user_reviews (
    review_id uuid PRIMARY KEY,
    user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rating    integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
    -- False while an admin hides the review.
    is_shown  boolean NOT NULL
);
CREATE INDEX user_reviews_of_user ON user_reviews (user_id);
