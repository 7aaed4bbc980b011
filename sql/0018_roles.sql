-- What roles may not do themselves. The roles and their rights on tables come from brain/roles.py, after every migration.

-- Only a table's owner can add a partition to it; this makes the one of a UTC day, and nothing else.
CREATE FUNCTION make_liquidations_day(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7316002);         -- two writers at a day's beginning
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF liquidations FOR VALUES FROM (%L) TO (%L)',
        'liquidations_' || to_char(day, 'YYYYMMDD'), day::timestamptz, (day + 1)::timestamptz
    );
END
$$;
REVOKE EXECUTE ON FUNCTION make_liquidations_day(date) FROM PUBLIC;
