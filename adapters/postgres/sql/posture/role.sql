-- Who we are, and everybody we could become: a role that may SET ROLE to another has its powers. A superuser
-- could become anybody, which needs no list.
SELECT r.rolname AS name,
       r.rolname = current_user AS ourselves,
       r.rolsuper AS superuser,
       r.rolbypassrls AS bypassing,
       r.rolcreaterole AND current_setting('server_version_num')::int < 160000 AS granting,
       r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') AS outside,
       EXISTS (SELECT
                 FROM pg_class AS c
                WHERE c.relowner = r.oid
                  AND c.relnamespace = to_regnamespace('chatcore')
                  AND c.relkind IN ('r', 'p')) AS owning
  FROM pg_roles AS r
 WHERE r.rolname = current_user
    OR (pg_has_role(current_user, r.oid, 'MEMBER')
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
 ORDER BY ourselves DESC, r.rolname
