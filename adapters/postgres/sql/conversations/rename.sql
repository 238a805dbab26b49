SELECT id, title, created_at, updated_at
  FROM chatcore.rename_conversation($1, $2, $3)
