-- Lines of the price, and the refund policy, as domain/price.rs and domain/policy.rs write them. NULL in bookings of the releases before:
-- their price is hours times the rate, and their policy that of the columns refund_*. This release fills those too, as close as they can
-- be in favour of the guest, because the previous release reads them.
ALTER TABLE bookings ADD COLUMN price_lines jsonb, ADD COLUMN policy jsonb;

-- Refund policies for new bookings, of the platform (host_id is nil) and of hosts. The newest version of each counts. Rows are only added.
CREATE TABLE cancellation_policies (
    host_id    uuid NOT NULL,
    version    integer NOT NULL CHECK (version > 0),
    -- [{"before_start_s": …, "refund_bps": …}], earliest first. Empty: the host has the policy of the platform.
    steps      jsonb NOT NULL CHECK (jsonb_typeof(steps) = 'array' AND jsonb_array_length(steps) <= 5),
    created_at timestamptz NOT NULL,

    PRIMARY KEY (host_id, version)
);

-- Version 1: bookings made until now. Version 2: 소비자분쟁해결기준 (rental cars), 10 % are kept of a cancellation within 24 hours.
INSERT INTO cancellation_policies (host_id, version, steps, created_at) VALUES
    ('00000000-0000-0000-0000-000000000000', 1,
     '[{"before_start_s": 86400, "refund_bps": 10000}, {"before_start_s": 10800, "refund_bps": 5000}]', now()),
    ('00000000-0000-0000-0000-000000000000', 2,
     '[{"before_start_s": 86400, "refund_bps": 10000}, {"before_start_s": 0, "refund_bps": 9000}]', now());

-- Returns the policy of new bookings of a host: their own, or the platform's.
CREATE FUNCTION current_cancellation_policy(host uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT CASE WHEN own.steps <> '[]' THEN
                    jsonb_build_object('version', own.version, 'is_host_policy', true, 'steps', own.steps) END
         FROM cancellation_policies own WHERE own.host_id = host ORDER BY own.version DESC LIMIT 1),
        (SELECT jsonb_build_object('version', platform.version, 'is_host_policy', false, 'steps', platform.steps)
         FROM cancellation_policies platform WHERE platform.host_id = '00000000-0000-0000-0000-000000000000'
         ORDER BY platform.version DESC LIMIT 1))
$$;

-- Returns the columns refund_* of a policy, for the previous release: everything until its last full step, then the largest part until its
-- last step.
CREATE FUNCTION refund_columns(policy jsonb) RETURNS TABLE (full_until_s integer, part_until_s integer, part_bps integer)
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(min(step.before_start_s) FILTER (WHERE step.refund_bps = 10000), max(step.before_start_s) + 1),
           min(step.before_start_s),
           coalesce(max(step.refund_bps) FILTER (WHERE step.refund_bps < 10000), 0)
    FROM jsonb_to_recordset(policy -> 'steps') AS step (before_start_s integer, refund_bps integer)
$$;
