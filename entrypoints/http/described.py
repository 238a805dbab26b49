"""What each route takes and gives, as a table from which the OpenAPI document is made."""

from types import MappingProxyType

import msgspec

from entrypoints.http import wire


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a request; an example only where the page may send it unasked without doing harm."""

    name: str
    place: str
    meaning: str
    schema: dict[str, object]
    example: str | int | None = None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path.

    `replies` gives the body of each status of success, `errors` the statuses that are problems. `description` is for
    what nobody would guess from the summary.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str = ""
    replies: dict[int, object]
    errors: tuple[int, ...] = ()
    body: type | None = None
    example: dict[str, str] = {}
    parameters: tuple[Parameter, ...] = ()
    streams: bool = False
    secured: bool = False


_TEXT: dict[str, object] = {"type": "string"}
_ID: dict[str, object] = {"type": "string"}
_TURN = "018f6a7e-0000-7000-8000-000000000001"
_CONVERSATION = "018f6a7e-0000-7000-8000-000000000000"
_SESSION = "A" * 43

KEY = Parameter(
    "Idempotency-Key",
    "header",
    "The same key and body is the same turn, for ever answered with the same reply. Send a random UUID.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
)
LAST = Parameter(
    "Last-Event-ID",
    "header",
    "The id of the last event that was read; the stream goes on after it, on any replica.",
    {"type": "string", "pattern": "^[0-9]{1,9}-[0-9]{1,9}(-end)?$"},
)
USER = Parameter("user_id", "path", "The user, who is the token's subject.", _TEXT, "alice")
ERASED = Parameter("user_id", "path", "The user, who is the token's subject.", _TEXT)
"""Without an example: a page that sends it unasked would do harm."""
SESSION = Parameter("session_id", "path", "The secret id of a textbook session.", _TEXT, _SESSION)
TURN = Parameter("turn_id", "path", "The turn.", _ID, _TURN)
CONVERSATION = Parameter("conversation_id", "path", "The conversation.", _ID, _CONVERSATION)
LIMIT = Parameter(
    "limit", "query", "How long the page is, at most.", {"type": "integer", "minimum": 1, "maximum": 200}, 20
)
CURSOR = Parameter("cursor", "query", "The `next_cursor` of the page before this one.", _TEXT)
REPLACED = Parameter("replaced", "query", "Whether replaced turns are shown, too.", {"type": "boolean"})

_API = "/api/{user_id}"
_ONE = _API + "/conversations/{conversation_id}"
_ASKED = {"message": "What is a humanoid robot?"}
_CALLER = (401, 403, 422, 503)


def _turns(
    prefix: str, door: str, place: Parameter, errors: tuple[int, ...], *, secured: bool
) -> tuple[Operation, ...]:
    path, parameters = f"{prefix}/turns/{{turn_id}}", (place, TURN)
    return (
        Operation(
            method="get",
            path=path,
            name=f"{door}Turn",
            tag=door,
            summary="Where a turn stands, and its message once there is one",
            replies={200: wire.TurnView},
            errors=errors,
            parameters=parameters,
            secured=secured,
        ),
        Operation(
            method="get",
            path=f"{path}/events",
            name=f"{door}TurnEvents",
            tag=door,
            summary="A turn's events, from its beginning or from where the reader stood",
            replies={},
            errors=tuple(sorted({*errors, 400})),
            parameters=(*parameters, LAST),
            streams=True,
            secured=secured,
        ),
        Operation(
            method="post",
            path=f"{path}/cancel",
            name=f"{door}TurnCancel",
            tag=door,
            summary="Stop a turn; what was said so far is kept",
            replies={200: wire.TurnView, 202: wire.TurnView},
            errors=errors,
            parameters=parameters,
            secured=secured,
        ),
    )


OPERATIONS = (
    Operation(
        method="post",
        path="/chat",
        name="textbookAsk",
        tag="textbook",
        summary="Ask the textbook, in a session or in a new one",
        replies={200: wire.TextbookReply},
        errors=(400, 404, 409, 413, 415, 422, 429, 500, 503),
        body=wire.TextbookQuestion,
        example=_ASKED,
        parameters=(KEY,),
        streams=True,
    ),
    *_turns("/chat/{session_id}", "textbook", SESSION, (404, 500), secured=False),
    Operation(
        method="post",
        path=f"{_API}/chat",
        name="assistantAsk",
        tag="assistant",
        summary="Ask the assistant, in a conversation or in a new one",
        replies={200: wire.AssistantReply},
        errors=(401, 403, 404, 409, 413, 415, 422, 429, 502, 503, 504),
        body=wire.AssistantQuestion,
        example=_ASKED,
        parameters=(USER, KEY),
        streams=True,
        secured=True,
    ),
    *_turns(_API, "assistant", USER, (404, *_CALLER), secured=True),
    Operation(
        method="get",
        path=f"{_API}/conversations",
        name="listConversations",
        tag="conversations",
        summary="Conversations, newest first",
        replies={200: wire.PageView[wire.ConversationView]},
        errors=_CALLER,
        parameters=(USER, LIMIT, CURSOR),
        secured=True,
    ),
    Operation(
        method="get",
        path=_ONE,
        name="showConversation",
        tag="conversations",
        summary="One conversation",
        replies={200: wire.ConversationView},
        errors=(404, *_CALLER),
        parameters=(USER, CONVERSATION),
        secured=True,
    ),
    Operation(
        method="patch",
        path=_ONE,
        name="renameConversation",
        tag="conversations",
        summary="Give a conversation another title",
        replies={200: wire.ConversationView},
        errors=(404, 413, 415, *_CALLER),
        body=wire.Rename,
        example={"title": "Robots"},
        parameters=(USER, CONVERSATION),
        secured=True,
    ),
    Operation(
        method="delete",
        path=_ONE,
        name="deleteConversation",
        tag="conversations",
        summary="Delete a conversation with everything in it",
        replies={204: None},
        errors=(404, *_CALLER),
        parameters=(USER, CONVERSATION),
        secured=True,
    ),
    Operation(
        method="get",
        path=f"{_ONE}/messages",
        name="listMessages",
        tag="conversations",
        summary="Messages, the newest page first, ascending inside",
        replies={200: wire.PageView[wire.MessageView]},
        errors=(404, *_CALLER),
        parameters=(USER, CONVERSATION, LIMIT, CURSOR, REPLACED),
        secured=True,
    ),
    Operation(
        method="get",
        path=f"{_API}/usage",
        name="usage",
        tag="account",
        summary="What the user spent today and on each of the last thirty days, in tokens",
        description="Days on which no model was called are left out.",
        replies={200: wire.SpendingView},
        errors=_CALLER,
        parameters=(USER,),
        secured=True,
    ),
    Operation(
        method="delete",
        path=_API,
        name="eraseUser",
        tag="account",
        summary="Forget everything of the user, for ever; what runs is stopped. A key must be for `erase`",
        description=(
            "Takes half a second, in which other processes write what they had gathered of the user's actions, which"
            " then goes as well. Keys go, too: no process takes one longer than ten seconds after. After a 503 some"
            " may be gone already; the same request goes on with the rest."
        ),
        replies={204: None},
        errors=_CALLER,
        parameters=(ERASED,),
        secured=True,
    ),
    Operation(
        method="get",
        path="/health",
        name="health",
        tag="operations",
        summary="Whether the process answers",
        replies={200: wire.Health},
    ),
    Operation(
        method="get",
        path="/health/ready",
        name="ready",
        tag="operations",
        summary="Whether requests can be served",
        replies={200: wire.Readiness, 503: wire.Readiness},
    ),
    Operation(
        method="get",
        path="/metrics",
        name="metrics",
        tag="operations",
        summary="Figures in Prometheus' text format",
        replies={200: str},
    ),
)

EVENTS = MappingProxyType(
    {
        "turn.accepted": wire.AcceptedView,
        "delta": wire.DeltaView,
        "reset": wire.ResetView,
        "done": wire.DoneView,
        "error": wire.ErrorView,
        "cancelled": wire.StoppedView,
        "interrupted": wire.StoppedView,
    }
)
"""The events of a stream, and what their data are."""
