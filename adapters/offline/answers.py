"""What the offline model says: pure functions from a prompt to a reply."""

from collections import Counter
from collections.abc import Sequence

from adapters.offline.words import is_question, sentences, terms
from chatcore.prompt import Prompt

NOTE = "(offline: no model is configured)"
_LONGEST_QUOTE = 300
_MOST_SENTENCES = 2
_OF_THE_WHOLE = terms("summarise summarize summary gist text passage say mean main point idea")
_OF_WHAT_WENT_BEFORE = terms("ask asked said message question previous last before earlier")


def answer(prompt: Prompt) -> str:
    """Return the reply, ending with the note that it is not a model's."""
    if prompt.selected_text is not None:
        return f"{_from_text(prompt.selected_text, prompt.question)} {NOTE}"
    return f"{_from_conversation(prompt)} {NOTE}"


def _from_text(text: str, question: str) -> str:
    found = sentences(text)
    best = found[:_MOST_SENTENCES] if terms(question) <= _OF_THE_WHOLE else _most_relevant(found, question)
    if not best:
        return "The selected text does not answer the question."
    return f"The selected text says: {' '.join(_quoted(sentence) for sentence in best)}"


def _from_conversation(prompt: Prompt) -> str:
    earlier = [exchange.question for exchange in prompt.history]
    if earlier and _asks_for_the_last_question(prompt.question):
        return f"Your previous question was: {_quoted(earlier[-1])}"
    if is_question(prompt.question):
        return _recalled(earlier, prompt.question)
    noted = f"I have noted what you said: {_quoted(prompt.question)}"
    return f"{noted} Before that you said: {_quoted(earlier[-1])}" if earlier else noted


def _recalled(earlier: Sequence[str], question: str) -> str:
    said = [sentence for text in reversed(earlier) for sentence in sentences(text) if not is_question(sentence)]
    best = _most_relevant(said, question)
    if best:
        return f"Earlier you told me: {' '.join(_quoted(sentence) for sentence in best[:1])}"
    unknown = f"I cannot answer {_quoted(question)} without a model."
    return f"{unknown} Before that you said: {_quoted(earlier[-1])}" if earlier else unknown


def _asks_for_the_last_question(question: str) -> bool:
    asked = terms(question)
    return is_question(question) and bool(asked) and asked <= _OF_WHAT_WENT_BEFORE


def _most_relevant(found: Sequence[str], question: str) -> list[str]:
    """Return the sentences that share most with the question, in their order.

    A term weighs the less the more sentences have it (inverse document frequency, Spärck Jones 1972). A
    second sentence is kept where it is nearly as good as the first.
    """
    wanted = terms(question)
    held = [wanted & terms(sentence) for sentence in found]
    spread = Counter(term for some in held for term in some)
    scores = [sum(1 / spread[term] for term in some) for some in held]
    best = sorted(range(len(found)), key=lambda place: (-scores[place], place))[:_MOST_SENTENCES]
    return [
        found[place] for place in sorted(best) if scores[place] > 0 and scores[place] >= 0.8 * scores[best[0]]
    ]


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line}”" if len(line) <= _LONGEST_QUOTE else f"“{line[:_LONGEST_QUOTE].rstrip()}…”"
