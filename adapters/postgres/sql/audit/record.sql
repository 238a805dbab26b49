SELECT chatcore.record_audit($1)
