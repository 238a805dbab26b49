"""Takes the one bearer token out of a request's credentials, before anything of it is parsed."""

import re

from chatcore.errors import Unauthenticated
from chatcore.ports.authenticator import Credentials

LONGEST_TOKEN = 8_192
"""The longest token that is looked at, in characters; real ones have a few hundred."""

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/%-]+=*)", re.IGNORECASE | re.ASCII)


def bearer_token(credentials: Credentials) -> str | None:
    """Return the token of `Authorization: Bearer`, or None where no Authorization header was sent.

    The characters are those of RFC 6750, section 2.1, and `%`, as Better Auth hands out its tokens
    percent-encoded. Two headers are refused: two readers of one request must not see two callers in it.

    Raises:
        Unauthenticated: there are several headers, another scheme, or no token of a sane length.
    """
    if not credentials.authorization:
        return None
    if len(credentials.authorization) > 1:
        raise Unauthenticated("send one Authorization header")
    header = credentials.authorization[0]
    match = _BEARER.fullmatch(header) if len(header) <= LONGEST_TOKEN else None
    if match is None:
        raise Unauthenticated("send one bearer token")
    return match[1]


def required_bearer_token(credentials: Credentials) -> str:
    """Return the request's bearer token.

    Raises:
        Unauthenticated: there is none, or what is sent in its place cannot be one.
    """
    token = bearer_token(credentials)
    if token is None:
        raise Unauthenticated("send a bearer token")
    return token
