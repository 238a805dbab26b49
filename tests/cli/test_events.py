"""Server-sent events are read wherever their bytes were cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from entrypoints.cli.events import Event, events

STREAM = (
    'id: 1-0\nevent: turn.accepted\ndata: {}\n\n: ping\n\nid: 1-5\nevent: delta\ndata: {"text": "Grüße, 世界"}\n\n'
    "data: bare\r\n\r\nid: 1-9\nevent: del"
).encode()


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(edges)]
    assert list(events(chunks)) == [
        Event("turn.accepted", "{}", "1-0"),
        Event("delta", '{"text": "Grüße, 世界"}', "1-5"),
        Event("message", "bare", ""),
    ]
