"""The HTTP door: Litestar routes that decode, ask the domain, and encode."""

from entrypoints.http.app import create_app

__all__ = ["create_app"]
