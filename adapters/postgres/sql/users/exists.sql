SELECT
  FROM chatcore.app_user
 WHERE owner = %(owner)s
