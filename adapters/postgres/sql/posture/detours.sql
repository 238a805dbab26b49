-- What acts with its owner's powers instead of the caller's, or is open to everybody: the SQL that ends it.
SELECT format('%s acts with the powers of its owner', p.oid::regprocedure) AS what,
       format('ALTER ROUTINE %s SECURITY INVOKER;', p.oid::regprocedure) AS mend
  FROM pg_proc AS p
 WHERE p.pronamespace = to_regnamespace('chatcore')
   AND p.prosecdef
UNION ALL
SELECT format('everybody may call %s', p.oid::regprocedure),
       format('REVOKE ALL ON ROUTINE %s FROM PUBLIC;', p.oid::regprocedure)
  FROM pg_proc AS p
 WHERE p.pronamespace = to_regnamespace('chatcore')
   AND EXISTS (SELECT
                 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
                WHERE acl.grantee = 0)
UNION ALL
SELECT format('view %s reads with the powers of its owner', c.oid::regclass),
       CASE c.relkind
           WHEN 'v' THEN format('ALTER VIEW %s SET (security_invoker = true);', c.oid::regclass)
           ELSE format('DROP MATERIALIZED VIEW %s;', c.oid::regclass)
       END
  FROM pg_class AS c
 WHERE c.relnamespace = to_regnamespace('chatcore')
   AND c.relkind IN ('v', 'm')
   AND NOT coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)', false)
UNION ALL
SELECT format('everybody may use schema %I', n.nspname),
       format('REVOKE ALL ON SCHEMA %I FROM PUBLIC;', n.nspname)
  FROM pg_namespace AS n
 WHERE n.nspname IN ('chatcore', 'chatcore_migration')
   AND EXISTS (SELECT FROM aclexplode(n.nspacl) AS acl WHERE acl.grantee = 0)
 ORDER BY 1
