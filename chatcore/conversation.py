"""Conversations and the messages in them, as immutable values."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from chatcore.text import checked

LONGEST_TITLE = 200
FIRST_TITLE = 60
LONGEST_MESSAGE = 32_000
T = TypeVar("T")


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing said in a conversation; never changed once it is stored."""

    id: UUID
    turn_id: UUID
    role: Role
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation of one owner."""

    id: UUID
    owner: str
    title: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        """Refuse an impossible title."""
        checked("title", self.title, longest=LONGEST_TITLE)

    def renamed(self, title: str) -> "Conversation":
        """Return this conversation under another title.

        Raises:
            InvalidRequest: the title is blank or too long.
        """
        return replace(self, title=title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some of a listing, and the key after which the next page begins; None at the end."""

    entries: tuple[T, ...]
    next_key: str | None


def title_from(question: str) -> str:
    """Return a conversation's first title: the beginning of its first question, on one line."""
    line = " ".join(question.split())
    return line if len(line) <= FIRST_TITLE else line[: FIRST_TITLE - 1].rstrip() + "…"
