SELECT id, title, created_at, updated_at
  FROM chatcore.list_conversations($1, $2, $3)
 ORDER BY id DESC
