"""A user is forgotten twice, because some of what they did may be written in between."""

import pytest

from chatcore.erasure import Erasure
from chatcore.errors import DatabaseUnavailable
from chatcore.ports.account_store import AccountStore
from chatcore.spending import Spending

pytestmark = pytest.mark.anyio


class House(AccountStore):
    """Notes what is done in it."""

    def __init__(self, *known: bool) -> None:
        self.story: list[str] = []
        self._known = iter(known)

    async def erase(self, owner: str) -> bool:
        self.story.append(f"erase {owner}")
        return next(self._known)

    async def usage(self, owner: str) -> Spending:
        raise NotImplementedError

    def stop(self, owner: str) -> None:
        self.story.append(f"stop {owner}")

    async def flush(self) -> None:
        self.story.append("flush")


@pytest.mark.parametrize("known", [(True, False), (False, True), (False, False)])
async def test_what_is_gathered_is_written_before_everything_is_forgotten_both_times(
    known: tuple[bool, bool],
) -> None:
    house = House(*known)
    erasure = Erasure(accounts=house, stop=house.stop, flush=house.flush, late=0)
    assert await erasure.erase("ada") is any(known)
    assert house.story == ["flush", "erase ada", "stop ada", "flush", "erase ada"]


async def test_nothing_is_forgotten_while_what_is_gathered_cannot_be_written() -> None:
    house = House()

    async def flush() -> None:
        raise DatabaseUnavailable

    with pytest.raises(DatabaseUnavailable):
        await Erasure(accounts=house, stop=house.stop, flush=flush, late=0).erase("ada")
    assert house.story == []
