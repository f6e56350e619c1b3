-- Won that a coupon of the platform has taken off the amount, and that the platform bears out of its fee. The release before inserts without it.
-- squawk-ignore ban-new-write-restriction
ALTER TABLE payments ADD COLUMN platform_discount_krw bigint NOT NULL DEFAULT 0;
