SELECT conversation_id, position, id, role, content, created_at
  FROM chatcore.message
 WHERE owner = %(owner)s
   AND (conversation_id, position) > (%(conversation_id)s, %(position)s)
 ORDER BY conversation_id, position
 LIMIT %(page)s
