"""The embedded PostgreSQL, started, killed and started again."""
