"""What groups of routes have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from litestar.handlers import HTTPRouteHandler


class Routes(ABC):
    """A group of routes whose handlers are methods, bound to what they need."""

    @abstractmethod
    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return itself: Litestar copies handlers that it takes, down to what their methods are bound to."""
        del memo
        return self
