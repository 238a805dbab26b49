SELECT anything, more FROM chatcore.erase_user($1, $2)
