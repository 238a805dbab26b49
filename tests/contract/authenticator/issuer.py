"""An issuer of asymmetric tokens with its key set on loopback, which can be made to rotate and to fail."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contract.authenticator.mint import Mint, encoded

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk_of(mint: Mint) -> dict[str, str]:
    jwk: dict[str, str] = json.loads(mint.public_forms["JWK"])
    return jwk


@lru_cache(maxsize=64)
def eddsa_mint(kid: str = "ed-1") -> Mint:
    key = ed25519.Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return minted("EdDSA", kid, key.public_key(), {"kty": "OKP", "crv": "Ed25519", "x": encoded(raw)}, key.sign)


@lru_cache(maxsize=64)
def rs256_mint(kid: str = "rsa-1", bits: int = 2_048) -> Mint:
    key = rsa.generate_private_key(65_537, bits)
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}

    def sign(signing_input: bytes) -> bytes:
        return key.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())

    return minted("RS256", kid, key.public_key(), jwk, sign)


@lru_cache(maxsize=64)
def es256_mint(kid: str = "ec-1") -> Mint:
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": encoded(numbers.x.to_bytes(32, "big")),
        "y": encoded(numbers.y.to_bytes(32, "big")),
    }

    def sign(signing_input: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return minted("ES256", kid, key.public_key(), jwk, sign)


def minted(alg: str, kid: str, public: PublicKey, jwk: dict[str, str], sign: object) -> Mint:
    if not callable(sign):
        raise TypeError
    members = {"kid": kid, "alg": alg, "use": "sig"} | jwk
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forms = {
        "PEM": pem,
        "PEM without its last line end": pem.rstrip(),
        "DER": der,
        "base64 of DER": urlsafe_b64encode(der),
        "JWK": json.dumps(members).encode(),
        "x": members.get("x", members.get("n", "")).encode(),
    }
    return Mint(alg=alg, sign=sign, kid=kid, public_forms=forms)


class Issuer:
    """What the key set's address answers, and how often it was asked."""

    def __init__(self, *mints: Mint) -> None:
        self.url = ""
        self.asked = 0
        self.delay = 0.0
        self.status = 200
        self.body = b""
        self.publish(*mints)

    def publish(self, *mints: Mint) -> None:
        self.body = json.dumps({"keys": [jwk_of(mint) for mint in mints]}).encode()

    async def answer(self, request: web.Request) -> web.Response:
        del request
        self.asked += 1
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, body=self.body, content_type="application/json")


@asynccontextmanager
async def issuing(*mints: Mint) -> AsyncIterator[Issuer]:
    issuer = Issuer(*mints)
    application = web.Application()
    application.router.add_get("/jwks", issuer.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    issuer.url = f"http://127.0.0.1:{port}/jwks"
    try:
        yield issuer
    finally:
        await runner.cleanup()
