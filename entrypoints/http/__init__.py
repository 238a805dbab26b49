"""The HTTP door: Litestar routes that decode, ask the domain, and encode."""
