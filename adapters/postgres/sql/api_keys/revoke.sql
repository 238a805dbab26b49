SELECT chatcore.revoke_api_key($1, $2, $3)
