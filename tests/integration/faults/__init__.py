"""What chatcore does when PostgreSQL, or the way to it, misbehaves."""
