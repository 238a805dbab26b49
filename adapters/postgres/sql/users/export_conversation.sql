SELECT id, title, created_at, updated_at
  FROM chatcore.conversation
 WHERE owner = %(owner)s
   AND id > %(id)s
 ORDER BY id
 LIMIT %(page)s
