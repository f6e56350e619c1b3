-- Reviews of completed bookings by their sides.
CREATE TABLE reviews (
    id             uuid PRIMARY KEY,
    booking_id     uuid NOT NULL REFERENCES bookings (id),
    -- Side that wrote it.
    author         text NOT NULL CHECK (author IN ('guest', 'host')),
    -- Copies of the booking's, for the lists.
    vehicle_id     uuid NOT NULL,
    reviewer_id    uuid NOT NULL,
    reviewee_id    uuid NOT NULL,
    rating         integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
    cleanliness    integer CHECK (cleanliness BETWEEN 1 AND 5),
    punctuality    integer CHECK (punctuality BETWEEN 1 AND 5),
    manners        integer CHECK (manners BETWEEN 1 AND 5),
    is_recommended boolean NOT NULL,
    comment        text,
    created_at     timestamptz NOT NULL,
    -- From then on others than the author see it. Moved forward when the other side writes.
    visible_at     timestamptz NOT NULL,
    -- When `review.posted` was published.
    posted_at      timestamptz,
    reply          text,
    replied_at     timestamptz,
    -- By the reviewee.
    report_reason  text CHECK (report_reason IN ('offensive', 'false', 'personal_data', 'spam', 'other')),
    report_details text,
    reported_at    timestamptz,
    -- Time of the last decision of an admin.
    moderated_at   timestamptz,
    -- Set while that decision is to hide it.
    hidden_at      timestamptz,

    CONSTRAINT reviews_one_per_side UNIQUE (booking_id, reviewer_id),
    CONSTRAINT reviews_two_sides CHECK (reviewer_id <> reviewee_id),
    CONSTRAINT reviews_visible_after_creation CHECK (visible_at >= created_at),
    CONSTRAINT reviews_posted_when_visible CHECK (posted_at >= visible_at),
    CONSTRAINT reviews_reply_has_a_time CHECK (reply IS NULL OR replied_at IS NOT NULL),
    CONSTRAINT reviews_report_is_whole
        CHECK ((reported_at IS NULL) = (report_reason IS NULL) AND (report_details IS NULL OR reported_at IS NOT NULL)),
    CONSTRAINT reviews_hidden_by_a_decision CHECK (hidden_at IS NULL OR moderated_at IS NOT NULL)
);

-- Lists, last written first: of a car, about a user, by a user.
CREATE INDEX reviews_of_vehicle ON reviews (vehicle_id, created_at DESC, id DESC) WHERE author = 'guest';
CREATE INDEX reviews_received ON reviews (reviewee_id, created_at DESC, id DESC);
CREATE INDEX reviews_written ON reviews (reviewer_id, created_at DESC, id DESC);
-- Reported ones, and those of them without a decision since.
CREATE INDEX reviews_reported ON reviews (reported_at, id) WHERE reported_at IS NOT NULL;
CREATE INDEX reviews_to_moderate ON reviews (reported_at, id)
    WHERE reported_at IS NOT NULL AND (moderated_at IS NULL OR moderated_at < reported_at);
-- Those to post when they become visible.
CREATE INDEX reviews_to_post ON reviews (visible_at, id) WHERE posted_at IS NULL AND hidden_at IS NULL;

-- Decisions of admins about reviews. Rows are only added.
CREATE TABLE review_moderations (
    id         uuid PRIMARY KEY,
    review_id  uuid NOT NULL REFERENCES reviews (id),
    decision   text NOT NULL CHECK (decision IN ('keep', 'hide')),
    reason     text NOT NULL,
    admin_id   uuid NOT NULL,
    decided_at timestamptz NOT NULL
);
CREATE INDEX review_moderations_of_review ON review_moderations (review_id, id);
