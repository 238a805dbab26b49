"""Words and sentences of any language, as well as they are told apart without a dictionary."""

import re
import unicodedata
from collections.abc import Iterator

_SENTENCE_END = re.compile(r"(?<=[.!?…؟۔।])[\"'”’»)]*\s+|(?<=[。！？])[」』”’）]*\s*|\n\s*\n|\n(?=\s*[-*•\d])")  # noqa: RUF001 - the full-width marks are meant
_WORD = re.compile(r"\w+")
# Han, kana, Thai, Lao, Khmer and Burmese are written without spaces: pairs of letters stand for their words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_SHORTEST_STEM = 3
_QUESTION_MARKS = ("?", "？", "؟", ";")  # noqa: RUF001 - those of other scripts are meant
_ASKING = frozenset(
    _WORD.findall("""what who whom whose which when where why how can could do does did is are was were will would should may
    tell""")
)
_FILLING = _ASKING | frozenset(
    _WORD.findall("""a about an and as at be been but by for from had has have i if in into it its just me mine my of on or our
    please s so t than that the their them then there these they this those to us we with you your""")
)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, without the white space around them."""
    return [stripped for part in _SENTENCE_END.split(text) if (stripped := part.strip())]


def terms(text: str) -> frozenset[str]:
    """Return the words that carry the text's meaning, folded and shorn, so that forms of a word agree."""
    return frozenset(_terms(unicodedata.normalize("NFKC", text).casefold()))


def is_question(text: str) -> bool:
    """Return whether a text asks something."""
    first = _WORD.search(text.casefold())
    return text.rstrip().endswith(_QUESTION_MARKS) or (first is not None and first[0] in _ASKING)


def _terms(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        if _UNSPACED.search(word):
            yield from _pairs(word)
        elif word not in _FILLING:
            yield _shorn(word)


def _pairs(word: str) -> Iterator[str]:
    for run in _UNSPACED.findall(word):
        yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
    yield from (rest for rest in _UNSPACED.split(word) if rest)


def _shorn(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
