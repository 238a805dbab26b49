-- Every other row of the user goes with this one.
DELETE FROM chatcore.app_user
 WHERE owner = %(owner)s
