"""What the claims of a token have to say before its subject is believed (RFC 7519, RFC 8725); pure."""

from dataclasses import dataclass

import msgspec

from chatcore.errors import InvalidRequest, Unauthenticated
from chatcore.principal import Principal

LEEWAY = 10
"""How far the issuer's clock may be ahead of ours, in seconds. An expired token gets none of it."""


class Claims(msgspec.Struct, frozen=True):
    """The claims that are judged; whatever else a token says is not read."""

    sub: str
    iat: int | float
    exp: int | float
    nbf: int | float | None = None
    iss: str | None = None
    aud: str | list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Whose tokens, and for whom, are believed.

    `issuer` None: any. `audiences` None: any; empty: a token must not name one, as RFC 7519, section 4.1.3,
    has it for a recipient without a name; otherwise it must name one of them.
    """

    issuer: str | None
    audiences: frozenset[str] | None


_decoder = msgspec.json.Decoder(Claims)


def principal_of(payload: bytes, expected: Expectation, method: str, now: float) -> tuple[Principal, float]:
    """Return whom the payload of a token with a good signature is from, and when that ends, in Unix seconds.

    Raises:
        Unauthenticated: a claim is missing, of the wrong type, or does not fit.
    """
    try:
        claims = _decoder.decode(payload)
    except (ValueError, RecursionError):
        raise Unauthenticated("the token's claims are not valid") from None
    _check(claims, expected, now)
    try:
        return Principal(user_id=claims.sub, method=method), float(claims.exp)
    except (InvalidRequest, OverflowError):
        raise Unauthenticated("the token's claims are not valid") from None


def _check(claims: Claims, expected: Expectation, now: float) -> None:
    if claims.exp <= now:
        raise Unauthenticated("the token has expired")
    if claims.iat > now + LEEWAY or (claims.nbf is not None and claims.nbf > now + LEEWAY):
        raise Unauthenticated("the token is not valid yet")
    if expected.issuer is not None and claims.iss != expected.issuer:
        raise Unauthenticated("the token is from another issuer")
    if not _audience_fits(claims.aud, expected.audiences):
        raise Unauthenticated("the token is for another audience")


def _audience_fits(aud: str | list[str] | None, audiences: frozenset[str] | None) -> bool:
    if audiences is None:
        return True
    named = {aud} if isinstance(aud, str) else set(aud or ())
    return not audiences.isdisjoint(named) if audiences else not named
