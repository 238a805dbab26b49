SELECT chatcore.list_audited(%(age)s)
