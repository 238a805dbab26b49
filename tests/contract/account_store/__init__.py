"""The contract of every account store."""
