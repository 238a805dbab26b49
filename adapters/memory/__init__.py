"""The stores in memory: for tests of the domain, and for trying things out; nothing outlives the process."""
