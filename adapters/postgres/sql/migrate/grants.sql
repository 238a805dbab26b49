-- Exactly what serving needs. What is deleted with its parent needs no right: a cascade acts for the owner.
REVOKE ALL ON SCHEMA chatcore FROM {role};
REVOKE ALL ON ALL TABLES IN SCHEMA chatcore FROM {role};
REVOKE ALL ON ALL ROUTINES IN SCHEMA chatcore FROM {role};

GRANT USAGE ON SCHEMA chatcore TO {role};
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA chatcore TO {role};
GRANT SELECT, INSERT, DELETE ON chatcore.app_user TO {role};
GRANT SELECT, INSERT, DELETE, UPDATE (title, updated_at) ON chatcore.conversation TO {role};
GRANT SELECT, INSERT,
      UPDATE (status, attempt, active, answered, lease_token, lease_until, cancel_wished, model,
              input_tokens, output_tokens, estimated, failure_code, failure_retryable, ended_at, budget_day)
   ON chatcore.turn TO {role};
GRANT SELECT, INSERT ON chatcore.message TO {role};
GRANT SELECT, INSERT, DELETE ON chatcore.turn_chunk TO {role};
GRANT SELECT, INSERT ON chatcore.model_call TO {role};
GRANT SELECT, INSERT, DELETE, UPDATE (whole_at) ON chatcore.rate_bucket TO {role};
GRANT SELECT, INSERT, DELETE, UPDATE (reserved, spent) ON chatcore.token_day TO {role};
GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON chatcore.api_key TO {role};
GRANT SELECT, INSERT ON chatcore.audit_log TO {role};

-- So that the server can say whether the schema is the one it needs.
GRANT USAGE ON SCHEMA chatcore_migration TO {role};
GRANT SELECT ON chatcore_migration._yoyo_migration, chatcore_migration.file, chatcore_migration.functions TO {role};
