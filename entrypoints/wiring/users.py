"""Who moves and erases a user's data."""

from adapters.postgres.users import PostgresUserStore
from chatcore.ports.user_store import UserStore
from entrypoints.wiring.storage import Storage


def user_store(place: Storage) -> UserStore:
    """Return what moves and erases, as the serving role."""
    return PostgresUserStore(place.app_url)
