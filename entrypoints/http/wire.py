"""What goes over the wire: the bodies of requests and replies, and the translation of the domain into them."""

from datetime import date, datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from chatcore.chat import OnBusy
from chatcore.conversation import LONGEST_MESSAGE, LONGEST_TITLE, Conversation, Message
from chatcore.prompt import LONGEST_SELECTION
from chatcore.spending import Spending
from chatcore.turn import TurnStatus, Usage
from entrypoints.http.problems import Problem

T = TypeVar("T")

# These lengths are described here and judged by the domain.
Words = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": LONGEST_MESSAGE})]
Selection = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": LONGEST_SELECTION})]
Title = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": LONGEST_TITLE})]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

encode = msgspec.json.Encoder().encode


class TextbookQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question to the textbook. `message` may be left out where `replaces` names a turn to answer again."""

    message: Words | None = None
    session_id: str | None = None
    selected_text: Selection | None = None
    replaces: UUID | None = None
    on_busy: OnBusy = OnBusy.REFUSE


class AssistantQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question to the assistant. `message` may be left out where `replaces` names a turn to answer again."""

    message: Words | None = None
    conversation_id: UUID | None = None
    selected_text: Selection | None = None
    replaces: UUID | None = None
    on_busy: OnBusy = OnBusy.REFUSE


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation's new title."""

    title: Title


class TextbookReply(msgspec.Struct, frozen=True):
    """The textbook's reply; `session_id` is the only key to what was said."""

    response: str
    session_id: str
    timestamp: Moment


class UsageView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reply cost, in tokens; `estimated` is there, and true, where the provider did not say."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False


class MessageView(msgspec.Struct, frozen=True):
    """One message of a conversation, and the turn that it belongs to."""

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    created_at: Moment
    turn_id: UUID


class AssistantReply(msgspec.Struct, frozen=True):
    """The assistant's reply."""

    conversation_id: UUID
    turn_id: UUID
    message: MessageView
    usage: UsageView


class TurnView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a turn stands; `message` once there is one, `error` where it failed."""

    turn_id: UUID
    session_id: str | msgspec.UnsetType = msgspec.UNSET
    conversation_id: UUID | msgspec.UnsetType = msgspec.UNSET
    status: TurnStatus
    created_at: Moment
    message: MessageView | None
    usage: UsageView | None
    error: Problem | msgspec.UnsetType = msgspec.UNSET


class ConversationView(msgspec.Struct, frozen=True):
    """A conversation in a listing."""

    id: UUID
    title: str
    created_at: Moment
    updated_at: Moment


class PageView(msgspec.Struct, Generic[T], frozen=True):
    """Some of a listing; `next_cursor` leads to the next page and is null at the end."""

    items: list[T]
    next_cursor: str | None


class DayView(msgspec.Struct, frozen=True):
    """What the calls of a model cost on one day (UTC), in tokens."""

    day: date
    input_tokens: int
    output_tokens: int
    calls: int


class SpendingView(msgspec.Struct, frozen=True):
    """What a user spent today (UTC), and on the days before on which a model was called, newest first.

    `reserved` is what running turns may come to cost. `limit` is null where nothing bounds a day.
    """

    day: date
    spent: int
    reserved: int
    limit: int | None
    renews_at: Moment
    items: list[DayView]


class Health(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["healthy"]


class Readiness(msgspec.Struct, frozen=True):
    """Whether requests can be served, and if not, what is not ready and why."""

    status: Literal["ready", "not ready"]
    not_ready: dict[str, str]


class AcceptedView(msgspec.Struct, frozen=True, kw_only=True):
    """The data of `turn.accepted`: the question is stored and will be answered."""

    turn_id: UUID
    session_id: str | msgspec.UnsetType = msgspec.UNSET
    conversation_id: UUID | msgspec.UnsetType = msgspec.UNSET


class DeltaView(msgspec.Struct, frozen=True):
    """The data of `delta`: the next piece of the reply."""

    text: str


class ResetView(msgspec.Struct, frozen=True):
    """The data of `reset`: what was shown so far is void, attempt so many is told from its beginning."""

    attempt: int


class DoneView(msgspec.Struct, frozen=True):
    """The data of `done`: the reply is complete and stored."""

    message: MessageView
    usage: UsageView


class ErrorView(msgspec.Struct, frozen=True):
    """The data of `error`: the turn failed."""

    problem: Problem


class StoppedView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The data of `cancelled` and `interrupted`: what was said until then, if anything was."""

    message: MessageView | None = None


def message_view(message: Message) -> MessageView:
    """Return a message as clients see it."""
    role: Literal["user", "assistant"] = "assistant" if message.role == "assistant" else "user"
    return MessageView(message.id, role, message.content, message.created_at, message.turn_id)


def usage_view(usage: Usage) -> UsageView:
    """Return a reply's cost as clients see it."""
    return UsageView(usage.input_tokens, usage.output_tokens, usage.estimated)


def conversation_view(conversation: Conversation) -> ConversationView:
    """Return a conversation as clients see it."""
    return ConversationView(
        conversation.id, conversation.title, conversation.created_at, conversation.updated_at
    )


def spending_view(spending: Spending, limit: int | None) -> SpendingView:
    """Return what a user has spent as clients see it."""
    return SpendingView(
        day=spending.today,
        spent=spending.spent(bounded=limit is not None),
        reserved=spending.reserved,
        limit=limit,
        renews_at=spending.renews_at,
        items=[DayView(day.day, day.input_tokens, day.output_tokens, day.calls) for day in spending.days],
    )
