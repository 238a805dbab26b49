SELECT chatcore.prune_audit(%(owner)s, %(age)s, %(most)s)
