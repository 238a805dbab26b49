"""Makes tokens, good ones and any bytes with a good signature, from nothing but the RFCs."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ISSUER = "https://issuer.example"
AUDIENCE = "https://chat.example"
SECRET = "a secret of this installation, 32 bytes or more"


def encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def hmac_signer(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signing_input: hmac.digest(secret, signing_input, hashlib.sha256)


def assembled(header: bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    signing_input = f"{encoded(header)}.{encoded(payload)}"
    return f"{signing_input}.{encoded(sign(signing_input.encode()))}"


@dataclass(frozen=True, kw_only=True)
class Mint:
    """Somebody who can sign, and the public forms of the key, if it has any."""

    alg: str
    sign: Callable[[bytes], bytes]
    kid: str | None = None
    public_forms: Mapping[str, bytes] = field(default_factory=dict)

    def header(self, **more: object) -> dict[str, Any]:
        named = {"kid": self.kid} if self.kid else {}
        return {"alg": self.alg, "typ": "JWT"} | named | more

    def claims(self, now: float, **more: object) -> dict[str, Any]:
        """Return good claims with some set otherwise; None takes one away."""
        good = {"sub": "alice", "iat": int(now), "exp": int(now) + 900, "iss": ISSUER, "aud": AUDIENCE}
        return {name: value for name, value in (good | more).items() if value is not None}

    def token(self, claims: Mapping[str, object], **header: object) -> str:
        return self.raw(json.dumps(self.header(**header)).encode(), json.dumps(claims).encode())

    def raw(self, header: bytes, payload: bytes) -> str:
        return assembled(header, payload, self.sign)


def hs256_mint(secret: str = SECRET) -> Mint:
    return Mint(alg="HS256", sign=hmac_signer(secret.encode()))
