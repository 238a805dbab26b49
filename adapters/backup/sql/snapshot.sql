BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot(), current_user, rolsuper OR rolbypassrls, current_setting('server_version'),
       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_regnamespace('chatcore') IS NOT NULL
  FROM pg_roles
 WHERE rolname = current_user
