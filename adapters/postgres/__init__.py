"""PostgreSQL: the stores, the schema they need, and the rights to it."""
