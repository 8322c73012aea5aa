-- A UUIDv7 (RFC 9562, 5.7): milliseconds since 1970 in the first 48 bits, then chance. For statements that make many rows at once;
-- single ids are made by the server, which is faster.
create function time_ordered_id(at timestamptz) returns uuid language sql volatile parallel safe as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;
