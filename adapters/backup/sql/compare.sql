-- Before anything hides rows again: are they all there?
DO $$
DECLARE
    expected JSONB := :'rows';
    name TEXT;
    found BIGINT;
BEGIN
    FOR name IN SELECT jsonb_object_keys(expected)
    LOOP
        EXECUTE format('SELECT count(*) FROM %s', name::regclass) INTO found;
        IF found <> (expected ->> name)::bigint THEN
            RAISE EXCEPTION '% has % rows and should have %', name, found, expected ->> name;
        END IF;
    END LOOP;
END
$$;
