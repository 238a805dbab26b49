"""The ports: what the domain asks of the world, each a Protocol that its adapters inherit by name."""
