SELECT id, at, method, action, status, request_id, resource, problem, address
  FROM chatcore.read_audit($1, $2, $3)
 ORDER BY id DESC
