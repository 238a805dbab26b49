"""HS256: the secret, what is issued with it, and what a configuration without names believes."""

from datetime import timedelta

import pytest

from adapters.auth.hs256 import Hs256Authenticator, issue_token
from chatcore.errors import InvalidRequest, Unauthenticated
from tests.contract.authenticator.clocks import Clocks
from tests.contract.authenticator.doors import bearing
from tests.contract.authenticator.issuer import rs256_mint
from tests.contract.authenticator.mint import SECRET, hs256_mint

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, rs256_mint().public_forms["PEM"].decode()])
def test_a_secret_that_can_be_guessed_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        Hs256Authenticator(secret)
    with pytest.raises(ValueError, match="secret"):
        issue_token(secret, "alice", timedelta(hours=1))


async def test_an_issued_token_is_believed_for_its_time() -> None:
    clocks = Clocks()
    token = issue_token(SECRET, "alice", timedelta(minutes=5), now=clocks.now)
    authenticator = Hs256Authenticator(SECRET, now=clocks.now)
    principal = await authenticator.authenticate(bearing(token))
    assert (principal.user_id, principal.method) == ("alice", "hs256")
    clocks.advance(299)
    assert await authenticator.authenticate(bearing(token)) == principal
    clocks.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await authenticator.authenticate(bearing(token))


async def test_an_issued_token_carries_the_names_that_are_asked_for() -> None:
    token = issue_token(SECRET, "alice", timedelta(minutes=5), issuer="me", audience="you")
    assert await Hs256Authenticator(SECRET, issuer="me", audience="you").authenticate(bearing(token))
    with pytest.raises(Unauthenticated, match="issuer"):
        await Hs256Authenticator(SECRET, issuer="him", audience="you").authenticate(bearing(token))
    with pytest.raises(Unauthenticated, match="audience"):
        await Hs256Authenticator(SECRET, issuer="me", audience="them").authenticate(bearing(token))


async def test_subject_and_times_are_enough_where_no_names_are_set() -> None:
    clocks = Clocks()
    authenticator, mint = Hs256Authenticator(SECRET, now=clocks.now), hs256_mint()
    claims = mint.claims(clocks.unix(), iss=None, aud=None)
    assert await authenticator.authenticate(bearing(mint.token(claims)))


async def test_a_token_for_somebody_else_is_refused_where_no_names_are_set() -> None:
    clocks = Clocks()
    authenticator, mint = Hs256Authenticator(SECRET, now=clocks.now), hs256_mint()
    with pytest.raises(Unauthenticated, match="audience"):
        await authenticator.authenticate(bearing(mint.token(mint.claims(clocks.unix()))))


@pytest.mark.parametrize("ahead", [0, 1, 9])
async def test_an_issuer_whose_clock_is_a_little_ahead_is_believed(ahead: int) -> None:
    clocks = Clocks()
    authenticator, mint = Hs256Authenticator(SECRET, now=clocks.now), hs256_mint()
    at = clocks.unix() + ahead
    claims = mint.claims(clocks.unix(), iat=at, nbf=at, aud=None)
    assert await authenticator.authenticate(bearing(mint.token(claims)))


def test_no_token_is_issued_to_nobody() -> None:
    with pytest.raises(InvalidRequest):
        issue_token(SECRET, "~nobody", timedelta(hours=1))
