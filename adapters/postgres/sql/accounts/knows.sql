SELECT chatcore.knows_user($1)
