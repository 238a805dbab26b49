"""The pieces that the container is made of: with it the only place that knows adapters."""
