"""Who moves and erases a user's data."""

from adapters.postgres.accounts import PostgresAccountStore
from adapters.postgres.users import PostgresUserStore
from chatcore.erasure import Erasure
from chatcore.ports.user_store import UserStore
from entrypoints.wiring import trail
from entrypoints.wiring.databases import for_a_command
from entrypoints.wiring.storage import Storage


def user_store(place: Storage) -> UserStore:
    """Return what moves, as the serving role."""
    return PostgresUserStore(place.app_url)


async def erased(place: Storage, owner: str) -> bool:
    """Forget a user, and return whether anything was known.

    Raises:
        DatabaseUnavailable: some of it may be gone; the same call goes on with the rest.
    """
    async with for_a_command(place.app_url) as database:
        accounts = PostgresAccountStore(database)
        return await Erasure(accounts=accounts, stop=_nobody, flush=trail.flushing(None)).erase(owner)


def _nobody(owner: str) -> None:
    """Stop nothing: no turn runs in a process that only erases."""
    del owner
