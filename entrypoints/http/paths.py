"""What paths are made of."""

from uuid import UUID

from litestar import HttpMethod

READ = (HttpMethod.GET, HttpMethod.HEAD)
"""Whatever can be read can be asked about (RFC 9110, section 9.3.2)."""


def id_of(text: str) -> UUID | None:
    """Return the id that a path names; None where it can be nobody's, so that nothing is there."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
