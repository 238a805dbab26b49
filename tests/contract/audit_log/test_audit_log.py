"""What every audit log does."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from uuid_utils.compat import uuid7

from chatcore.audit import AuditEntry
from tests.contract.audit_log.conftest import Kept
from tests.contract.audit_log.entries import entry

pytestmark = pytest.mark.anyio


async def test_what_was_recorded_is_read_as_it_was(kept: Kept) -> None:
    plain = entry()
    refused = entry(
        method="api-key",
        action="DELETE /api/{user_id}/conversations/{conversation_id}",
        resource={"user_id": "bob", "conversation_id": "x"},
        status=403,
        problem="forbidden",
        request_id="r-2",
        address=None,
    )
    await kept.log.record([plain, refused])
    page = await kept.log.read("alice", limit=10, before=None)
    assert page.entries == (refused, plain)
    assert page.next_key is None


async def test_ids_that_are_objects_come_back_as_text(kept: Kept) -> None:
    turn = uuid7()
    await kept.log.record([entry(resource={"turn_id": turn})])
    (read,) = (await kept.log.read("alice", limit=1, before=None)).entries
    assert read.resource == {"turn_id": str(turn)}


async def test_an_owner_s_entries_are_nobody_else_s(kept: Kept) -> None:
    mine, theirs = entry("alice", resource={"user_id": "bob"}), entry("bob")
    await kept.log.record([theirs, mine])
    assert (await kept.log.read("alice", limit=10, before=None)).entries == (mine,)
    assert (await kept.log.read("bob", limit=10, before=None)).entries == (theirs,)
    assert (await kept.log.read("carol", limit=10, before=None)).entries == ()


async def test_the_newest_come_first_page_by_page(kept: Kept) -> None:
    made = [entry(request_id=str(number)) for number in range(25)]
    await kept.log.record(made[:12])
    await kept.log.record(made[12:])
    read: list[AuditEntry] = []
    before: str | None = None
    for expected in (10, 10, 5):
        page = await kept.log.read("alice", limit=10, before=before)
        assert len(page.entries) == expected
        read += page.entries
        before = page.entries[-1].id
        assert page.next_key == (before if expected == 10 else None)
    assert read == made[::-1]


async def test_a_batch_that_is_repeated_is_there_once_and_as_it_was(kept: Kept) -> None:
    made = [entry("alice"), entry("bob"), entry("alice")]
    await kept.log.record(made)
    await kept.log.record([one._replace(status=500) for one in made] + [late := entry("alice")])
    assert (await kept.log.read("alice", limit=10, before=None)).entries == (late, made[2], made[0])
    assert (await kept.log.read("bob", limit=10, before=None)).entries == (made[1],)


async def test_two_owners_may_have_the_same_id(kept: Kept) -> None:
    same = str(uuid7())
    await kept.log.record([entry("alice", id=same), entry("bob", id=same, status=404)])
    for owner, status in (("alice", 200), ("bob", 404)):
        assert [one.status for one in (await kept.log.read(owner, limit=2, before=None)).entries] == [status]


async def test_nothing_is_recorded_of_nothing(kept: Kept) -> None:
    await kept.log.record([])
    assert (await kept.log.read("alice", limit=1, before=None)).entries == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\"'; DROP TABLE chatcore.audit_log; --",
        "\n\r\t\x1b[31m",
        "\\u0000",
        "{}",
        "é👩\u200d🚀\u2028",
        "x" * 5000,
    ],
)
async def test_any_text_comes_back_as_it_was(kept: Kept, text: str) -> None:
    made = entry(resource={"user_id": text, text: text}, request_id=text, address=text, problem=text)
    await kept.log.record([made])
    assert (await kept.log.read("alice", limit=1, before=None)).entries == (made,)


@pytest.mark.parametrize("unstorable", ["a\0b", "a\ud800b", "\udfff\0"])
async def test_what_cannot_be_stored_is_mended_and_the_others_of_the_batch_stay(
    kept: Kept, unstorable: str
) -> None:
    other = entry("bob")
    named = {unstorable: unstorable}
    await kept.log.record([entry(resource=named, request_id=unstorable, address=unstorable), other])
    mended = "".join("\N{REPLACEMENT CHARACTER}" if one in "\0\ud800\udfff" else one for one in unstorable)
    (read,) = (await kept.log.read("alice", limit=1, before=None)).entries
    assert (read.resource, read.request_id, read.address) == ({mended: mended}, mended, mended)
    assert (await kept.log.read("bob", limit=1, before=None)).entries == (other,)


async def test_who_acts_is_known_from_then_on(kept: Kept) -> None:
    assert not await kept.knows("alice")
    await kept.log.record([entry("alice", status=404)])
    assert await kept.knows("alice")


async def test_erasing_a_user_leaves_none_of_their_entries(kept: Kept) -> None:
    theirs = entry("bob")
    await kept.log.record([entry("alice"), theirs])
    assert await kept.accounts.erase("alice")
    assert (await kept.log.read("alice", limit=10, before=None)).entries == ()
    assert not await kept.knows("alice")
    assert (await kept.log.read("bob", limit=10, before=None)).entries == (theirs,)


async def test_what_began_before_an_erasure_makes_nobody_known_again(kept: Kept) -> None:
    await kept.log.record([entry("alice")])
    await kept.accounts.erase("alice")
    await kept.log.record([entry("alice", shows_known=True), entry("bob")])
    assert not await kept.knows("alice")
    await kept.log.record([entry("alice", shows_known=True), after := entry("alice")])
    assert (await kept.log.read("alice", limit=10, before=None)).entries == (after,)


async def test_what_shows_that_its_owner_was_known_is_kept_while_they_are(kept: Kept) -> None:
    await kept.log.record([first := entry("alice")])
    await kept.log.record([second := entry("alice", shows_known=True)])
    entries = (await kept.log.read("alice", limit=10, before=None)).entries
    assert entries == (second._replace(shows_known=False), first)


async def test_many_batches_at_once_wait_for_each_other_in_no_ring(kept: Kept) -> None:
    owners = [f"user{number}" for number in range(30)]
    batches = [
        [entry(owner, request_id=str(batch)) for owner in (owners if batch % 2 else owners[::-1])]
        for batch in range(8)
    ]
    await asyncio.gather(*map(kept.log.record, batches))
    for owner in owners:
        read = (await kept.log.read(owner, limit=20, before=None)).entries
        assert sorted(one.request_id for one in read) == [str(batch) for batch in range(8)]
        assert all(newer.id > older.id for newer, older in pairwise(read))


async def test_entries_and_erasures_at_once_leave_either_or(kept: Kept) -> None:
    for _ in range(15):
        async with asyncio.timeout(20):
            await asyncio.gather(
                kept.log.record([entry("alice"), entry("bob")]),
                kept.accounts.erase("alice"),
                kept.log.record([entry("bob"), entry("alice", age=timedelta(days=1))]),
            )
    assert len((await kept.log.read("bob", limit=100, before=None)).entries) == 30
    await kept.accounts.erase("alice")
    assert not await kept.knows("alice")
