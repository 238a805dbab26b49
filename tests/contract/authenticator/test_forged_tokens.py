"""No forged token is believed, and none takes long (RFC 8725)."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest

from adapters.auth.dispatch import AuthenticatorByShape
from chatcore.errors import Unauthenticated
from chatcore.ports.authenticator import Authenticator, Credentials
from tests.contract.authenticator.doors import (
    SINGLE,
    Door,
    Opener,
    api_key_door,
    bearing,
    better_auth_door,
    hs256_door,
    jwks_door,
)
from tests.contract.authenticator.forged import forged_tokens
from tests.contract.authenticator.issuer import eddsa_mint, es256_mint, rs256_mint
from tests.contract.authenticator.mint import Mint, hs256_mint

pytestmark = pytest.mark.anyio

MINTS: Mapping[str, Mint] = MappingProxyType(
    {"HS256": hs256_mint(), "EdDSA": eddsa_mint(), "ES256": es256_mint(), "RS256": rs256_mint()}
)


@asynccontextmanager
async def all_doors() -> AsyncIterator[Door]:
    """Everything configured at once, the key set with an EdDSA key."""
    async with (
        hs256_door() as secret,
        jwks_door(eddsa_mint()) as key_set,
        better_auth_door() as sessions,
        api_key_door() as api_keys,
    ):
        authenticator = AuthenticatorByShape(
            secret=secret.authenticator,
            key_set=key_set.authenticator,
            sessions=sessions.authenticator,
            api_keys=api_keys.authenticator,
        )
        yield Door(authenticator=authenticator, token_for=secret.token_for, clocks=secret.clocks)


TRIALS: Mapping[str, tuple[Mint, Opener]] = MappingProxyType(
    {name: (mint, SINGLE[name]) for name, mint in MINTS.items()}
    | {f"{name}, everything configured": (MINTS[name], all_doors) for name in ("HS256", "EdDSA")}
)


async def outcome(authenticator: Authenticator, credentials: Credentials) -> str:
    try:
        principal = await authenticator.authenticate(credentials)
    except Unauthenticated:
        return "refused"
    except Exception as error:  # noqa: BLE001 - any other error would be a 500
        return repr(error)
    return f"believed as {principal.user_id}"


async def seconds(authenticator: Authenticator, credentials: Credentials) -> float:
    """Return the CPU time of a refusal, the best of three, as the collector may run in one."""
    times = []
    for _ in range(3):
        began = time.process_time()
        await outcome(authenticator, credentials)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("trial", TRIALS)
async def test_no_forged_token_is_believed(trial: str) -> None:
    mint, opened = TRIALS[trial]
    async with opened() as door:
        good = mint.token(mint.claims(door.clocks.unix()))
        assert await outcome(door.authenticator, bearing(good)) == "believed as alice"
        forged = forged_tokens(mint, door.clocks.unix())
        outcomes = {name: await outcome(door.authenticator, bearing(token)) for name, token in forged.items()}
        assert {name: told for name, told in outcomes.items() if told != "refused"} == {}
        assert len(outcomes) >= 150
        assert await outcome(door.authenticator, bearing(good)) == "believed as alice"


@pytest.mark.parametrize("trial", TRIALS)
async def test_each_forged_token_is_refused_within_five_milliseconds(trial: str) -> None:
    mint, opened = TRIALS[trial]
    async with opened() as door:
        await outcome(door.authenticator, bearing(mint.token(mint.claims(door.clocks.unix()))))
        forged = forged_tokens(mint, door.clocks.unix())
        times = {name: await seconds(door.authenticator, bearing(token)) for name, token in forged.items()}
        assert {name: took for name, took in times.items() if took > 0.005} == {}


@pytest.mark.parametrize("user", MINTS)
async def test_a_token_that_names_the_other_kind_of_issuer_is_not_tried_there(user: str) -> None:
    """The secret of HS256 signs no EdDSA token, and a public key is no secret, with both configured."""
    mint = MINTS[user]
    async with all_doors() as door:
        outcomes = {
            alg: await outcome(
                door.authenticator, bearing(mint.token(mint.claims(door.clocks.unix()), alg=alg))
            )
            for alg in {"HS256", "EdDSA"} - {mint.alg}
        }
        assert set(outcomes.values()) == {"refused"}
