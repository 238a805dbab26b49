"""Benchmarks anybody can repeat with one command: this server, the usual stack, and calls straight to the model."""
