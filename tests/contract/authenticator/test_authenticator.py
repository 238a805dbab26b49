"""What every authenticator promises, whatever it believes in."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatcore.errors import Unauthenticated
from chatcore.ports.authenticator import Credentials
from tests.contract.authenticator.doors import LIFETIME, Door, bearing

pytestmark = pytest.mark.anyio

HOSTILE = (
    "",
    " ",
    ".",
    "..",
    "ck_",
    "ck__",
    "ck_" + "0" * 32 + "me_" + "A" * 43,
    "ck_" + "z" * 32 + "_" + "A" * 43,
    "a" * 60_000,
    "." * 60_000,
    "ck_" + "a" * 60_000,
    "%" * 5_000,
    "%2E%2E%2E",
    "%FF%FE.%00",
    "\x00",
    "a\x00b.c",
    "é.é",
    "\ud800.\udfff",
    "' OR 1=1 --.AAAA",
    "eyJhbGciOiJub25lIn0.e30.",
    "eyJhbGciOiJub25lIn0.e30.AA",
    "null.null.null",
    "token.",
    ".token",
)


async def refused(door: Door, credentials: Credentials) -> bool:
    try:
        await door.authenticator.authenticate(credentials)
    except Unauthenticated:
        return True
    return False


async def test_a_valid_credential_tells_whose_it_is(door: Door) -> None:
    assert await door.let_in(await door.token_for("alice")) == "alice"
    assert await door.let_in(await door.token_for("Zoë-1_2@example.org")) == "Zoë-1_2@example.org"


async def test_it_does_so_again_and_again(door: Door) -> None:
    token = await door.token_for("alice")
    assert [await door.let_in(token) for _ in range(3)] == ["alice"] * 3


async def test_simultaneous_callers_are_not_mixed_up(door: Door) -> None:
    users = [f"user{number}" for number in range(50)]
    tokens = [await door.token_for(user) for user in users]
    assert await asyncio.gather(*(door.let_in(token) for token in tokens)) == users


async def test_nothing_is_not_enough(door: Door) -> None:
    assert await refused(door, Credentials(cookies={}))
    assert await refused(door, Credentials(cookies={"session": "x"}))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_is_bearer_in_any_case(door: Door, scheme: str) -> None:
    token = await door.token_for("alice")
    credentials = Credentials(authorization=(f"{scheme} {token}",), cookies={})
    assert (await door.authenticator.authenticate(credentials)).user_id == "alice"


@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "Basic {}",
        "Token {}",
        "Bearer{}",
        "Bearer\t{}",
        "Bearer {} ",
        " Bearer {}",
        "Bearer Bearer {}",
        "Bearer {0}, Bearer {0}",
        "Bearer {0},{0}",
        "Bearer {0} {0}",
        "Bearer {}\n",
        'Bearer "{}"',
        "Bearer token={}",
        "DPoP {}",
        "Bearer",
        "Bearer ",
        "",
    ],
)
async def test_another_header_is_refused(door: Door, header: str) -> None:
    token = await door.token_for("alice")
    assert await refused(door, Credentials(authorization=(header.format(token),), cookies={}))


async def test_two_headers_are_refused_even_where_each_would_do(door: Door) -> None:
    alice, bob = await door.token_for("alice"), await door.token_for("bob")
    assert await refused(door, bearing(alice, alice))
    assert await refused(door, bearing(alice, bob))
    assert await refused(door, bearing("", alice))


async def test_a_credential_with_any_letter_changed_is_refused(door: Door) -> None:
    token = await door.token_for("alice")
    assert await door.let_in(token) == "alice"
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    believed = [one for one in changed if not await refused(door, bearing(one))]
    assert believed == []


async def test_a_credential_cut_anywhere_is_refused(door: Door) -> None:
    token = await door.token_for("alice")
    believed = [token[:at] for at in range(len(token)) if not await refused(door, bearing(token[:at]))]
    assert believed == []
    assert await refused(door, bearing(token + "A"))
    assert await refused(door, bearing("A" + token))


async def test_an_expired_credential_is_refused_though_it_was_believed_before(door: Door) -> None:
    token = await door.token_for("alice")
    assert await door.let_in(token) == "alice"
    door.clocks.advance(LIFETIME - 1)
    assert await door.let_in(token) == "alice"
    door.clocks.advance(1)
    assert await refused(door, bearing(token))


@pytest.mark.parametrize("token", HOSTILE, ids=lambda token: repr(token[:20]))
async def test_hostile_text_is_refused(door: Door, token: str) -> None:
    assert await refused(door, bearing(token))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.one_of(st.text(max_size=300), st.text(alphabet="Bearr ck_.%=eyJ0{}\x00", max_size=120)))
async def test_arbitrary_text_is_refused(door: Door, header: str) -> None:
    assert await refused(door, Credentials(authorization=(header,), cookies={}))
    assert await refused(door, Credentials(authorization=(f"Bearer {header}",), cookies={}))
