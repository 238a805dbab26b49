SELECT id, title, created_at, updated_at
  FROM chatcore.find_conversation($1, $2)
