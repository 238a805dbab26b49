SELECT chatcore.add_api_key($1, $2, $3, $4, $5, $6, $7)
