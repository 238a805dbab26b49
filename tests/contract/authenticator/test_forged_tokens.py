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


async def bear(authenticator: Authenticator, token: str) -> str:
    credentials = Credentials(authorization=(f"Bearer {token}",), cookies={})
    return (await authenticator.authenticate(credentials)).user_id


async def refusal(authenticator: Authenticator, token: str) -> str:
    try:
        user = await bear(authenticator, token)
    except Unauthenticated:
        return "Unauthenticated"
    except Exception as error:  # noqa: BLE001 - any other error would be a 500
        return repr(error)
    return f"believed as {user}"


async def test_the_good_token_beside_them_is_believed() -> None:
    assert await bear(hs256(), hs256_mint().token(hs256_mint().claims(time.time()))) == "alice"


@pytest.mark.parametrize("mint", [hs256_mint()], ids=["HS256"])
async def test_each_forged_token_is_refused_within_five_milliseconds(mint: Mint) -> None:
    authenticator = hs256()
    forged = forged_tokens(mint, time.time())
    outcomes, slow = {}, {}
    for name, token in forged.items():
        began = time.process_time()
        outcomes[name] = await refusal(authenticator, token)
        if time.process_time() - began > 0.005:
            slow[name] = time.process_time() - began
    assert {name: told for name, told in outcomes.items() if told != "Unauthenticated"} == {}
    assert len(outcomes) >= 150
    assert slow == {}
