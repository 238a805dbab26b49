"""One conversation with a server from a terminal, through restarts of the server and cuts of the line.

A question has one idempotency key for all its life. While its turn is known the stream is continued from the
last event that came; where it is not, or where the turn was interrupted, the question is sent again under the
same key, which the server takes for what it is.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from entrypoints.cli.events import Event, events
from entrypoints.cli.wire import Lost, Reply, Wire

_PATIENCE = 60.0
"""Seconds for which a server that is away is waited for."""
_FIRST_PATIENCE = 3.0
"""Seconds for one that never was there: it is starting, or else nobody has started it."""
_PAUSE = 0.5
_OK = 200
_WORTH_WAITING = {409, 429, 500, 502, 503, 504}

Write = Callable[[str], None]


class GaveUp(Exception):
    """The question was refused, or the server stayed away; says which."""


class _NotNow(Lost):
    """The server is there, and says that asking again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where questions go, and the name under which the server tells where the conversation is."""

    asking: str
    place: str
    turns: Callable[[str], str]


def assistant_door(user: str) -> Door:
    """Return the door of a signed-in user."""
    return Door(asking=f"/api/{user}/chat", place="conversation_id", turns=lambda _: f"/api/{user}/turns")


def textbook_door() -> Door:
    """Return the public door."""
    return Door(asking="/chat", place="session_id", turns=lambda session: f"/chat/{session}/turns")


@dataclass(slots=True, kw_only=True)
class Asking:
    """A question on its way: what is known of its turn, and what was shown of the reply.

    `body` is the same however often it is sent: under one key another body would be another question.
    """

    body: bytes
    key: str = field(default_factory=lambda: uuid4().hex)
    turn_id: str | None = None
    last_id: str = ""
    heard: str = ""
    shown: str = ""
    over: bool = False


class Talk:
    """A conversation; it is where the last question left it."""

    def __init__(
        self, wire: Wire, door: Door, *, show: Write, tell: Write, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Take the server, the door, where replies are shown and words about them told, and how to wait."""
        self._wire = wire
        self._door = door
        self._show = show
        self._tell = tell
        self._sleep = sleep
        self.place: str | None = None
        self.patience = _PATIENCE
        self.first_patience = _FIRST_PATIENCE
        self._met = False

    def ask(self, text: str) -> None:
        """Ask, and show the reply as it comes. An interrupt from the keyboard cancels the turn.

        Raises:
            GaveUp: there is no reply.
        """
        where = {self._door.place: self.place} if self.place else {}
        asking = Asking(body=json.dumps({"message": text} | where).encode())
        heard_at = time.monotonic()
        said = ""
        while not asking.over:
            try:
                before = asking.last_id
                self._go_on(asking)
                if asking.last_id != before:
                    heard_at, said = time.monotonic(), ""
            except Lost as lost:
                self._bear(lost, time.monotonic() - heard_at)
                if said != (said := _while_waiting(lost)):
                    self._tell(said)
                self._sleep(_PAUSE)
            except KeyboardInterrupt:
                self._cancel(asking)

    def _bear(self, lost: Lost, seconds: float) -> None:
        """Be patient.

        Raises:
            GaveUp: it has been long enough.
        """
        if seconds <= (self.patience if self._met else self.first_patience):
            return
        if isinstance(lost, _NotNow):
            raise GaveUp(str(lost)) from lost
        mend = "" if self._met else "; start it with `chatcore serve`, or say where it is with --url"
        raise GaveUp(f"the server cannot be reached ({lost}){mend}") from lost

    def _go_on(self, asking: Asking) -> None:
        if asking.turn_id is not None:
            path = f"{self._door.turns(self.place or '')}/{asking.turn_id}/events"
            headers = {"accept": "text/event-stream"} | (
                {"last-event-id": asking.last_id} if asking.last_id else {}
            )
            with self._wire.request("GET", path, headers=headers) as reply:
                self._listen(asking, reply)
            return
        headers = {
            "accept": "text/event-stream",
            "content-type": "application/json",
            "idempotency-key": asking.key,
        }
        asking.heard = ""
        with self._wire.request("POST", self._door.asking, asking.body, headers) as reply:
            self._listen(asking, reply)

    def _listen(self, asking: Asking, reply: Reply) -> None:
        self._met = True
        if reply.status != _OK:
            self._refused(reply)
            return
        for event in events(reply.chunks()):
            self._take(asking, event)
            if asking.over:
                return

    def _refused(self, reply: Reply) -> None:
        """Wait where the server says that waiting helps.

        Raises:
            GaveUp: it does not.
        """
        problem = json.loads(reply.whole() or b"{}")
        if not problem.get("retryable") or reply.status not in _WORTH_WAITING:
            raise GaveUp(problem.get("detail") or f"the server answers {reply.status}")
        raise _NotNow(problem["detail"])

    def _take(self, asking: Asking, event: Event) -> None:
        data = json.loads(event.data)
        asking.last_id = event.id
        match event.name:
            case "turn.accepted":
                asking.turn_id = data["turn_id"]
                self.place = data.get(self._door.place, self.place)
            case "delta":
                asking.heard += data["text"]
                self._catch_up(asking)
            case "reset":
                asking.heard = ""
            case "interrupted":
                self._again(asking, "(the server was interrupted, asking again)")
            case "error" if data["problem"].get("retryable"):
                self._again(asking, f"({data['problem']['detail']} Asking again.)")
            case "error":
                raise GaveUp(data["problem"]["detail"])
            case "done":
                asking.heard = data["message"]["content"]
                self._catch_up(asking)
                self._finish(asking)
            case "cancelled":
                self._finish(asking)
                self._tell("(cancelled)")

    def _catch_up(self, asking: Asking) -> None:
        """Show what was heard beyond what is shown; what was shown of a void attempt is shown anew."""
        if asking.shown.startswith(asking.heard):
            return
        if not asking.heard.startswith(asking.shown):
            self._show("\n")
            self._tell("(starting over)")
            asking.shown = ""
        self._show(asking.heard[len(asking.shown) :])
        asking.shown = asking.heard

    def _finish(self, asking: Asking) -> None:
        self._show("\n")
        asking.over = True

    def _again(self, asking: Asking, words: str) -> None:
        self._tell(words)
        self._sleep(_PAUSE)
        asking.turn_id, asking.last_id, asking.heard = None, "", ""

    def _cancel(self, asking: Asking) -> None:
        """Ask the server to stop; what it says about that is heard in the stream."""
        if asking.turn_id is None:
            raise KeyboardInterrupt
        path = f"{self._door.turns(self.place or '')}/{asking.turn_id}/cancel"
        with self._wire.request("POST", path) as reply:
            reply.whole()


def _while_waiting(lost: Lost) -> str:
    if isinstance(lost, _NotNow):
        return f"({lost} Asking again.)"
    return "(the server is away, waiting for it)"
