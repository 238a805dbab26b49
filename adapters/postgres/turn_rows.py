"""Reads the domain's values out of the rows that the functions of turns return."""

from datetime import datetime
from typing import cast
from uuid import UUID

from adapters.postgres.wire import Row
from chatcore.conversation import Message, Role
from chatcore.errors import Failure
from chatcore.turn import Turn, TurnStatus, Usage

_Facts = tuple[
    UUID, UUID, int, str, int, bytes | None, datetime, UUID | None, bool, UUID, str | None, datetime,
    int | None, int | None, bool | None, str | None, bool | None,
]  # fmt: skip


def turn_of(row: Row) -> Turn | None:
    """Return the turn of a row of `chatcore.turn_facts`, or None where there is none."""
    if row[0] is None:
        return None
    (
        id_, conversation_id, number, status, attempt, fingerprint, created_at, replaces, active, reply_id,
        reply, reply_at, input_tokens, output_tokens, estimated, failure_code, failure_retryable,
    ) = cast("_Facts", row)  # fmt: skip
    return Turn(
        id=id_,
        conversation_id=conversation_id,
        number=number,
        status=TurnStatus(status),
        attempt=attempt,
        fingerprint=fingerprint,
        created_at=created_at,
        reply=None
        if reply is None
        else Message(id=reply_id, turn_id=id_, role=Role.ASSISTANT, content=reply, created_at=reply_at),
        usage=None
        if input_tokens is None or output_tokens is None
        else Usage(input_tokens=input_tokens, output_tokens=output_tokens, estimated=bool(estimated)),
        failure=None if failure_code is None else Failure(code=failure_code, retryable=bool(failure_retryable)),
        replaces=replaces,
        active=active,
    )
