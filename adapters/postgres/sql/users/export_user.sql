SELECT created_at
  FROM chatcore.app_user
 WHERE owner = %(owner)s
