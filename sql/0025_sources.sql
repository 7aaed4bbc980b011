-- Tables of facts for sources that declare their columns themselves: no migration per source.

-- Only an owner makes tables; this makes the two of one source, with the rights that open interest has, and nothing else. A source
-- whose tables hold other columns is refused: rows of two shapes are two sources.
CREATE FUNCTION make_source_tables(source text, columns text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    main  text := 'source_' || source;
    known text[];
    given record;
BEGIN
    IF source !~ '^[a-z][a-z0-9_]{0,39}$' OR source ~ '_history$' OR coalesce(array_length(columns, 1), 0) = 0
        OR EXISTS (SELECT FROM unnest(columns) AS c WHERE c IS NULL OR c !~ '^[a-z][a-z0-9_]{0,39}$'
                   OR c IN ('series_id', 'version', 'ts', 'known_at', 'recorded_at', 'symbol', 'ts_ms', 'known_at_ms',
                            'successor_known_at', 'successor_recorded_at')) THEN
        RAISE EXCEPTION 'source: expected names of small letters, digits and _, got % (%)', source, array_to_string(columns, ', ')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass(format('public.%I', main)) IS NULL THEN
        PERFORM pg_advisory_xact_lock(7316003);     -- two first writers
    END IF;
    IF to_regclass(format('public.%I', main)) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE %I (series_id integer NOT NULL, version integer NOT NULL, ts timestamptz NOT NULL, '
            'known_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL, %s, PRIMARY KEY (series_id, ts))', main,
            (SELECT string_agg(format('%I double precision NOT NULL', c), ', ' ORDER BY n)
               FROM unnest(columns) WITH ORDINALITY AS wanted (c, n))
        );
        EXECUTE format(
            'CREATE TABLE %I (LIKE %I, successor_known_at timestamptz NOT NULL, successor_recorded_at timestamptz NOT NULL, '
            'PRIMARY KEY (series_id, ts, version))', main || '_history', main
        );
        FOR given IN
            SELECT main || replace(relname, 'open_interest', '') AS made, privilege_type AS verb, pg_get_userbyid(grantee) AS grantee
              FROM pg_class, aclexplode(relacl)
             WHERE relnamespace = 'public'::regnamespace AND relname IN ('open_interest', 'open_interest_history')
               AND grantee <> relowner AND grantee <> 0
        LOOP
            EXECUTE format('GRANT %s ON %I TO %I', given.verb, given.made, given.grantee);
        END LOOP;
    END IF;
    SELECT array_agg(attname::text ORDER BY attnum) INTO known FROM pg_attribute
     WHERE attrelid = format('public.%I', main)::regclass AND attnum > 5 AND NOT attisdropped;
    IF known <> columns THEN
        RAISE EXCEPTION 'source %: expected the columns of its tables (%), got %; rows of another shape need another name',
            source, array_to_string(known, ', '), array_to_string(columns, ', ') USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION make_source_tables(text, text[]) FROM PUBLIC;
