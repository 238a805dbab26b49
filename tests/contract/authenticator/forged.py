"""Forged and foolish tokens: everything an authenticator of tokens has to refuse, by name."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

from tests.contract.authenticator.mint import (
    AUDIENCE,
    ISSUER,
    Mint,
    assembled,
    encoded,
    hmac_signer,
    hs256_mint,
)

JWK_OF_AN_ATTACKER = {"kty": "oct", "k": encoded(b"attacker" * 4), "alg": "HS256"}


def forged_tokens(mint: Mint, now: float) -> dict[str, str]:
    """Return tokens by the name of their fault; the mint is the true one, so most signatures are good."""
    groups = (_algorithms, _strangers, _headers, _times, _names, _subjects, _payloads, _shapes)
    return {name: token for group in groups for name, token in group(mint, now)}


def _algorithms(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    claims = json.dumps(mint.claims(now)).encode()
    for none in ("none", "None", "NONE", "nOnE", "none ", ""):
        header = json.dumps(mint.header(alg=none)).encode()
        yield f"alg {none!r} without signature", f"{encoded(header)}.{encoded(claims)}."
        yield f"alg {none!r} with the signature", mint.raw(header, claims)
    for alg in ("HS384", "HS512", "hs256", "RS1", "ES256K", "PS256", "dir", None, 0, ["HS256"], {"HS256": 1}):
        yield f"alg {alg!r}", mint.token(mint.claims(now), alg=alg)
    for alg in sorted({"HS256", "EdDSA", "ES256", "RS256"} - {mint.alg}):
        yield f"{mint.alg} that says it is {alg}", mint.token(mint.claims(now), alg=alg)
    without = json.dumps({"typ": "JWT"}).encode()
    yield "no alg", mint.raw(without, claims)
    for form, public in mint.public_forms.items():
        for alg in ("HS256", mint.alg):
            header = json.dumps(mint.header(alg=alg)).encode()
            yield f"{alg}: HMAC with the public key as {form}", assembled(header, claims, hmac_signer(public))


def _strangers(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    claims = mint.claims(now)
    yield "another secret", hs256_mint("another secret of another installation").token(claims)
    yield "the empty secret", hs256_mint("").token(claims)
    header = json.dumps(mint.header()).encode()
    for name, signature in (("zeros", bytes(64)), ("an empty signature", b""), ("ones", b"\xff" * 32)):
        yield name, assembled(header, json.dumps(claims).encode(), _always(signature))


def _always(signature: bytes) -> Callable[[bytes], bytes]:
    return lambda _: signature


def _headers(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    claims = mint.claims(now)
    for crit in (["exp"], ["b64"], [], "exp", None, {"exp": 1}, ["unknown"]):
        yield f"crit {crit!r}", mint.token(claims, crit=crit, unknown=1)
    yield "b64 false", mint.token(claims, b64=False, crit=["b64"])
    yield "b64 true, but critical", mint.token(claims, b64=True, crit=["b64"])
    attacker = hmac_signer(b"attacker" * 4)
    for alg in ("HS256", mint.alg):
        for name, value in (
            ("jwk", JWK_OF_AN_ATTACKER),
            ("jku", "http://127.0.0.1:9/jwks.json"),
            ("x5u", "http://127.0.0.1:9/cert.pem"),
            ("x5c", ["MIIB"]),
            ("kid", "../../../../dev/null"),
            ("kid", "/proc/sys/kernel/ostype"),
            ("kid", "' UNION SELECT 'attacker' -- "),
            ("kid", "http://127.0.0.1:9/"),
            ("kid", "\x00"),
            ("kid", "k" * 2_000),
            ("kid", ["a"]),
            ("kid", 7),
        ):
            head = json.dumps(mint.header() | {"alg": alg, name: value}).encode()
            yield (
                f"{alg}: {name} {str(value)[:20]!r}",
                assembled(head, json.dumps(claims).encode(), attacker),
            )
    payload = json.dumps(claims).encode()
    for name, header in (
        ("a header that is a list", b'["HS256"]'),
        ("a header that is a text", b'"HS256"'),
        ("a header that is null", b"null"),
        ("an empty header", b"{}"),
        ("a header of brackets", b"[" * 2_000),
        ("a header of objects", b'{"alg":' * 600),
        ("a header of invalid UTF-8", b'{"alg":"\xff\xfe"}'),
        ("a header with a mark of byte order", b"\xef\xbb\xbf" + json.dumps(mint.header()).encode()),
        ("a header in UTF-16", json.dumps(mint.header()).encode("utf-16-le")),
    ):
        yield name, mint.raw(header, payload)


def _times(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    for name, claims in (
        ("no exp", {"exp": None}),
        ("no iat", {"iat": None}),
        ("expired", {"exp": now - 1}),
        ("expires now", {"exp": now}),
        ("expired long ago", {"exp": 0}),
        ("expired before the epoch", {"exp": -(10**300)}),
        ("issued in an hour", {"iat": now + 3_600}),
        ("issued in the far future", {"iat": 10**300}),
        ("not before in a minute", {"nbf": now + 60}),
        ("exp beyond all time", {"exp": 10**400}),
        ("exp of a text", {"exp": str(int(now) + 900)}),
        ("exp of a truth", {"exp": True}),
        ("exp of a list", {"exp": [now + 900]}),
        ("iat of a text", {"iat": "now"}),
        ("iat of an object", {"iat": {}}),
        ("nbf of a text", {"nbf": "1"}),
    ):
        yield name, mint.token(mint.claims(now, **claims))
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000):
        payload = json.dumps(mint.claims(now)).replace(str(int(now) + 900), number)
        yield f"exp {number[:9]}", mint.raw(json.dumps(mint.header()).encode(), payload.encode())


def _names(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    for name, claims in (
        ("another issuer", {"iss": "https://evil.example"}),
        ("no issuer", {"iss": None}),
        ("the issuer with a slash more", {"iss": ISSUER + "/"}),
        ("issuer of a list", {"iss": [ISSUER]}),
        ("another audience", {"aud": "https://other.example"}),
        ("other audiences", {"aud": ["https://other.example", "https://third.example"]}),
        ("no audience", {"aud": None}),
        ("an empty list of audiences", {"aud": []}),
        ("audience of an object", {"aud": {AUDIENCE: 1}}),
        ("audience with another type in it", {"aud": [AUDIENCE, 7]}),
    ):
        yield name, mint.token(mint.claims(now, **claims))


def _subjects(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    for sub in (
        None,
        "",
        " ",
        "alice ",
        " alice",
        "al ice",
        "~alice",
        "a/b",
        "../bob",
        "a\x00b",
        "a\nb",
        "a" * 256,
        "\u202ealice",
        "\u200balice",
        7,
        True,
        ["alice"],
        {"id": "alice"},
    ):
        yield f"sub {str(sub)[:12]!r} {type(sub).__name__}", mint.token(mint.claims(now, sub=sub))
    header = json.dumps(mint.header()).encode()
    payload = json.dumps(mint.claims(now)).encode()
    yield "sub of a lone surrogate", mint.raw(header, payload.replace(b"alice", b"\\ud800"))
    yield "sub of invalid UTF-8", mint.raw(header, payload.replace(b"alice", b"a\xff\xfe"))
    yield "sub null", mint.raw(header, payload.replace(b'"alice"', b"null"))


def _payloads(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    header, claims = json.dumps(mint.header()).encode(), mint.claims(now)
    good = json.dumps(claims).encode()
    nested = mint.token(claims)
    while len(nested) < 5_000:
        nested = mint.raw(json.dumps(mint.header(cty="JWT")).encode(), nested.encode())
    yield "tokens in tokens", nested
    for name, payload in (
        ("an empty payload", b""),
        ("a payload that is null", b"null"),
        ("a payload that is a list of claims", b"[" + good + b"]"),
        ("a payload that is a text", json.dumps(good.decode()).encode()),
        ("100,000 brackets", b"[" * 100_000),
        ("5,000 brackets", b"[" * 5_000),
        ("5,000 brackets beside good claims", good[:-1] + b',"x":' + b"[" * 2_500 + b"]" * 2_500 + b"}"),
        ("objects in objects", b'{"a":' * 1_000),
        ("something after the claims", good + b" {}"),
        ("a mark of byte order", b"\xef\xbb\xbf" + good),
        ("cut JSON", good[:-1]),
        ("60 KB of claims", good[:-1] + b',"x":"' + b"x" * 60_000 + b'"}'),
        ("20 MB of claims", good[:-1] + b',"x":"' + b"x" * 20_000_000 + b'"}'),
    ):
        yield name, mint.raw(header, payload)


def _shapes(mint: Mint, now: float) -> Iterator[tuple[str, str]]:
    token = mint.token(mint.claims(now))
    header, payload, signature = token.split(".")
    yield "nothing", ""
    yield "dots", "..."
    yield "only dots", "."
    yield "60,000 dots", "." * 60_000
    yield "60 KB", "a" * 60_000
    yield "two parts", f"{header}.{payload}"
    yield "four parts", f"{token}.{signature}"
    yield "five parts", f"{token}..{signature}"
    yield "without its signature", f"{header}.{payload}."
    yield "without its header", f".{payload}.{signature}"
    yield "padded", token + "="
    yield "white space within", f"{header}. {payload}.{signature}"
    yield "a line end within", f"{header}.{payload}\n.{signature}"
    yield "a NUL within", f"{header}.{payload}\x00.{signature}"
    yield "invalid UTF-8, read as Latin-1", f"{header}.{payload}\xff.{signature}"
    yield "a lone surrogate", f"{header}.{payload}\ud800.{signature}"
    yield "standard base64", f"{header}.{payload}.{signature[:-1]}+"
    yield "percent-encoded", token.replace(".", "%2E")
    yield "twice", f"{token}, Bearer {token}"
    yield "in quotes", f'"{token}"'
    yield from ((f"cut by {cut}", token[:-cut]) for cut in (1, 2, 3, 10, len(signature)))
    with suppress(StopIteration):
        yield "another last letter of the signature", next(_non_canonical(token))


def _non_canonical(token: str) -> Iterator[str]:
    """Yield the token with its last letter replaced by one that decodes to the same bytes, where there is one."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    index, spare = alphabet.index(token[-1]), {2: 4, 3: 2}.get(len(token.rsplit(".", 1)[1]) % 4, 0)
    return (token[:-1] + alphabet[index ^ bit] for bit in range(1, 1 << spare))
