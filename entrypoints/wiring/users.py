"""Who moves and erases a user's data."""

from adapters.postgres.accounts import PostgresAccountStore
from adapters.postgres.database import Database
from adapters.postgres.users import PostgresUserStore
from chatcore.erasure import Erasure
from chatcore.ports.user_store import UserStore
from entrypoints.wiring.storage import Storage


def user_store(place: Storage) -> UserStore:
    """Return what moves, as the serving role."""
    return PostgresUserStore(place.app_url)


async def erased(place: Storage, owner: str) -> bool:
    """Forget a user, and return whether anything was known.

    Raises:
        DatabaseUnavailable: some of it may be gone; the same call goes on with the rest.
    """
    database = Database(place.app_url, max_size=1, prepare=False)
    await database.open()
    try:
        accounts = PostgresAccountStore(database)
        return await Erasure(accounts=accounts, stop=_nobody, flush=_nothing).erase(owner)
    finally:
        await database.close()


async def _nothing() -> None:
    """Write nothing: a process that only erases gathers nothing."""


def _nobody(owner: str) -> None:
    """Stop nothing: no turn runs in a process that only erases."""
    del owner
