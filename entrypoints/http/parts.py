"""What the HTTP door is made of, as plain values, so that it knows nobody who makes them."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from litestar.types import ASGIApp

from chatcore.chat import Chat
from chatcore.erasure import Erasure
from chatcore.listen import Listener
from chatcore.ports.account_store import AccountStore
from chatcore.ports.authenticator import Authenticator
from chatcore.ports.conversation_store import ConversationStore
from chatcore.ports.turn_store import TurnStore
from chatcore.prompt import Persona
from chatcore.textbook import Textbook
from entrypoints.http.fairness import Fairness
from entrypoints.http.operations import Unready
from entrypoints.http.witness import Witness
from entrypoints.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The use cases and ports that routes call, and the settings that HTTP itself has.

    `opened` opens whatever has to be open while requests are served. `around` wraps the whole application,
    to trace it. `limit` is the most bytes that a body may have.
    """

    chat: Chat
    listener: Listener
    textbook: Textbook
    assistant: Persona
    turns: TurnStore
    conversations: ConversationStore
    accounts: AccountStore
    erasure: Erasure
    authenticator: Authenticator
    fairness: Fairness
    unready: Unready
    metrics: Metrics
    witness: Witness
    opened: Callable[[], AbstractAsyncContextManager[object]]
    around: Callable[[ASGIApp], ASGIApp]
    origins: Collection[str]
    limit: int | None
