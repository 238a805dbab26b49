-- Every table of the schema, and what it lacks to keep its rows apart. A policy that does not ask for the
-- identity lets everybody's rows through, unless it lets no row through.
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       c.relrowsecurity AS enabled,
       c.relforcerowsecurity AS forced,
       EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid) AS policed,
       (SELECT array_agg(p.polname::text ORDER BY p.polname)
          FROM pg_policy AS p
         WHERE p.polrelid = c.oid
           AND p.polpermissive
           AND (coalesce(pg_get_expr(p.polqual, c.oid), 'chatcore.owner') !~ 'chatcore\.owner'
                OR coalesce(pg_get_expr(p.polwithcheck, c.oid), 'chatcore.owner') !~ 'chatcore\.owner|^false$')) AS open_policies,
       EXISTS (SELECT FROM aclexplode(c.relacl) AS acl WHERE acl.grantee = 0) AS public
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = 'chatcore'
   AND c.relkind IN ('r', 'p')
 ORDER BY c.relname
