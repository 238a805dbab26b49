"""Reads a JSON Web Key Set (RFC 7517): which of its keys may verify tokens, and for which algorithm; pure."""

from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import (
    Algorithm,
    AllowedPublicKeys,
    ECAlgorithm,
    OKPAlgorithm,
    RSAAlgorithm,
)
from jwt.exceptions import PyJWTError

ALGORITHMS = ("EdDSA", "ES256", "RS256")
"""What is believed: asymmetric algorithms only, so that no public key is ever taken for a secret."""

MOST_KEYS = 100
_RSA_BITS = range(2_048, 8_193)


class UnusableKeySet(Exception):
    """What was fetched is no key set, or holds no key that may verify tokens."""


class _Jwk(msgspec.Struct, frozen=True, omit_defaults=True):
    """The public members of a key; a private one that was published by mistake is not even read."""

    kty: str
    kid: str | None = None
    alg: str | None = None
    use: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by their id and the one algorithm that each is for."""

    keys: dict[tuple[str | None, str], AllowedPublicKeys] = field(repr=False)

    def find(self, kid: str | None, algorithm: str) -> AllowedPublicKeys | None:
        """Return the key for a token, or None. A token without `kid` finds the only key of its algorithm."""
        if kid is not None:
            return self.keys.get((kid, algorithm))
        fitting = [key for (_, of), key in self.keys.items() if of == algorithm]
        return fitting[0] if len(fitting) == 1 else None


_decoder = msgspec.json.Decoder(_Jwks)
_jwk_decoder = msgspec.json.Decoder(_Jwk)
_KINDS: MappingProxyType[tuple[str, str | None], tuple[str, Algorithm]] = MappingProxyType(
    {
        ("OKP", "Ed25519"): ("EdDSA", OKPAlgorithm()),
        ("EC", "P-256"): ("ES256", ECAlgorithm(ECAlgorithm.SHA256)),
        ("RSA", None): ("RS256", RSAAlgorithm(RSAAlgorithm.SHA256)),
    }
)


def parsed_key_set(body: bytes) -> KeySet:
    """Return the usable keys of a key set; others, of whatever kind or state, are passed over.

    Raises:
        UnusableKeySet: the body is no key set, or has no usable key.
    """
    try:
        raw = _decoder.decode(body).keys
    except (ValueError, RecursionError):
        raise UnusableKeySet("the answer is no JSON Web Key Set") from None
    keys: dict[tuple[str | None, str], AllowedPublicKeys] = {}
    for member in raw[:MOST_KEYS]:
        if (usable := _usable(member)) is not None:
            kid, algorithm, key = usable
            keys.setdefault((kid, algorithm), key)
    if not keys:
        raise UnusableKeySet(f"the key set has no key for {', '.join(ALGORITHMS)}")
    return KeySet(keys)


def _usable(member: msgspec.Raw) -> tuple[str | None, str, AllowedPublicKeys] | None:
    try:
        jwk = _jwk_decoder.decode(member)
        algorithm, loader = _KINDS[jwk.kty, jwk.crv]
        key = loader.from_jwk(msgspec.to_builtins(jwk))
    except (PyJWTError, ValueError, TypeError, KeyError, RecursionError):
        return None
    meant = jwk.use in {None, "sig"} and jwk.alg in {None, algorithm}
    sane = not isinstance(key, RSAPublicKey) or key.key_size in _RSA_BITS
    return (jwk.kid, algorithm, key) if meant and sane else None
