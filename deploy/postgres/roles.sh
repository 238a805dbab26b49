#!/bin/sh
# Makes the database with its two roles, once: an owner who migrates, and a bare one who serves.
set -eu
psql --set=ON_ERROR_STOP=1 --set=owner="$DATABASE_OWNER_PASSWORD" --set=app="$DATABASE_APP_PASSWORD" \
    --username="${POSTGRES_USER:-postgres}" --dbname="${POSTGRES_DB:-postgres}" <<'SQL'
CREATE ROLE chatcore_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'owner';
CREATE ROLE chatcore_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'app';
CREATE DATABASE chatcore OWNER chatcore_owner;
REVOKE ALL ON DATABASE chatcore FROM PUBLIC;
GRANT CONNECT ON DATABASE chatcore TO chatcore_app;
SQL
