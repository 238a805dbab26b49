"""Reads server-sent events from bytes as they come.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """One event: its name, its data, and the id from which a reader may go on."""

    name: str
    data: str
    id: str


def events(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events in a stream, wherever its chunks were cut; comments and half events are passed over."""
    rest = b""
    for chunk in chunks:
        *blocks, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        for block in blocks:
            fields = [line.partition(":") for line in block.decode(errors="replace").split("\n")]
            told = {name: value.removeprefix(" ") for name, _, value in fields if name}
            if "data" in told:
                yield Event(told.get("event", "message"), told["data"], told.get("id", ""))
