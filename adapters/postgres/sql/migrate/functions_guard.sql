-- A new function may be called by everybody until somebody says otherwise.
DO $$
BEGIN
    IF to_regnamespace('chatcore') IS NOT NULL THEN
        REVOKE ALL ON ALL ROUTINES IN SCHEMA chatcore FROM PUBLIC;
    END IF;
END
$$
