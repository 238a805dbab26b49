-- Only the owner is shown whose entries there are; anybody else would find nothing, and believe that it is so.
SELECT pg_has_role(relowner, 'USAGE')
  FROM pg_class
 WHERE oid = 'chatcore.audit_log'::regclass
