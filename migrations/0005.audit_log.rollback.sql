DROP TABLE chatcore.audit_log;
