"""Model adapters against servers and processes of their own."""
