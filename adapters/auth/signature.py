"""Opens a JSON Web Signature in compact form (RFC 7515) with one key and one algorithm."""

import re
from base64 import urlsafe_b64decode
from functools import lru_cache

import msgspec
from jwt import PyJWS
from jwt.algorithms import AllowedPublicKeys
from jwt.exceptions import PyJWTError

from chatcore.errors import Unauthenticated

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class Header(msgspec.Struct, frozen=True):
    """What is read of a token's header: keys that it carries or points to (`jwk`, `jku`, `x5u`) are not."""

    alg: str
    kid: str | None = None
    crit: object = msgspec.UNSET


_decoder = msgspec.json.Decoder(Header)


def header_of(token: str) -> Header:
    """Return a token's header, which nobody vouches for yet.

    Raises:
        Unauthenticated: it is no token in compact form, or demands an extension (`crit`): none is known here.
    """
    if not _COMPACT.fullmatch(token):
        raise Unauthenticated("the token is malformed")
    return _decoded_header(token[: token.index(".")])


@lru_cache(maxsize=64)
def _decoded_header(segment: str) -> Header:
    try:
        header = _decoder.decode(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        raise Unauthenticated("the token's header is not valid") from None
    if header.crit is not msgspec.UNSET:
        raise Unauthenticated("the token demands an extension")
    return header


class SignatureCheck:
    """Checks signatures of some algorithms; whatever a token's header says, it can choose no other."""

    def __init__(self, algorithms: tuple[str, ...]) -> None:
        """Take the names of RFC 7518 and RFC 8037 that are allowed."""
        self._jws = PyJWS(algorithms=algorithms)

    def payload(self, token: str, key: AllowedPublicKeys | bytes, algorithm: str) -> bytes:
        """Return what a token says, once its signature is found to be made with `key` by `algorithm`.

        Raises:
            Unauthenticated: it is no token, or its signature is not made with that key by that algorithm.
        """
        if header_of(token).alg != algorithm:
            raise Unauthenticated("the token is signed by another algorithm")
        try:
            opened = self._jws.decode_complete(token, key, algorithms=[algorithm])
        except (PyJWTError, ValueError, TypeError, RecursionError):
            raise Unauthenticated("the token's signature is not valid") from None
        return bytes(opened["payload"])
