SELECT place, id, turn_id, role, content, created_at
  FROM chatcore.list_messages($1, $2, $3, $4, $5)
 ORDER BY place DESC
