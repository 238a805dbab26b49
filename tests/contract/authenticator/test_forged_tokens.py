"""No forged token is believed, and none takes long (RFC 8725)."""

import time

import pytest

from adapters.auth.hs256 import Hs256Authenticator
from chatcore.errors import Unauthenticated
from chatcore.ports.authenticator import Authenticator, Credentials
from tests.contract.authenticator.forged import forged_tokens
from tests.contract.authenticator.mint import AUDIENCE, ISSUER, SECRET, Mint, hs256_mint

pytestmark = pytest.mark.anyio


def hs256() -> Authenticator:
    return Hs256Authenticator(SECRET, issuer=ISSUER, audience=AUDIENCE)


def bearing(token: str) -> Credentials:
    return Credentials(authorization=(f"Bearer {token}",), cookies={})


async def outcome(authenticator: Authenticator, credentials: Credentials) -> str:
    try:
        principal = await authenticator.authenticate(credentials)
    except Unauthenticated:
        return "refused"
    except Exception as error:  # noqa: BLE001 - any other error would be a 500
        return repr(error)
    return f"believed as {principal.user_id}"


async def seconds(authenticator: Authenticator, credentials: Credentials) -> float:
    """Return the CPU time of a refusal, the better one of two, as the collector may run in one."""
    times = []
    for _ in range(2):
        began = time.process_time()
        await outcome(authenticator, credentials)
        times.append(time.process_time() - began)
    return min(times)


async def test_the_good_token_beside_them_is_believed() -> None:
    good = hs256_mint().token(hs256_mint().claims(time.time()))
    assert await outcome(hs256(), bearing(good)) == "believed as alice"


@pytest.mark.parametrize("mint", [hs256_mint()], ids=["HS256"])
async def test_no_forged_token_is_believed(mint: Mint) -> None:
    authenticator, forged = hs256(), forged_tokens(mint, time.time())
    outcomes = {name: await outcome(authenticator, bearing(token)) for name, token in forged.items()}
    assert {name: told for name, told in outcomes.items() if told != "refused"} == {}
    assert len(outcomes) >= 150


@pytest.mark.parametrize("mint", [hs256_mint()], ids=["HS256"])
async def test_each_forged_token_is_refused_within_five_milliseconds(mint: Mint) -> None:
    authenticator, forged = hs256(), forged_tokens(mint, time.time())
    times = {name: await seconds(authenticator, bearing(token)) for name, token in forged.items()}
    assert {name: took for name, took in times.items() if took > 0.005} == {}
