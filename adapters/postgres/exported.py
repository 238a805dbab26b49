"""The records of an export, a JSON object per line with its `kind`, and the seal at the end.

The names of the fields are the columns' of version 1. A later version of the schema goes on reading this one.
"""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from chatcore.conversation import LONGEST_TITLE
from chatcore.ports.user_store import UnreadableExport

VERSION = 1
Positive = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Record(msgspec.Struct, tag_field="kind", tag=str.lower, forbid_unknown_fields=True, frozen=True):
    """A line of an export."""


class Header(Record, tag="chatcore-export", kw_only=True, frozen=True):
    """The first line: of which version the format is, and whose data follow."""

    version: int
    owner: str


class User(Record, tag="user", kw_only=True, frozen=True):
    """That the user is known, and since when."""

    created_at: Moment


class ConversationRecord(Record, tag="conversation", kw_only=True, frozen=True):
    """A conversation."""

    id: UUID
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TITLE)]
    created_at: Moment
    updated_at: Moment


class TurnRecord(Record, tag="turn", kw_only=True, frozen=True):
    """A turn, without its lease: whoever works on it goes on working where it was."""

    conversation_id: UUID
    number: Positive
    id: UUID
    status: Literal["pending", "streaming", "completed", "failed", "cancelled", "interrupted"]
    attempt: Positive
    active: bool
    answered: bool
    replaces: UUID | None
    key: str | None
    fingerprint: bytes | None
    question_id: UUID
    reply_id: UUID
    selected_text: str | None
    lease_until: Moment
    cancel_wished: bool
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    estimated: bool | None
    failure_code: str | None
    failure_retryable: bool | None
    created_at: Moment
    ended_at: Moment | None


class MessageRecord(Record, tag="message", kw_only=True, frozen=True):
    """A message, in the order of its conversation."""

    conversation_id: UUID
    position: Positive
    id: UUID
    role: Literal["user", "assistant"]
    content: str
    created_at: Moment


class ChunkRecord(Record, tag="chunk", kw_only=True, frozen=True):
    """A piece of a reply that is not whole."""

    turn_id: UUID
    attempt: Positive
    ends_at: Positive
    content: str


class CallRecord(Record, tag="call", kw_only=True, frozen=True):
    """A call of a model, and what it cost."""

    turn_id: UUID
    attempt: Positive
    ordinal: int
    model: str
    input_tokens: int
    output_tokens: int
    estimated: bool
    outcome: str
    seconds: float
    first_token_seconds: float | None
    created_at: Moment


class End(Record, tag="end", kw_only=True, frozen=True):
    """The last line: how many records there are between the header and this, and their seal."""

    records: Natural
    sha256: str


ORDER = (Header, User, ConversationRecord, TurnRecord, MessageRecord, ChunkRecord, CallRecord, End)
"""Nothing comes before what it belongs to."""
_AnyRecord = Header | User | ConversationRecord | TurnRecord | MessageRecord | ChunkRecord | CallRecord | End


class Seal:
    """Counts the records of an export and takes their digest, header and end left out."""

    def __init__(self) -> None:
        """Begin with no record."""
        self._records = 0
        self._digest = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """Take in the next record's line."""
        self._records += 1
        self._digest.update(line + b"\n")

    def end(self) -> End:
        """Return what the last line has to say."""
        return End(records=self._records, sha256=self._digest.hexdigest())


async def decoded(lines: AsyncIterable[bytes]) -> AsyncIterator[Record]:
    """Yield the records of an export, header and end left out, each checked by itself and for its place.

    Raises:
        UnreadableExport: a line is not what it should be, or the export is not whole.
    """
    decoder = msgspec.json.Decoder(_AnyRecord)
    seal, number = Seal(), 0
    last: Record | None = None
    async for ended_line in lines:
        line = ended_line.rstrip(b"\r\n")
        number += 1
        try:
            record = decoder.decode(line)
            _check_place(record, last)
        except (msgspec.MsgspecError, UnicodeDecodeError, UnreadableExport) as error:
            raise UnreadableExport(f"line {number}: {error}") from error
        last = record
        if isinstance(record, End):
            if record != seal.end():
                raise UnreadableExport(f"line {number}: the lines above are not the ones that were exported")
        elif not isinstance(record, Header):
            seal.add(line)
            yield record
    if not isinstance(last, End):
        raise UnreadableExport(f"line {number + 1}: the export is cut short")


def _check_place(record: Record, last: Record | None) -> None:
    if last is None or isinstance(record, Header):
        _check_header(record, last)
        return
    place, before = ORDER.index(type(record)), ORDER.index(type(last))
    if place < before or (place == before and isinstance(record, (User, End))):
        raise UnreadableExport(f"it is out of place after {_kind(last)}")
    if before == 0 and not isinstance(record, User):
        raise UnreadableExport("the user is missing")


def _check_header(record: Record, last: Record | None) -> None:
    if not isinstance(record, Header):
        raise UnreadableExport("this is no export of chatcore")
    if last is not None:
        raise UnreadableExport("another export begins here")
    if record.version != VERSION:
        raise UnreadableExport(f"version {record.version} is not one that this chatcore reads")


def _kind(record: Record) -> str:
    return str(record.__struct_config__.tag)
