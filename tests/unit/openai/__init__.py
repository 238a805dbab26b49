"""The pure core of the adapter to OpenAI-compatible providers."""
