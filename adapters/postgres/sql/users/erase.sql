SELECT chatcore.erase_user(%(owner)s)
