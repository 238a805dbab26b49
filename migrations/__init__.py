"""The schema's migrations: `NNNN.name.sql` with its `NNNN.name.rollback.sql`, in the order of their names.

Names are written in full, schema included. Each file is one transaction. One that cannot be, for an index
that is built concurrently, begins with `-- transactional: false` and must bear to be begun again: drop what
an attempt that was killed has left, then create. The version before goes on running on the new schema: add
now, remove in a later release.
"""
