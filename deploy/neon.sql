-- The role that serves, with nothing but a login; run by neon.sh. Made by SQL it is bare, while one that is made in
-- Neon's console has BYPASSRLS and is refused by `chatcore serve`. What it may do, `chatcore migrate up` grants.
\getenv role CHATCORE_APP_ROLE
\getenv password CHATCORE_APP_PASSWORD

SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', :'password')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role')
UNION ALL
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'role', :'password')
 WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = :'role')
UNION ALL
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role')
\gexec
