"""The schema's migrations: `NNNN.name.sql` with its `NNNN.name.rollback.sql`, applied in the order of their names."""
