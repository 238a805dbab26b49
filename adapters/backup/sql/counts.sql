-- How many rows each table has: psql runs what this selects.
SELECT format('SELECT %L, count(*) FROM %I.%I', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('chatcore', 'chatcore_migration')
   AND c.relkind = 'r'
 ORDER BY n.nspname, c.relname
\gexec
