"""Stores that keep everything in this process's memory, for tests and demos that need no database."""
