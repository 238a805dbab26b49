-- The least id that an entry can have which is younger than that: ids begin with milliseconds (RFC 9562, UUIDv7).
CREATE OR REPLACE FUNCTION chatcore.oldest_audit_id(in_age interval) RETURNS uuid
LANGUAGE sql STABLE
AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp() - in_age) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
$$;
